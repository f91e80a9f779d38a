/**
 * What noise relies on: no two vectors that an honest device can send are farther apart in a block of
 * lanes than its stated sensitivity, and some are as far, so that no noise is wasted.
 * Knows: encodings. Sensitivities are @onlysum/task's, which knows no encodings.
 */
import {
  compileLayout,
  type Layout,
  type Manifest,
  type Metric,
  type NoisePromise,
} from '@onlysum/task';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { everyKind } from '../../../test/metrics/every-kind.js';
import { encodeLanes } from './encode.js';
import type { RecordedValue } from './value.js';

const about = {
  group: 'basic',
  purpose: 'p',
  owner: 'o',
  retentionDays: 1,
  access: ['analyst'] as const,
};
const range = { min: '-2', max: '8', resolution: '0.5', unit: 'u' };
const names = (count: number) => Array.from({ length: count }, (_, i) => `n${i}`);
const anyName = fc.constantFrom(...names(9), 'other');
const anyNumber = fc.oneof(
  fc.integer({ min: -40, max: 40 }).map((x) => x / 4),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);

type Values = Readonly<Record<string, RecordedValue>>;

interface Case {
  readonly metrics: readonly Metric[];
  /** One device's values, `x` being the metric in question. */
  readonly values: fc.Arbitrary<Values>;
}

const x = <T extends RecordedValue>(value: fc.Arbitrary<T>) => value.map((each) => ({ x: each }));

const listedCases = (count: number): Record<string, Case> => ({
  [`category of ${count}`]: {
    metrics: [{ ...about, name: 'x', kind: 'category', categories: names(count) }],
    values: x(anyName),
  },
  [`top-k of ${count}`]: {
    metrics: [{ ...about, name: 'x', kind: 'top-k', candidates: names(count), k: 1 }],
    values: x(anyName),
  },
});

const selections = (count: number, most: number): Record<string, Case> => ({
  [`multi-select of ${count}, at most ${most}`]: {
    metrics: [{ ...about, name: 'x', kind: 'multi-select', options: names(count), most }],
    values: x(fc.subarray([...names(count), 'other'])),
  },
});

const cases: Record<string, Case> = {
  flag: { metrics: [{ ...about, name: 'x', kind: 'flag' }], values: x(fc.boolean()) },
  count: {
    metrics: [{ ...about, name: 'x', kind: 'count', max: 7 }],
    values: x(fc.oneof(fc.nat(9), fc.maxSafeNat())),
  },
  'count of at most 1': {
    metrics: [{ ...about, name: 'x', kind: 'count', max: 1 }],
    values: x(fc.nat(3)),
  },
  sum: { metrics: [{ ...about, ...range, name: 'x', kind: 'sum' }], values: x(anyNumber) },
  mean: { metrics: [{ ...about, ...range, name: 'x', kind: 'mean' }], values: x(anyNumber) },
  variance: {
    metrics: [{ ...about, ...range, name: 'x', kind: 'variance' }],
    values: x(anyNumber),
  },
  histogram: {
    metrics: [
      { ...about, name: 'x', kind: 'histogram', edges: ['-5', '0', '2.5', '9'], unit: 'u' },
    ],
    values: x(anyNumber),
  },
  distribution: {
    metrics: [
      {
        ...about,
        name: 'x',
        kind: 'distribution',
        min: '1',
        max: '9',
        relativeError: '0.2',
        unit: 'u',
      },
    ],
    values: x(anyNumber),
  },
  ...listedCases(3),
  ...listedCases(9),
  ...selections(1, 1),
  ...selections(3, 1),
  ...selections(3, 2),
  ...selections(3, 3),
  ...selections(6, 2),
  'cross-tabulation': {
    metrics: [
      { ...about, name: 'rows', kind: 'category', categories: names(3) },
      { ...about, name: 'columns', kind: 'category', categories: names(2) },
      { ...about, name: 'x', kind: 'cross-tabulation', rows: 'rows', columns: 'columns' },
    ],
    values: fc.record({ rows: anyName, columns: anyName }, { requiredKeys: [] }),
  },
};

test('every kind is tried', () => {
  const tried = new Set(Object.values(cases).flatMap(({ metrics }) => metrics.map((m) => m.kind)));
  expect(tried).toEqual(new Set(everyKind().metrics.map(({ kind }) => kind)));
});

describe.each(['zero', 'replace'] as const)('neighbours: %s', (neighbours) => {
  test.each(Object.entries(cases))('%s', (_, { metrics, values }) => {
    const manifest = manifestOf(metrics, neighbours);
    const layout = compileLayout(manifest);
    const blocks = blocksOf(layout);
    const farthest = new Map<string, number>();
    const zeros = layout.lanes.map(() => 0);
    const encode = (given: Values): number[] => [
      ...encodeLanes({ manifest, layout }, new Map(Object.entries(given)), () => true),
    ];
    const encoded = fc.oneof(
      { weight: 1, arbitrary: fc.constant(zeros) },
      { weight: 9, arbitrary: fc.option(values, { nil: {} }).map(encode) },
    );
    fc.assert(
      fc.property(encoded, neighbours === 'zero' ? fc.constant(zeros) : encoded, (a, b) => {
        for (const block of blocks) {
          const moved = block.lanes.map((i) => Math.abs((a[i] ?? 0) - (b[i] ?? 0)));
          const l1 = moved.reduce((sum, each) => sum + each, 0);
          const l2Squared = moved.reduce((sum, each) => sum + each * each, 0);
          expect(l1, block.name).toBeLessThanOrEqual(block.sensitivity.l1);
          expect(l2Squared, block.name).toBeLessThanOrEqual(block.sensitivity.l2Squared);
          farthest.set(block.name, Math.max(farthest.get(block.name) ?? 0, l1));
        }
      }),
      { seed: 1, numRuns: 3000 },
    );
    for (const { name, sensitivity } of blocks) {
      expect(farthest.get(name), name).toBe(sensitivity.l1);
      // Lanes of bound 1, or one lane: the one follows from the other.
      expect([sensitivity.l1, sensitivity.l1 ** 2]).toContain(sensitivity.l2Squared);
    }
  });
});

function manifestOf(metrics: readonly Metric[], neighbours: NoisePromise['neighbours']): Manifest {
  return everyKind({
    metrics,
    groups: [{ name: 'basic', purpose: 'p', essential: true }],
    privacy: {
      mechanism: 'skellam',
      epsilon: '10',
      delta: '0.000001',
      neighbours,
      budget: { epsilon: '10', delta: '0.000001', days: 1 },
    },
  });
}

/** Lanes that get their noise from the same block, as a device sees them. */
function blocksOf({ lanes, noise }: Layout) {
  return [...(noise?.blocks ?? [])].map(([name, { scale, sensitivity }]) => ({
    name,
    sensitivity,
    lanes: lanes.filter((lane) => lane.noise === scale).map(({ index }) => index),
  }));
}
