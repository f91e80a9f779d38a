import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import vectors from '../../../test/vectors/v1/shamir.json' with { type: 'json' };
import { parseHex, toHex } from './bytes.js';
import { UsageError } from './errors.js';
import { evaluatePairs, invertPublic, multiplyPair, multiplyPublic } from './gf65536.js';
import { recoverSecret, shareIndex, splitSecret } from './shamir.js';
import type { Rng } from './suite.js';
import { systemRng } from './system-rng.js';

const bytes = (text: string): Uint8Array => parseHex('vector', text, text.length / 2);

const usageError = (code: string) => ({
  asymmetricMatch: (error: unknown) => error instanceof UsageError && error.code === code,
});

describe('vectors', () => {
  test.each(vectors.products)('$a · $b = $product', ({ a, b, product }) => {
    expect(multiplyPublic(a, b)).toBe(product);
    expect(multiplyPublic(b, a)).toBe(product);
  });

  test.each(vectors.cases)('split: $name', ({ secret, t, random, shares }) => {
    const drawn: number[] = [];
    const rng: Rng = (length) => {
      drawn.push(length);
      return bytes(random);
    };
    const split = splitSecret(
      bytes(secret),
      t,
      shares.map(({ x }) => x),
      rng,
    );
    expect(split.map(toHex)).toEqual(shares.map(({ share }) => share));
    expect(drawn).toEqual([32 * (t - 1)]);
  });

  test.each(vectors.cases)('recover: $name', ({ secret, t, shares }) => {
    const held = shares.map(({ x, share }) => ({ x, share: bytes(share) }));
    expect(toHex(recoverSecret(held, t))).toBe(secret);
    expect(toHex(recoverSecret(held.slice(-t).reverse(), t))).toBe(secret);
  });

  test.each(vectors.splitRefused)('split refuses $code: t = $t, xs = $xs', (refused) => {
    const { secretBytes, t, xs, code } = refused;
    const rng: Rng = () => {
      throw new Error('nothing may be drawn');
    };
    expect(() => splitSecret(new Uint8Array(secretBytes), t, xs, rng)).toThrow(usageError(code));
  });

  test.each(vectors.recoverRefused)('recover refuses $name', ({ t, shares, code }) => {
    const held = shares.map(({ x, share }) => ({ x, share: bytes(share) }));
    expect(() => recoverSecret(held, t)).toThrow(usageError(code));
  });
});

test('shareIndex lets 1 and 65535 pass', () => {
  expect([shareIndex(1), shareIndex(65535)]).toEqual([1, 65535]);
});

test('the coefficients that were drawn are wiped, the secret is not', () => {
  const random = systemRng(64);
  const secret = new Uint8Array(32).fill(1);
  splitSecret(secret, 3, [1, 2, 3], () => random);
  expect(random).toEqual(new Uint8Array(64));
  expect(secret).toEqual(new Uint8Array(32).fill(1));
});

test('recovery uses the first t shares and leaves them as they are', () => {
  const secret = systemRng(32);
  const shares = splitSecret(secret, 2, [1, 2, 3], systemRng).map((share, i) => ({
    x: i + 1,
    share,
  }));
  const before = shares.map(({ share }) => toHex(share));
  shares[2]!.share[0]! ^= 1;
  expect(recoverSecret(shares, 2)).toEqual(secret);
  expect(recoverSecret([shares[2]!, shares[1]!], 2)).not.toEqual(secret);
  expect(shares.slice(0, 2).map(({ share }) => toHex(share))).toEqual(before.slice(0, 2));
});

/** A secret, a threshold, and t or more distinct indices in any order. */
const sharing = fc
  .tuple(
    fc.uint8Array({ minLength: 32, maxLength: 32 }),
    fc.uniqueArray(fc.integer({ min: 1, max: 0xffff }), { minLength: 2, maxLength: 24 }),
  )
  .chain(([secret, xs]) =>
    fc.record({
      secret: fc.constant(secret),
      xs: fc.constant(xs),
      t: fc.integer({ min: 2, max: xs.length }),
      order: fc.shuffledSubarray(xs, { minLength: xs.length }),
    }),
  );

