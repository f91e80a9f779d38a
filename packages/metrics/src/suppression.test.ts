import { compileLayout } from '@onlysum/task';
import { expect, test } from 'vitest';
import { everyKind } from '../../../test/metrics/every-kind.js';
import { sumOf } from '../../../test/metrics/sum.js';
import { estimateTotals } from './estimate.js';
import { shownLanes } from './suppression.js';

test('lanes of what is suppressed are not shown: values, buckets, cells, respondents', () => {
  const manifest = everyKind({ minRespondents: 3 });
  const layout = compileLayout(manifest);
  const device = { values: { licensed: true, version: '1.0', crashes: 2, latency: 7 } };
  const few = { values: { licensed: true, os: 'linux', version: '2.0' }, declines: 'extra' };
  const lanes = sumOf(manifest, [device, device, few]);
  const shown = (sums: readonly number[]) => {
    const result = estimateTotals(manifest, layout, sums, { devices: 3, survivors: 3 });
    const visible = shownLanes(layout, sums, result);
    expect(visible.every((sum, i) => sum === null || sum === sums[i])).toBe(true);
    return layout.lanes.filter((_, i) => visible[i] !== null).map(({ label }) => label);
  };
  expect(shown(lanes)).toEqual([
    'basic.respondents',
    'licensed.value',
    'licensed.reported',
    ...['1.0', '1.1', '2.0', 'other'].map((name) => `version.category[${name}]`),
  ]);
  const enough = sumOf(manifest, [device, device, device]);
  const more = shown(enough).filter((label) => /extra|crashes|latency/.test(label));
  expect(more).toHaveLength(
    layout.lanes.filter(({ label }) => /extra|crash|late/.test(label)).length,
  );
});
