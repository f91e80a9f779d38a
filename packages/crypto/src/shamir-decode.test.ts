import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import vectors from '../../../test/vectors/v1/shamir.json' with { type: 'json' };
import { equalBytes, parseHex, toHex } from './bytes.js';
import { UsageError } from './errors.js';
import { decodeSecret } from './shamir-decode.js';
import { type HeldShare, recoverSecret, splitSecret } from './shamir.js';
import { systemRng } from './system-rng.js';

const bytes = (text: string): Uint8Array => parseHex('vector', text, text.length / 2);

function held(shares: readonly { x: number; share: string }[]): HeldShare[] {
  return shares.map(({ x, share }) => ({ x, share: bytes(share) }));
}

describe('vectors', () => {
  test.each(vectors.decodeCases)('decode: $name', ({ t, shares, secret, wrong }) => {
    const found = decodeSecret(held(shares), t);
    expect(found && { ...found, secret: toHex(found.secret) }).toEqual(
      secret === null ? undefined : { secret, wrong },
    );
    expect(decodeSecret(held(shares).reverse(), t)).toEqual(found);
  });

  test.each(vectors.recoverRefused)('decode refuses $name', ({ t, shares, code }) => {
    let thrown: unknown;
    try {
      decodeSecret(held(shares), t);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(UsageError);
    expect(thrown).toMatchObject({ code });
  });
});

test('the shares are left as they are', () => {
  const shares = held(vectors.cases[1]!.shares);
  shares[3]!.share[5]! ^= 1;
  const before = shares.map(({ share }) => toHex(share));
  decodeSecret(shares, 5);
  expect(shares.map(({ share }) => toHex(share))).toEqual(before);
});

/** What is xored into a share: not zero, and often zero in most symbols. */
const error = fc
  .oneof(
    fc.uint8Array({ minLength: 32, maxLength: 32 }),
    fc.tuple(fc.nat(31), fc.integer({ min: 1, max: 255 })).map(([at, change]) => {
      const one = new Uint8Array(32);
      one[at] = change;
      return one;
    }),
    fc.constant(new Uint8Array(32).fill(1)),
  )
  .filter((change) => change.some((byte) => byte !== 0));

/** Shares in any order, a threshold, and the errors of some of them. */
const corrupted = fc
  .record({
    secret: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    xs: fc.uniqueArray(fc.integer({ min: 1, max: 0xffff }), { minLength: 2, maxLength: 30 }),
  })
  .chain(({ secret, xs }) =>
    fc.record({
      secret: fc.constant(secret),
      xs: fc.constant(xs),
      t: fc.integer({ min: 2, max: xs.length }),
      liars: fc.shuffledSubarray(xs),
      errors: fc.array(error, { minLength: xs.length, maxLength: xs.length }),
    }),
  );

function shared(secret: Uint8Array, t: number, xs: readonly number[]): HeldShare[] {
  return splitSecret(secret, t, xs, systemRng).map((share, i) => ({ x: xs[i]!, share }));
}

function spoil(
  shares: readonly HeldShare[],
  liars: readonly number[],
  errors: readonly Uint8Array[],
) {
  return shares.map(({ x, share }, i) =>
    liars.includes(x) ? { x, share: share.map((byte, j) => byte ^ errors[i]![j]!) } : { x, share },
  );
}

describe('properties', () => {
  test('up to ⌊(r − t)/2⌋ wrong shares: the secret, and exactly these shares', () => {
    fc.assert(
      fc.property(corrupted, ({ secret, xs, t, liars, errors }) => {
        const wrong = liars.slice(0, Math.floor((xs.length - t) / 2));
        const found = decodeSecret(spoil(shared(secret, t, xs), wrong, errors), t);
        expect(found).toEqual({ secret, wrong: wrong.toSorted((a, b) => a - b) });
      }),
      { numRuns: 300 },
    );
  });

  test('r = t: nothing is detected, the secret is what recoverSecret gives', () => {
    fc.assert(
      fc.property(corrupted, ({ secret, xs, t, liars, errors }) => {
        const shares = spoil(shared(secret, t, xs), liars, errors).slice(0, t);
        expect(decodeSecret(shares, t)).toEqual({ secret: recoverSecret(shares, t), wrong: [] });
      }),
    );
  });

  test('any number of wrong shares: never an error, and what it finds is within the radius', () => {
    fc.assert(
      fc.property(corrupted, ({ secret, xs, t, liars, errors }) => {
        const shares = spoil(shared(secret, t, xs), liars, errors);
        const found = decodeSecret(shares, t);
        if (found === undefined) {
          expect(liars.length).toBeGreaterThan(Math.floor((xs.length - t) / 2));
          return;
        }
        expect(found.wrong.length).toBeLessThanOrEqual(Math.floor((xs.length - t) / 2));
        const good = shares.filter(({ x }) => !found.wrong.includes(x));
        expect(recoverSecret(good, t)).toEqual(found.secret);
        expect(recoverSecret(good.slice(-t), t)).toEqual(found.secret);
      }),
    );
  });

  test('it finds what exhaustive search finds, when shares of two secrets and noise are mixed', () => {
    const mixture = fc
      .record({
        xs: fc.uniqueArray(fc.integer({ min: 1, max: 0xffff }), { minLength: 3, maxLength: 8 }),
        t: fc.integer({ min: 2, max: 4 }),
      })
      .filter(({ xs, t }) => xs.length >= t)
      .chain(({ xs, t }) =>
        fc.record({
          xs: fc.constant(xs),
          t: fc.constant(t),
          // For each share: of the first secret, of the second, or the first with an error.
          kinds: fc.array(fc.constantFrom('first', 'second', 'error'), {
            minLength: xs.length,
            maxLength: xs.length,
          }),
          errors: fc.array(error, { minLength: xs.length, maxLength: xs.length }),
        }),
      );
    let decoded = 0;
    let refused = 0;
    fc.assert(
      fc.property(mixture, ({ xs, t, kinds, errors }) => {
        const [first, second] = [shared(systemRng(32), t, xs), shared(systemRng(32), t, xs)];
        const liars = xs.filter((_, i) => kinds[i] === 'error');
        const shares = spoil(first, liars, errors).map((share, i) =>
          kinds[i] === 'second' ? second[i]! : share,
        );
        const found = decodeSecret(shares, t);
        expect(found).toEqual(exhaustiveSearch(shares, t));
        if (found === undefined) refused += 1;
        else decoded += 1;
      }),
      { numRuns: 200 },
    );
    // Both outcomes were met, or the property says little.
    expect(Math.min(decoded, refused)).toBeGreaterThan(20);
  });
});

/** Tries every t shares, and asks how many of the others lie on their polynomial. */
function exhaustiveSearch(shares: readonly HeldShare[], t: number) {
  for (const basis of choices(shares, t)) {
    const wrong = shares.filter(
      ({ x, share }) =>
        !basis.some((one) => one.x === x) && !equalBytes(valueAt(basis, t, x), share),
    );
    if (wrong.length <= Math.floor((shares.length - t) / 2)) {
      const xs = wrong.map(({ x }) => x).toSorted((a, b) => a - b);
      return { secret: recoverSecret(basis, t), wrong: xs };
    }
  }
  return undefined;
}

/** f(x) is the value at 0 of the polynomial z ↦ f(z + x). */
function valueAt(basis: readonly HeldShare[], t: number, x: number): Uint8Array {
  return recoverSecret(
    basis.map((one) => ({ x: one.x ^ x, share: one.share })),
    t,
  );
}

function choices<T>(from: readonly T[], count: number): T[][] {
  if (count === 0) return [[]];
  return from.flatMap((first, i) =>
    choices(from.slice(i + 1), count - 1).map((rest) => [first, ...rest]),
  );
}

test('a complete graph of 1,000 with a few errors decodes in seconds', { timeout: 30_000 }, () => {
  const xs = Array.from({ length: 1000 }, (_, i) => i + 1);
  const secret = systemRng(32);
  const errors = xs.map(() => systemRng(32));
  const shares = spoil(shared(secret, 500, xs), [3, 500, 999], errors);
  const startMs = performance.now();
  expect(decodeSecret(shares, 500)).toEqual({ secret, wrong: [3, 500, 999] });
  expect(performance.now() - startMs).toBeLessThan(10_000);
});
