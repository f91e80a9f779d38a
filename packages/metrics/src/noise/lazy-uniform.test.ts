import { unsafeSeededRng } from '@onlysum/crypto';
import { describe, expect, test } from 'vitest';
import { chiSquaredScore } from '../../../../test/noise/chi-squared.js';
import { type Enclosed, uniformBelow } from './lazy-uniform.js';
import { RandomBits } from './random-bits.js';

const random = (seed: string) => new RandomBits(unsafeSeededRng(seed));

/** numerator/denominator, in doubles no better than `error`. */
function fraction(numerator: bigint, denominator: bigint, error = 1e-15): Enclosed {
  const value = Number(numerator) / Number(denominator);
  return {
    approximate: () => ({ low: value - error, high: value + error }),
    enclose: (bits) => {
      const low = (numerator << BigInt(bits)) / denominator;
      return { low, high: low + 1n };
    },
  };
}

describe('U < q', () => {
  test.each([
    { firstBits: 0, error: 1e-15 },
    { firstBits: 1, error: 1e-15 },
    { firstBits: 4, error: 1e-15 },
    { firstBits: 32, error: 1e-15 },
    { firstBits: 32, error: 0.2 },
    { firstBits: 40, error: 1 },
  ])('has the probability q, with $firstBits bits first and error $error', (how) => {
    for (const [a, b] of [
      [1n, 3n],
      [1n, 2n],
      [97n, 100n],
      [1n, 50n],
    ] as const) {
      const bits = random(`${a}/${b} ${how.firstBits} ${how.error}`);
      const q = fraction(a, b, how.error);
      const cells = Array.from({ length: 20_000 }, () =>
        uniformBelow(q, bits, how.firstBits) ? 0 : 1,
      );
      const exact = Number(a) / Number(b);
      expect(chiSquaredScore([exact, 1 - exact], cells).score, `${a}/${b}`).toBeLessThan(4);
    }
  });

  test('is decided alike by doubles and by integers', () => {
    for (let i = 0; i < 2000; i++) {
      const q = fraction(BigInt(i % 101), 100n);
      const byDoubles = uniformBelow(q, random(`alike ${i}`), 32);
      const byIntegers = uniformBelow(q, random(`alike ${i}`), 0);
      expect(byDoubles).toBe(byIntegers);
    }
  });

  test('doubles decide nothing within their error, and integers as soon as they can', () => {
    const asked: number[] = [];
    const third = fraction(1n, 3n, 1);
    const q: Enclosed = {
      approximate: () => third.approximate(),
      enclose: (bits) => {
        asked.push(bits);
        return bits < 256 ? { low: 0n, high: 1n << BigInt(bits) } : third.enclose(bits);
      },
    };
    uniformBelow(q, random('late'));
    expect(asked).toEqual([64, 128, 256]);
  });

  test('never happens for 0 and always for 1', () => {
    const one: Enclosed = {
      approximate: () => ({ low: 1 - 1e-9, high: 1 + 1e-9 }),
      enclose: (bits) => ({ low: 1n << BigInt(bits), high: 1n << BigInt(bits) }),
    };
    const most = new RandomBits((length) => new Uint8Array(length).fill(255));
    expect(uniformBelow(one, most)).toBe(true);
    const zero: Enclosed = {
      approximate: () => ({ low: 0, high: 1e-300 }),
      enclose: () => ({ low: 0n, high: 0n }),
    };
    expect(uniformBelow(zero, new RandomBits((length) => new Uint8Array(length)))).toBe(false);
  });
});
