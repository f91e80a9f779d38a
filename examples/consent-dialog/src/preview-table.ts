/** What would be sent now, as rows of a table. Knows: `client.preview()`. Doesn't know: consent's dialog. */
import type { Client, Preview, PreviewMetric } from '@onlysum/client';
import { element } from './element.js';

export function showPreview(
  body: HTMLElement,
  note: HTMLElement,
  preview: Preview,
  manifest: Client['task']['manifest'],
): void {
  const units = new Map(
    manifest.metrics.map((metric) => [metric.name, 'unit' in metric ? ` ${metric.unit}` : '']),
  );
  body.replaceChildren(
    ...preview.metrics.map((metric) => row(metric, units.get(metric.name) ?? '')),
  );
  const sent = preview.metrics.filter(({ included }) => included).length;
  note.textContent =
    `${sent} of ${preview.metrics.length} would be reported, masked, in ${preview.vectorBytes} bytes. ` +
    'An upload has the same size whatever you share.';
}

function row(metric: PreviewMetric, unit: string): HTMLElement {
  const { name, purpose, consented, value, clipped } = metric;
  const shown = consented ? valueText(value, unit) : 'not shared';
  const limit = clipped ? ' (at its limit)' : '';
  return element(
    'tr',
    { 'data-metric': name, class: value === undefined ? 'nothing' : undefined },
    element('th', { scope: 'row' }, purpose),
    element('td', {}, shown + limit),
  );
}

function valueText(value: PreviewMetric['value'], unit: string): string {
  if (value === undefined) return 'nothing yet';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'number') return `${Math.round(value * 10) / 10}${unit}`;
  return typeof value === 'string' ? value : value.join(', ');
}
