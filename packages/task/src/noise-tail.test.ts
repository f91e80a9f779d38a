import { describe, expect, test } from 'vitest';
import { logNegativeBinomial, logSkellam, upperTails } from '../../../test/noise/distributions.js';
import { type NoiseScale, noiseVariance, type Rational } from './noise-scale.js';
import { noiseTail } from './noise-tail.js';

const ALLOWED = 2 ** -40;
const FACTORS = [1, 1.25, 2, 3.5, 10];

describe('Skellam', () => {
  test.each([1e-6, 0.01, 0.3, 1, 4, 20, 100, 1000, 1e5, 4e6])('variance %d', (variance) => {
    for (const factor of FACTORS) {
      const total = variance * factor;
      const tail = noiseTail(skellam(variance), factor);
      const above = upperTails(logSkellam(total, tail + Math.ceil(100 + Math.sqrt(total))));
      expect(2 * above[tail + 1]!, `factor ${factor}`).toBeLessThanOrEqual(ALLOWED);
      const least = above.findIndex((p) => 2 * p <= ALLOWED) - 1;
      if (total >= 100) expect(tail, `factor ${factor}`).toBeLessThanOrEqual(1.1 * least);
    }
  });

  test('no noise has no tail', () => {
    expect(noiseTail(skellam(0), 1)).toBe(0);
  });
});

describe('discrete Laplace', () => {
  test.each([1e-3, 0.01, 0.1, 0.3, 1, 2, 4, 8, 30])('rate %d', (rate) => {
    for (const factor of FACTORS) {
      const tail = noiseTail(laplace(rate), factor);
      // Sampling rounds e^−rate up to 52 significant bits; here it is rounded up by more.
      const p = Math.exp(-rate) * (1 + 2 ** -50);
      const above = differenceTails(factor, p, 2 * tail + 50);
      expect(2 * above(tail + 1), `factor ${factor}`).toBeLessThanOrEqual(ALLOWED);
      const least = leastTail((t) => 2 * above(t + 1) <= ALLOWED, tail);
      expect(tail, `factor ${factor}`).toBeLessThanOrEqual(
        rate <= 1 ? 1.25 * least : Math.max(1.6 * least, least + 3),
      );
    }
  });
});

test('these tails are part of the protocol', () => {
  expect(noiseTail(skellam(75.25), 1.5)).toBe(82);
  expect(noiseTail(laplace(0.01), 1.5)).toBe(3372);
});

test('a rate or factor out of range is refused', () => {
  expect(() => noiseTail(laplace(2 ** -32), 1)).toThrow(/^rate: expected a number from 2\^-31/);
  expect(() => noiseTail(skellam(-1), 1)).toThrow(/^variance: expected a number from 0/);
  expect(() => noiseTail(skellam(1), 0.99)).toThrow(/^factor: expected a number from 1/);
});

test('the variance of a scale', () => {
  expect(noiseVariance(skellam(7.5))).toBe(7.5);
  const p = Math.exp(-0.125);
  expect(noiseVariance(laplace(0.125)) / ((2 * p) / (1 - p) ** 2)).toBeCloseTo(1, 13);
});

const skellam = (variance: number): NoiseScale => ({
  mechanism: 'skellam',
  variance: rational(variance),
});
const laplace = (rate: number): NoiseScale => ({
  mechanism: 'discrete-laplace',
  rate: rational(rate),
});

/** Exactly the double. */
function rational(value: number): Rational {
  let numerator = value;
  let denominator = 1n;
  while (!Number.isInteger(numerator)) {
    numerator *= 2;
    denominator *= 2n;
  }
  return { numerator: BigInt(numerator), denominator };
}

/** The least t up to `high` that suffices, where all above it do. */
function leastTail(suffices: (t: number) => boolean, high: number): number {
  let [below, least] = [-1, high];
  while (least - below > 1) {
    const middle = Math.floor((below + least) / 2);
    if (suffices(middle)) least = middle;
    else below = middle;
  }
  return least;
}

/** Pr[X − Y ≥ t] of two negative binomials. */
function differenceTails(r: number, p: number, count: number): (t: number) => number {
  const logs = logNegativeBinomial(r, p, count);
  const tails = upperTails(logs);
  const masses = logs.map((log) => Math.exp(log));
  return (t) => {
    let sum = 0;
    for (let y = 0; y + t < tails.length; y++) sum += masses[y]! * tails[y + t]!;
    return sum;
  };
}
