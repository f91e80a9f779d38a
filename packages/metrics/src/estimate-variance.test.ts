import { unsafeSeededRng } from '@onlysum/crypto';
import type { LaneRole, RangeMetric } from '@onlysum/task';
import { expect, test } from 'vitest';
import { deviatesOf } from './estimated.js';
import { estimateVariance } from './estimate-variance.js';
import type { MetricSums } from './lane-sums.js';

/** In steps: 20 of them, with the centre at 10. */
const metric: RangeMetric = {
  name: 'x',
  group: 'g',
  purpose: 'p',
  owner: 'o',
  retentionDays: 1,
  access: ['analyst'],
  kind: 'variance',
  min: '0',
  max: '20',
  resolution: '1',
  unit: 'u',
};

type Sum = readonly [sum: number, deviation: number];

function estimated(sums: Partial<Record<LaneRole, Sum>>) {
  const one = (role: LaneRole) => {
    const [sum, deviation] = sums[role] ?? [0, 0];
    return { sum: BigInt(Math.round(sum)), variance: deviation * deviation };
  };
  const scope = { survivors: 400, deviates: deviatesOf('skellam') };
  const all = (role: LaneRole) => [one(role)];
  return estimateVariance(metric, { ...scope, one, all } satisfies MetricSums);
}

// 200 devices at 5 and 200 at 15: S = 0, Q = 400 · 25.
const R = 400;
const V = 4000;
const Q = 10_000;
const exact = Q / (R - 1);

test.each<[string, Partial<Record<LaneRole, number>>, number]>([
  // Uncorrected, it would be 800² / (400 · 399) ≈ 4 too small: noise in S looks like a mean off the centre.
  ['of the values', { value: 800 }, 4],
  // And here 20² · 10² / 400² ≈ 0.25.
  ['of their number', { reported: 20 }, 0.25],
])('noise %s does not make the variance smaller on average', (seed, deviations, uncorrected) => {
  const normal = normals(seed);
  const trials = 20_000;
  let sum = 0;
  for (let trial = 0; trial < trials; trial++) {
    const noisy = (role: LaneRole, of: number): Sum => {
      const deviation = deviations[role as 'value'] ?? 0;
      return [of + deviation * normal(), deviation];
    };
    const { variance } = estimated({
      value: noisy('value', V),
      square: noisy('square', Q),
      reported: noisy('reported', R),
    });
    sum += variance.value ?? Number.NaN;
  }
  expect(Math.abs(sum / trials - exact)).toBeLessThan(uncorrected / 4);
});

test('a variance below 0 is left so, and its root is not a number', () => {
  const { variance, standardDeviation } = estimated({
    value: [V, 0],
    square: [-500, 2000],
    reported: [R, 0],
  });
  expect(variance.value).toBeCloseTo(-500 / 399, 12);
  expect(variance.interval[0]).toBe(0);
  expect(standardDeviation).toEqual({
    value: null,
    standardError: null,
    interval: [0, Math.sqrt(variance.interval[1])],
  });
});

test('near 0 the error of the deviation is no more than half of its interval', () => {
  const { variance, standardDeviation } = estimated({
    value: [V, 0],
    square: [1, 2000],
    reported: [R, 0],
  });
  expect(standardDeviation.standardError).toBe(Math.sqrt(variance.interval[1]) / 2);
});

function normals(seed: string): () => number {
  const rng = unsafeSeededRng(seed);
  const uniform = () => {
    const [a = 0, b = 0, c = 0, d = 0] = rng(4);
    return (a + b * 2 ** 8 + c * 2 ** 16 + d * 2 ** 24 + 0.5) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}
