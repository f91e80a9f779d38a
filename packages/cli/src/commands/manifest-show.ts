/** `onlysum manifest show`: the manifest as a person reads it. */
import { resolve } from 'node:path';
import { toHex } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import { canonicalBytes, type Manifest } from '@onlysum/task';
import type { Command } from 'commander';
import { jsonOption } from '../flags.js';
import { rangeOf } from '../metric-words.js';
import { print, printJson, table, title } from '../output.js';
import { loadManifest } from '../tasks.js';
import type { Terminal } from '../terminal.js';
import { duration, instant } from '../time-words.js';

export function addManifestShow(manifest: Command, terminal: Terminal): void {
  manifest
    .command('show')
    .summary('show what a manifest collects, and why')
    .description(
      'Shows who collects what, from whom, why and for how long. A wrong signature is refused.',
    )
    .argument('[file]', 'manifest, signed or not', 'manifest.json')
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  onlysum manifest show manifest.signed.json --json')
    .action((file: string, { json }: { json?: true }) => {
      const { manifest: parsed, isSigned } = loadManifest(resolve(terminal.cwd, file));
      const taskId = toHex(nativeSuite.sha256(canonicalBytes(parsed)));
      if (json === true) {
        printJson(terminal, { taskId, signed: isSigned, manifest: parsed });
        return;
      }
      print(terminal, ...headLines(terminal, parsed, taskId, isSigned), '');
      for (const group of parsed.groups) {
        const consent = group.essential ? 'essential' : 'only with consent';
        const metrics = parsed.metrics.filter((metric) => metric.group === group.name);
        print(
          terminal,
          `${title(terminal, group.name)} (${consent}): ${group.purpose}`,
          table(
            ['metric', 'kind', 'range', 'purpose', 'owner', 'kept'],
            metrics.map((metric) => [
              metric.name,
              metric.kind,
              rangeOf(metric),
              metric.purpose,
              metric.owner,
              `${metric.retentionDays} days`,
            ]),
          ),
          '',
        );
      }
    });
}

function headLines(
  terminal: Terminal,
  manifest: Manifest,
  taskId: string,
  isSigned: boolean,
): string[] {
  const { name, version, publisher, registrar, coordinator, window, epoch } = manifest;
  const { cohort, minSurvivors, attempts, assumptions, privacy, validity } = manifest;
  const rows = [
    ['task', taskId],
    ['signature', isSigned ? 'holds' : 'none yet'],
    ['publisher', publisher],
    ['registrar', registrar],
    ['coordinator', `${coordinator.key} at ${coordinator.url}`],
    ['window', `${duration(window.lengthMs)}, in epochs of ${duration(epoch.lengthMs)}`],
    ['cohort', `${cohort.min} to ${cohort.max} devices, closed at ${cohort.target}`],
    ['survivors', `${minSurvivors} at least, else nothing is opened`],
    ['attempts', `${attempts} per device and window`],
    [
      'assumes',
      `${assumptions.corrupt} ‰ corrupt and ${assumptions.dropout} ‰ dropping of a cohort, ` +
        `${assumptions.population} ppm corrupt of all enrolled`,
    ],
    ['noise', privacy.mechanism],
    ['valid', `${instant(validity.notBeforeMs)} to ${instant(validity.notAfterMs)}`],
  ];
  const lines = rows.map(([label = '', text = '']) => `  ${label.padEnd(13)}${text}`);
  return [title(terminal, `${name} version ${version}`), ...lines];
}
