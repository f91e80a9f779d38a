/**
 * Shamir's secret sharing over GF(2^16), for secrets of 32 bytes: 16 symbols, little-endian.
 * Knows: polynomials. Doesn't know: who holds a share, whether a share is true (a wrong one gives a
 * wrong secret; whoever recovers checks it against a commitment or a public key, and decodes).
 * Invariant: any t true shares give the secret; t − 1 fit every secret equally well.
 */
import type { Brand } from './brand.js';
import { wipe } from './bytes.js';
import { UsageError, invalidField } from './errors.js';
import { ORDER, PAIRS, logOf, powerOfX } from './gf65536.js';
import { kernel } from './kernel.js';
import type { Rng } from './suite.js';

/** Shamir x-coordinate, 1 ≤ x ≤ 65535. Zero is unrepresentable: f(0) is the secret. */
export type ShareIndex = Brand<number, 'ShareIndex'>;

/** @throws {UsageError} `shamir-index` unless `x` is an integer from 1 to 65535. */
export function shareIndex(x: number): ShareIndex {
  if (Number.isInteger(x) && x >= 1 && x <= 0xffff) return x as ShareIndex;
  throw invalidField(UsageError, 'shamir-index', 'x', 'an integer from 1 to 65535', x);
}

export interface HeldShare {
  /** 1…65535. */
  readonly x: number;
  /** 32 bytes. */
  readonly share: Uint8Array;
}

/**
 * Split `secret` into one share for each of `xs`, any `t` of which recover it.
 *
 * @param secret - 32 bytes; borrowed, the caller wipes it.
 * @param t - threshold, 2 ≤ t ≤ xs.length.
 * @param xs - distinct x-coordinates, roster index + 1, 1…65535.
 * @param rng - CSPRNG; repeated output reveals the secret. Asked once, for 32·(t − 1) bytes.
 * @returns the shares in the order of `xs`, each 32 bytes, little-endian symbols.
 * @throws {UsageError} `shamir-length`, `shamir-threshold`, `shamir-index`, `shamir-index-repeated`.
 * @see Shamir 1979; protocol §5.3. Constant time in `secret`: no table look-ups.
 */
export function splitSecret(
  secret: Uint8Array,
  t: number,
  xs: readonly number[],
  rng: Rng,
): Uint8Array[] {
  checkLength('secret', secret);
  const indices = distinctIndices(xs);
  if (!Number.isInteger(t) || t < 2 || t > xs.length) {
    const expected = `an integer from 2 to the number of shares (${xs.length})`;
    throw invalidField(UsageError, 'shamir-threshold', 't', expected, t);
  }
  const random = rng(SECRET_BYTES * (t - 1));
  const coefficients = new Uint32Array(PAIRS * t);
  try {
    readPairs(secret, coefficients, 0);
    readPairs(random, coefficients, PAIRS);
    const values = kernel.evaluate(coefficients, indices);
    const shares = indices.map((_, i) => writePairs(values, PAIRS * i));
    wipe(values);
    return shares;
  } finally {
    wipe(random, coefficients);
  }
}

/**
 * Recover a secret from the first `t` of `shares`.
 *
 * @param shares - distinct x-coordinates, 32 bytes each; borrowed.
 * @param t - the threshold the secret was split with.
 * @returns 32 bytes, owned by the caller, who checks and wipes them.
 * @throws {UsageError} `shamir-too-few`, `shamir-threshold`, `shamir-index`,
 * `shamir-index-repeated`, `shamir-length`; every share given is checked, used or not.
 */
export function recoverSecret(shares: readonly HeldShare[], t: number): Uint8Array {
  const used = checkShares(shares, t).slice(0, t);
  const rows = readRows(shares.slice(0, t));
  // At x = 1 all power sums are alike: the first one is the weighted sum.
  const ones = used.map(() => 1);
  const sum = kernel.powerSums(rows, weightsAtZero(used), ones, 1);
  const secret = writePairs(sum, 0);
  wipe(rows, sum);
  return secret;
}

/**
 * @returns the x-coordinates, in the order of `shares`.
 * @throws {UsageError} as {@link recoverSecret} does.
 */
export function checkShares(shares: readonly HeldShare[], t: number): ShareIndex[] {
  if (!Number.isInteger(t) || t < 2) {
    throw invalidField(UsageError, 'shamir-threshold', 't', 'an integer ≥ 2', t);
  }
  const indices = distinctIndices(shares.map(({ x }) => x));
  for (const { share } of shares) checkLength('share', share);
  if (shares.length < t) {
    throw invalidField(UsageError, 'shamir-too-few', 'shares', `at least ${t} shares`, shares);
  }
  return indices;
}

/** For each x_i the logarithm of Π_{j≠i} (x_j − x_i), where minus is xor. Public throughout. */
export function differenceLogs(xs: readonly ShareIndex[]): number[] {
  return xs.map((xi) => {
    let log = 0;
    for (const xj of xs) if (xj !== xi) log += logOf(xj ^ xi);
    return log % ORDER;
  });
}

/** @returns the shares as rows of pairs, owned by the caller, who wipes them. */
export function readRows(shares: readonly HeldShare[]): Uint32Array {
  const rows = new Uint32Array(PAIRS * shares.length);
  shares.forEach(({ share }, i) => readPairs(share, rows, PAIRS * i));
  return rows;
}

const SECRET_BYTES = 4 * PAIRS;

/** Lagrange's weights at 0: w_i = Π_{j≠i} x_j / (x_j − x_i). Public throughout. */
function weightsAtZero(xs: readonly ShareIndex[]): number[] {
  const product = xs.reduce((log, x) => log + logOf(x), 0);
  return differenceLogs(xs).map((differences, i) =>
    powerOfX(product + 2 * ORDER - logOf(xs[i]!) - differences),
  );
}

/** Reads little-endian symbols, two to a u32, into `out` from pair `at` on. */
function readPairs(bytes: Uint8Array, out: Uint32Array, at: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let i = 0; 4 * i < bytes.length; i++) out[at + i] = view.getUint32(4 * i, true);
}

function distinctIndices(xs: readonly number[]): ShareIndex[] {
  const indices = xs.map(shareIndex);
  const seen = new Set<number>();
  for (const x of indices) {
    if (seen.has(x)) {
      throw invalidField(UsageError, 'shamir-index-repeated', 'x', 'distinct x-coordinates', x);
    }
    seen.add(x);
  }
  return indices;
}

function checkLength(field: string, bytes: Uint8Array): void {
  if (bytes.length === SECRET_BYTES) return;
  throw invalidField(UsageError, 'shamir-length', field, `${SECRET_BYTES} bytes`, bytes);
}

/** The row that begins at pair `at`, as little-endian symbols. */
function writePairs(pairs: Uint32Array, at: number): Uint8Array {
  const out = new Uint8Array(SECRET_BYTES);
  const view = new DataView(out.buffer);
  for (let p = 0; p < PAIRS; p++) view.setUint32(4 * p, pairs[at + p]!, true);
  return out;
}
