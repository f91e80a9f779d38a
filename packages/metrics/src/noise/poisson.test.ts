import { unsafeSeededRng } from '@onlysum/crypto';
import type { Rational } from '@onlysum/task';
import { describe, expect, test } from 'vitest';
import { chiSquaredScore } from '../../../../test/noise/chi-squared.js';
import { logPoisson } from '../../../../test/noise/distributions.js';
import { acceptance, poisson, samplePoisson } from './poisson.js';
import { RandomBits } from './random-bits.js';

const hundredths = (rate: number): Rational => ({
  numerator: BigInt(Math.round(rate * 100)),
  denominator: 100n,
});

function sample(rate: Rational, count: number): number[] {
  const random = new RandomBits(unsafeSeededRng(`poisson ${rate.numerator}/${rate.denominator}`));
  const distribution = poisson(rate);
  return Array.from({ length: count }, () => samplePoisson(distribution, random));
}

describe('the distribution', () => {
  test.each([0.01, 0.3, 0.7, 1, 1.99, 2, 3.9, 17.25, 100, 1000])('of rate %d', (rate) => {
    const logs = logPoisson(rate, Math.ceil(rate + 20 + 12 * Math.sqrt(rate)));
    const cells = sample(hundredths(rate), 40_000);
    const { score, freedom } = chiSquaredScore(Array.from(logs, Math.exp), cells);
    expect(freedom).toBeGreaterThanOrEqual(1);
    expect(score).toBeLessThan(4);
  });

  test('of rate 10^6, in buckets of a hundred', () => {
    const rate = 1e6;
    const [from, bucket] = [rate - 6000, 100];
    const probabilities = new Array<number>(120).fill(0);
    for (const [k, log] of logPoisson(rate, rate + 6000).entries()) {
      if (k >= from) probabilities[Math.floor((k - from) / bucket)]! += Math.exp(log);
    }
    const cells = sample(hundredths(rate), 10_000).map((k) => Math.floor((k - from) / bucket));
    const { score, freedom } = chiSquaredScore(probabilities, cells);
    expect(freedom).toBeGreaterThan(50);
    expect(score).toBeLessThan(4);
  });

  test('of rate 10^9 has its mean, variance and third moment', () => {
    const rate = 1e9 + 0.5;
    const count = 2000;
    const scaled = sample(hundredths(rate), count).map((k) => (k - rate) / Math.sqrt(rate));
    const mean = scaled.reduce((sum, x) => sum + x, 0) / count;
    const square = scaled.reduce((sum, x) => sum + x * x, 0) / count;
    const cube = scaled.reduce((sum, x) => sum + x ** 3, 0) / count;
    expect(Math.abs(mean)).toBeLessThan(4 / Math.sqrt(count));
    expect(Math.abs(square - 1)).toBeLessThan(4 * Math.sqrt(2 / count));
    expect(Math.abs(cube)).toBeLessThan(4 * Math.sqrt(15 / count));
  });

  test('of rate 0 is 0', () => {
    expect(sample({ numerator: 0n, denominator: 3n }, 10)).toEqual(new Array(10).fill(0));
  });
});

describe('the probability of acceptance', () => {
  const RATES: readonly Rational[] = [
    ...[0.01, 0.5, 0.99, 1, 1.01, 1.99, 2, 2.5, 3, 3.99, 4, 8.9, 9, 99.99, 1e4].map(hundredths),
    { numerator: 1n, denominator: 10n ** 30n },
    { numerator: 10n ** 30n - 1n, denominator: 10n ** 30n },
    { numerator: 4n * 10n ** 30n - 1n, denominator: 10n ** 30n },
  ];

  test('never exceeds 1 where a block starts, on either side', () => {
    for (const rate of RATES) {
      const distribution = poisson(rate);
      const { mode, width } = distribution;
      expect(BigInt(width) ** 2n * rate.denominator > rate.numerator).toBe(true);
      for (let block = 0; block < 60; block++) {
        const one = 1n << 256n;
        const up = acceptance(distribution, mode + block * width, block);
        expect(up.enclose(256).low <= one).toBe(true);
        const below = mode - 1 - block * width;
        if (below < 0) continue;
        expect(acceptance(distribution, below, block).enclose(256).low <= one).toBe(true);
      }
    }
  });

  test('is the same in doubles and in integers', () => {
    for (const rate of RATES) {
      const distribution = poisson(rate);
      const { mode } = distribution;
      for (let distance = -300; distance <= 300; distance += 7) {
        if (mode + distance < 0) continue;
        const q = acceptance(distribution, mode + distance, 3);
        const { low, high } = q.approximate();
        const exact = Number(q.enclose(1100).low >> 100n) / 2 ** 1000;
        expect(low).toBeLessThanOrEqual(exact * (1 + 1e-15) + 2 ** -999);
        expect(high).toBeGreaterThanOrEqual(exact * (1 - 1e-15));
        if (exact > 1e-250) expect(high / low - 1).toBeLessThan(1e-11);
      }
    }
  });

  test('is R·2^i/2, R being the probability over that of the mode', () => {
    const logs = logPoisson(17.25, 60);
    for (const k of [0, 5, 16, 17, 18, 40]) {
      const { low } = acceptance(poisson(hundredths(17.25)), k, 2).approximate();
      expect(low / (2 * Math.exp(logs[k]! - logs[17]!))).toBeCloseTo(1, 11);
    }
  });
});

test.each([
  { numerator: -1n, denominator: 1n },
  { numerator: 1n, denominator: 0n },
  { numerator: (1n << 52n) + 1n, denominator: 1n },
])('a rate of $numerator/$denominator is refused', (rate) => {
  expect(() => sample(rate, 1)).toThrow(/^rate: expected a rational from 0 to 2\^52/);
});
