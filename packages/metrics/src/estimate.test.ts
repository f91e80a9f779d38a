import { compileLayout, parseManifest } from '@onlysum/task';
import { expect, test } from 'vitest';
import vectors from '../../../test/vectors/v1/manifest.json' with { type: 'json' };
import published from '../../../test/vectors/v1/metrics.json' with { type: 'json' };
import { estimateTotals } from './estimate.js';

const manifest = parseManifest(vectors.manifest);
const layout = compileLayout(manifest);
const zeros = layout.lanes.map(() => 0);

test('the published sum gives these numbers', () => {
  const result = estimateTotals(manifest, layout, published.sum, published.devices.length);
  // The values that count are those of metrics.json, by hand.
  expect(result).toEqual({
    survivors: 11,
    groups: { essential: { respondents: 10 }, performance: { respondents: 9 } },
    metrics: {
      active: { kind: 'flag', yes: 3, reported: 4, share: 0.75 },
      startup_ms: {
        kind: 'histogram',
        buckets: [
          { from: 0, to: 100, count: 2 },
          { from: 100, to: 250.5, count: 2 },
          { from: 250.5, to: 1000, count: 3 },
        ],
        reported: 7,
        clipped: 2,
        unit: 'ms',
      },
      crashes: { kind: 'count', total: 1004, mean: 251, reported: 4, clipped: 1 },
      browser: {
        kind: 'category',
        counts: { 'chrome-120': 1, 'chrome-121': 1, other: 1 },
        reported: 3,
      },
      // 12.5 + 0 + 10000 + 10000 + 0 + 0.5 + 0, with halves rounded up.
      disk: { kind: 'sum', total: 20013, mean: 2859, reported: 7, clipped: 2, unit: 'MiB' },
      // 36.5 − 40 + 125 + 125 − 40 − 39.75 + 0.
      temperature: {
        kind: 'mean',
        total: 166.75,
        mean: 166.75 / 7,
        reported: 7,
        clipped: 2,
        unit: '°C',
      },
      // 123456789012 + 0 + 2^40 + 2^40 + 0, from three limbs.
      traffic: {
        kind: 'sum',
        total: 2322480044564,
        mean: 464496008912.8,
        reported: 5,
        clipped: 2,
        unit: 'B',
      },
    },
    implausible: [],
  });
  expect(JSON.parse(JSON.stringify(result))).toEqual(result);
});

test('nobody reported: no share and no mean, and no division by zero', () => {
  const { metrics, groups } = estimateTotals(manifest, layout, zeros, 5);
  expect(groups).toEqual({ essential: { respondents: 0 }, performance: { respondents: 0 } });
  expect(metrics['active']).toEqual({ kind: 'flag', yes: 0, reported: 0, share: null });
  expect(metrics['crashes']).toMatchObject({ total: 0, mean: null, reported: 0 });
  expect(metrics['temperature']).toMatchObject({ total: 0, mean: null, reported: 0 });
});

test('a lane that no honest devices could have summed is named', () => {
  const at = layout.lanes.findIndex((lane) => lane.label === 'crashes.value');
  const spoiled = (sum: number) => zeros.map((_, i) => (i === at ? sum : 0));
  expect(estimateTotals(manifest, layout, spoiled(5000), 5).implausible).toEqual([]);
  for (const sum of [5001, -1]) {
    expect(estimateTotals(manifest, layout, spoiled(sum), 5).implausible).toEqual([
      'crashes.value',
    ]);
  }
  const noisy = {
    ...layout,
    lanes: layout.lanes.map((lane) => ({ ...lane, tail: 3 })),
  };
  expect(estimateTotals(manifest, noisy, spoiled(-3), 5).implausible).toEqual([]);
  expect(estimateTotals(manifest, noisy, spoiled(-4), 5).implausible).toEqual(['crashes.value']);
  expect(estimateTotals(manifest, noisy, spoiled(5003), 5).implausible).toEqual([]);
});

test.each<[string, number[], number, string]>([
  ['too few sums', zeros.slice(1), 5, 'lanes'],
  ['too many sums', [...zeros, 0], 5, 'lanes'],
  ['a fraction', zeros.map((_, i) => (i === 1 ? 0.5 : 0)), 5, 'lanes[1] (active.value)'],
  [
    'not a number',
    zeros.map((_, i) => (i === 0 ? Number.NaN : 0)),
    5,
    'lanes[0] (essential.respondents)',
  ],
  ['negative survivors', zeros, -1, 'survivors'],
  ['half a survivor', zeros, 0.5, 'survivors'],
])('refuses %s', (_, lanes, survivors, field) => {
  expect(() => estimateTotals(manifest, layout, lanes, survivors)).toThrow(
    expect.objectContaining({ code: 'argument-invalid', field }),
  );
});