describe('properties', () => {
  test('any t shares recover the secret', () => {
    fc.assert(
      fc.property(sharing, ({ secret, xs, t, order }) => {
        const shares = splitSecret(secret, t, xs, systemRng);
        const held = order.slice(0, t).map((x) => ({ x, share: shares[xs.indexOf(x)]! }));
        expect(recoverSecret(held, t)).toEqual(secret);
      }),
    );
  });

  test('t − 1 shares determine nothing: for every other secret there is a share that completes them', () => {
    const other = fc.uint8Array({ minLength: 32, maxLength: 32 });
    fc.assert(
      fc.property(sharing, other, ({ secret, xs, t }, wanted) => {
        const held = splitSecret(secret, t, xs, systemRng)
          .slice(0, t)
          .map((share, i) => ({ x: xs[i]!, share }));
        const last = held[t - 1]!;
        let inverseWeight = 1;
        for (const { x } of held.slice(0, t - 1)) {
          const factor = multiplyPublic(x ^ last.x, invertPublic(x));
          inverseWeight = multiplyPublic(inverseWeight, factor);
        }
        const forged = new Uint8Array(32);
        for (let i = 0; i < 32; i += 2) {
          const change = secret[i]! ^ wanted[i]! ^ ((secret[i + 1]! ^ wanted[i + 1]!) << 8);
          const symbol = multiplyPublic(change, inverseWeight);
          forged[i] = last.share[i]! ^ (symbol & 0xff);
          forged[i + 1] = last.share[i + 1]! ^ (symbol >>> 8);
        }
        const completed = [...held.slice(0, t - 1), { x: last.x, share: forged }];
        expect(recoverSecret(completed, t)).toEqual(wanted);
      }),
    );
  });

  test('shares of the same secret differ from one sharing to the next', () => {
    const secret = new Uint8Array(32);
    const [first] = splitSecret(secret, 2, [1, 2], systemRng);
    const [second] = splitSecret(secret, 2, [1, 2], systemRng);
    expect(first).not.toEqual(second);
    expect(first).not.toEqual(secret);
  });
});

/** Schoolbook product: multiply without carries, then divide by the polynomial. */
function slowProduct(a: number, b: number): number {
  let product = 0n;
  for (let bit = 0n; bit < 16n; bit++) {
    if ((BigInt(b) >> bit) & 1n) product ^= BigInt(a) << bit;
  }
  for (let bit = 30n; bit >= 16n; bit--) {
    if ((product >> bit) & 1n) product ^= 0x1100bn << (bit - 16n);
  }
  return Number(product);
}

describe('GF(2^16)', () => {
  const symbol = fc.integer({ min: 0, max: 0xffff });

  test('both halves of a pair are multiplied, neither touches the other', () => {
    fc.assert(
      fc.property(symbol, symbol, symbol, (low, high, multiplier) => {
        const product = multiplyPair((high << 16) | low, multiplier) >>> 0;
        expect(product & 0xffff).toBe(slowProduct(low, multiplier));
        expect(product >>> 16).toBe(slowProduct(high, multiplier));
      }),
      { numRuns: 1000 },
    );
  });

  test('the tables for public symbols give the same products', () => {
    fc.assert(
      fc.property(symbol, symbol, (a, b) => {
        expect(multiplyPublic(a, b)).toBe(slowProduct(a, b));
      }),
      { numRuns: 1000 },
    );
    expect([multiplyPublic(0, 7), multiplyPublic(7, 0)]).toEqual([0, 0]);
  });

  test('inverses', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 0xffff }), (a) => {
        expect(multiplyPublic(a, invertPublic(a))).toBe(1);
      }),
    );
  });

  test('evaluation is the sum of coefficients times powers, in all 8 pairs', () => {
    const coefficients = fc
      .integer({ min: 1, max: 6 })
      .chain((n) => fc.uint32Array({ minLength: 8 * n, maxLength: 8 * n }));
    fc.assert(
      fc.property(coefficients, fc.integer({ min: 1, max: 0xffff }), (pairs, x) => {
        const expected = new Uint32Array(8);
        for (let at = 0, power = 1; at < pairs.length; at += 8, power = slowProduct(power, x)) {
          for (let p = 0; p < 8; p++) expected[p]! ^= multiplyPair(pairs[at + p]!, power);
        }
        const values = new Uint32Array(8);
        evaluatePairs(pairs, x, values, 0);
        expect(values).toEqual(expected);
      }),
    );
  });
});
