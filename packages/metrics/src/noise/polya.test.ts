import { unsafeSeededRng } from '@onlysum/crypto';
import type { Rational } from '@onlysum/task';
import { describe, expect, test } from 'vitest';
import { chiSquaredScore } from '../../../../test/noise/chi-squared.js';
import { logNegativeBinomial } from '../../../../test/noise/distributions.js';
import { acceptance, polya, samplePolya } from './polya.js';
import { RandomBits } from './random-bits.js';

const thousandths = (p: number): Rational => ({
  numerator: BigInt(Math.round(p * 1000)),
  denominator: 1000n,
});
const SHARES = [1, 2, 7, 850];
const RATIOS = [0.1, 0.5, 0.9, 0.99, 0.999];
const CASES = SHARES.flatMap((h) => RATIOS.map((p) => ({ h, p })));

function sample(h: number, ratio: Rational, count: number): number[] {
  const random = new RandomBits(unsafeSeededRng(`polya ${h} ${ratio.numerator}`));
  const distribution = polya(h, ratio);
  return Array.from({ length: count }, () => samplePolya(distribution, random));
}

describe('the distribution', () => {
  test.each(CASES)('of shape 1/$h and ratio $p', ({ h, p }) => {
    const logs = logNegativeBinomial(1 / h, p, Math.ceil(30 / (1 - p)));
    const cells = sample(h, thousandths(p), h > 100 ? 200_000 : 40_000);
    const { score, freedom } = chiSquaredScore(Array.from(logs, Math.exp), cells);
    expect(freedom).toBeGreaterThanOrEqual(1);
    expect(score).toBeLessThan(4);
  });

  test('of small shape is right where it is not 0', () => {
    const [h, p] = [850, 0.99];
    const all = Array.from(logNegativeBinomial(1 / h, p, 3000), Math.exp);
    const zero = all[0]!;
    const cells = sample(h, thousandths(p), 400_000).filter((k) => k > 0);
    const { score, freedom } = chiSquaredScore(
      all.slice(1).map((mass) => mass / (1 - zero)),
      cells.map((k) => k - 1),
    );
    expect(freedom).toBeGreaterThan(30);
    expect(score).toBeLessThan(4);
  });

  test('of ratio 0 is 0', () => {
    expect(sample(3, { numerator: 0n, denominator: 1n }, 10)).toEqual(new Array(10).fill(0));
  });
});

describe('the probability of acceptance', () => {
  test.each(CASES)('never exceeds 1, and comes near it: shape 1/$h, ratio $p', ({ h, p }) => {
    const distribution = polya(h, thousandths(p));
    const one = 1n << 128n;
    let most = acceptance(distribution, 0, 2).enclose(128).low;
    for (const { k, weight } of blockStarts(distribution.blocks)) {
      const { low } = acceptance(distribution, k, weight).enclose(128);
      if (low > most) most = low;
    }
    expect(most <= one).toBe(true);
    expect(Number(most) / Number(one)).toBeGreaterThan(0.8);
  });

  test.each(CASES)('is R/(C·q), in doubles and in integers: shape 1/$h, ratio $p', ({ h, p }) => {
    const distribution = polya(h, thousandths(p));
    const logs = logNegativeBinomial(1 / h, p, 2000);
    for (const k of [0, 1, 2, 3, 10, 100, 1000]) {
      const q = acceptance(distribution, k, 6);
      const { low, high } = q.approximate();
      const exact = Number(q.enclose(1100).low >> 100n) / 2 ** 1000;
      expect(low).toBeLessThanOrEqual(exact * (1 + 1e-15) + 2 ** -999);
      expect(high).toBeGreaterThanOrEqual(exact * (1 - 1e-15));
      const expected = (16 * 6 * Math.exp(logs[k]! - logs[0]!)) / distribution.envelope16;
      if (exact > 1e-250) expect(exact / expected).toBeCloseTo(1, 9);
    }
  });
});

test.each([
  [0, { numerator: 1n, denominator: 2n }, 'h'],
  [1.5, { numerator: 1n, denominator: 2n }, 'h'],
  [1, { numerator: 1n, denominator: 1n }, 'ratio'],
  [1, { numerator: -1n, denominator: 2n }, 'ratio'],
  [1, { numerator: 1n, denominator: 0n }, 'ratio'],
  [1, { numerator: (1n << 36n) - 1n, denominator: 1n << 36n }, 'ratio'],
] as const)('h = %d and ratio %o are refused', (h, ratio, field) => {
  expect(() => polya(h, ratio)).toThrow(new RegExp(`^${field}: expected`));
});

/** Where each block starts, and 1/q there; the last one part by part. */
function blockStarts(blocks: number): { k: number; weight: number }[] {
  const dyadic = Array.from({ length: blocks }, (_, j) => ({
    k: 2 ** j,
    weight: 2 * (blocks + 1) * 2 ** j,
  }));
  const last = Array.from({ length: 8 }, (_, t) => ({
    k: (t + 1) * 2 ** blocks,
    weight: 2 * (blocks + 1) * 2 ** (blocks + t + 1),
  }));
  return [...dyadic, ...last];
}
