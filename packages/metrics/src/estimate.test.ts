import { compileLayout, type Manifest, parseManifest } from '@onlysum/task';
import { expect, test } from 'vitest';
import { everyKind } from '../../../test/metrics/every-kind.js';
import { publishedManifest as manifest } from '../../../test/metrics/published.js';
import vectors from '../../../test/vectors/v1/manifest.json' with { type: 'json' };
import published from '../../../test/vectors/v1/metrics.json' with { type: 'json' };
import { estimateTotals } from './estimate.js';

const layout = compileLayout(manifest);
const zeros = layout.lanes.map(() => 0);
const five = { devices: 5, survivors: 5 };

const exactly = (value: number) => ({ value, standardError: 0, interval: [value, value] });
const named = (counts: Record<string, number>, reported: number) =>
  Object.entries(counts).map(([name, count]) => ({
    name,
    count: exactly(count),
    share: exactly(count / reported),
  }));
const tooFew = (required: number) => ({ suppressed: { reason: 'too-few-respondents', required } });

test('the published sum gives these numbers', () => {
  const participation = { devices: 13, survivors: published.devices.length };
  const result = estimateTotals(manifest, layout, published.sum, participation);
  // The values that count are those of metrics.json, by hand.
  expect(result).toEqual({
    survivors: 11,
    groups: {
      essential: { respondents: exactly(11) },
      performance: { respondents: exactly(9), optOutRate: exactly(2 / 11) },
    },
    metrics: {
      active: { kind: 'flag', yes: exactly(3), reported: exactly(4), share: exactly(0.75) },
      startup_ms: {
        kind: 'histogram',
        buckets: [
          { from: 0, to: 100, count: exactly(2) },
          { from: 100, to: 250.5, count: exactly(2) },
          { from: 250.5, to: 1000, count: exactly(3) },
        ],
        reported: exactly(7),
        clipped: exactly(2),
        unit: 'ms',
      },
      crashes: {
        kind: 'count',
        total: exactly(1004),
        mean: exactly(251),
        reported: exactly(4),
        clipped: exactly(1),
      },
      browser: {
        kind: 'category',
        categories: named({ 'chrome-120': 1, 'chrome-121': 1, other: 1 }, 3),
        reported: exactly(3),
      },
      // 12.5 + 0 + 10000 + 10000 + 0 + 0.5 + 0, with halves rounded up.
      disk: {
        kind: 'sum',
        total: exactly(20013),
        mean: exactly(2859),
        reported: exactly(7),
        clipped: exactly(2),
        unit: 'MiB',
      },
      // 36.5 − 40 + 125 + 125 − 40 − 39.75 + 0.
      temperature: {
        kind: 'mean',
        total: exactly(166.75),
        mean: exactly(166.75 / 7),
        reported: exactly(7),
        clipped: exactly(2),
        unit: '°C',
      },
      // 123456789012 + 0 + 2^40 + 2^40 + 0, from three limbs.
      traffic: {
        kind: 'sum',
        total: exactly(2322480044564),
        mean: exactly(464496008912.8),
        reported: exactly(5),
        clipped: exactly(2),
        unit: 'B',
      },
    },
    implausible: [],
  });
  expect(JSON.parse(JSON.stringify(result))).toEqual(result);
});

test('the published sum of the other kinds gives these numbers', () => {
  const kinds = parseManifest({ ...vectors.kinds, minRespondents: 1 });
  const participation = { devices: 10, survivors: published.kindDevices.length };
  const sums = published.kindSum;
  const { metrics, implausible } = estimateTotals(kinds, compileLayout(kinds), sums, participation);
  expect(implausible).toEqual([]);
  expect(metrics['system_by_channel']).toMatchObject({
    rows: ['linux', 'mac', 'windows', 'other'],
    columns: ['stable', 'beta', 'other'],
    counts: [
      [0, 0, 0],
      [0, 1, 0],
      [1, 0, 0],
      [0, 0, 1],
    ].map((row) => row.map(exactly)),
    reported: exactly(3),
  });
  expect(metrics['features']).toEqual({
    kind: 'multi-select',
    options: named({ export: 1, print: 2, search: 1, share: 1, other: 1 }, 4),
    reported: exactly(4),
    clipped: exactly(1),
  });
  // gamma and one that is not listed; the others tie at none.
  expect(metrics['extension']).toMatchObject({
    top: [
      { name: 'gamma', rank: 1, count: exactly(1), share: exactly(0.5), certain: true },
      { name: 'alpha', rank: 2, count: exactly(0), share: exactly(0), certain: false },
    ],
    other: exactly(1),
    reported: exactly(2),
  });
  // 12.5, 102.5, −5, 102.5, −5.
  expect(metrics['save_ms']).toMatchObject({ mean: exactly(41.5), variance: exactly(3151.875) });
  // 7, 60001, 0, 60001, 0; its squares come in limbs.
  expect(metrics['far']).toMatchObject({
    mean: exactly(24001.8),
    variance: exactly(1079952008.7),
    standardDeviation: exactly(Math.sqrt(1079952008.7)),
  });
  // 0.49, 0.5, 0.8333333333333334, 3.5, 40, 40.01: the third is the median, between 5/6 and 25/18.
  expect(metrics['latency_ms']).toMatchObject({
    quantiles: [
      {
        quantile: 0.5,
        value: expect.closeTo(25 / 24, 12),
        relativeError: 0.25,
        interval: [expect.closeTo(5 / 6, 12), expect.closeTo(25 / 18, 12)],
      },
      { quantile: 0.9, interval: [expect.closeTo(29.768709, 6), 40] },
      { quantile: 0.99, interval: [expect.closeTo(29.768709, 6), 40] },
    ],
    reported: exactly(6),
    clipped: exactly(1),
  });
});

test('what fewer than minRespondents gave is a row that says only so', () => {
  const atLeast = (minRespondents: number) =>
    estimateTotals({ ...manifest, minRespondents }, layout, published.sum, {
      devices: 11,
      survivors: 11,
    });
  expect(atLeast(4).metrics['browser']).toEqual({ kind: 'category', ...tooFew(4) });
  expect(atLeast(4).metrics['active']).toMatchObject({ reported: exactly(4) });
  expect(atLeast(5).metrics['active']).toEqual({ kind: 'flag', ...tooFew(5) });
  expect(atLeast(9).groups['performance']).toMatchObject({ respondents: exactly(9) });
  // Survivors are known to all who read a result.
  expect(atLeast(12).groups).toEqual({
    essential: { respondents: exactly(11) },
    performance: tooFew(12),
  });
  expect(estimateTotals(manifest, layout, zeros, five).metrics['active']).toEqual({
    kind: 'flag',
    ...tooFew(1),
  });
});

test('a cross-tabulation is suppressed with its rows or columns', () => {
  const task: Manifest = everyKind({ minRespondents: 3 });
  const { lanes } = compileLayout(task);
  const suppressedWith = (sums: Record<string, number>) => {
    const opened = lanes.map(({ label }) => sums[label] ?? 0);
    const participation = { devices: 400, survivors: 400 };
    const { metrics } = estimateTotals(task, compileLayout(task), opened, participation);
    return 'suppressed' in (metrics['pair'] ?? {});
  };
  const enough = {
    'version.category[1.0]': 3,
    'os.category[linux]': 3,
    'pair.cell[1.0][linux]': 3,
  };
  expect(suppressedWith(enough)).toBe(false);
  // With noise the three need not agree.
  for (const label of Object.keys(enough)) {
    expect(suppressedWith({ ...enough, [label]: 2 })).toBe(true);
  }
});

test('a lane that no honest devices could have summed is named', () => {
  const at = layout.lanes.findIndex((lane) => lane.label === 'crashes.value');
  const spoiled = (sum: number) => zeros.map((_, i) => (i === at ? sum : 0));
  expect(estimateTotals(manifest, layout, spoiled(5000), five).implausible).toEqual([]);
  for (const sum of [5001, -1]) {
    expect(estimateTotals(manifest, layout, spoiled(sum), five).implausible).toEqual([
      'crashes.value',
    ]);
  }
  const noisy = {
    ...layout,
    lanes: layout.lanes.map((lane) => ({ ...lane, tail: 3 })),
  };
  expect(estimateTotals(manifest, noisy, spoiled(-3), five).implausible).toEqual([]);
  expect(estimateTotals(manifest, noisy, spoiled(-4), five).implausible).toEqual(['crashes.value']);
  expect(estimateTotals(manifest, noisy, spoiled(5003), five).implausible).toEqual([]);
});

test.each<[string, number[], number, number, string]>([
  ['too few sums', zeros.slice(1), 5, 5, 'lanes'],
  ['too many sums', [...zeros, 0], 5, 5, 'lanes'],
  ['a fraction', zeros.map((_, i) => (i === 1 ? 0.5 : 0)), 5, 5, 'lanes[1] (active.value)'],
  [
    'not a number',
    zeros.map((_, i) => (i === 0 ? Number.NaN : 0)),
    5,
    5,
    'lanes[0] (essential.respondents)',
  ],
  ['no survivors', zeros, 5, 0, 'survivors'],
  ['half a survivor', zeros, 5, 0.5, 'survivors'],
  ['more survivors than devices', zeros, 5, 6, 'survivors'],
  ['no devices', zeros, 0, 0, 'devices'],
])('refuses %s', (_, lanes, devices, survivors, field) => {
  expect(() => estimateTotals(manifest, layout, lanes, { devices, survivors })).toThrow(
    expect.objectContaining({ code: 'argument-invalid', field }),
  );
});
