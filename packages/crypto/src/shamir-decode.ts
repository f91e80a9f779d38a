/**
 * Error correction for Shamir's shares, which are a Reed–Solomon code: the values of a polynomial of
 * degree < t at r points. Each of the 16 symbols is decoded by itself, by syndromes and
 * Berlekamp–Massey; only the union of the wrong positions has to stay within the radius.
 * Knows: which shares are inconsistent. Doesn't know: who lied, the dealer or a holder.
 * Invariant: the result is the one polynomial that all but ⌊(r − t)/2⌋ of the shares lie on, or nothing.
 *
 * Time: syndromes are taken from the shares in constant time (no look-up, no branch), and recovery is
 * constant time as well. True shares add nothing to a syndrome, so all that lies between them sees the
 * errors alone: its time tells which shares are wrong and by what, nothing of the secret. That is
 * fine, since decoding opens the secret of a device that fell silent, and the coordinator logs both the
 * positions and the fact of an error.
 */
import { wipe } from './bytes.js';
import { ORDER, PAIRS, invertPublic, multiplyPublic, powerOfX } from './gf65536.js';
import { kernel } from './kernel.js';
import {
  type HeldShare,
  type ShareIndex,
  checkShares,
  differenceLogs,
  readRows,
  recoverSecret,
} from './shamir.js';

export interface DecodedSecret {
  /** 32 bytes, owned by the caller, who checks and wipes them. */
  readonly secret: Uint8Array;
  /** x of every share with a wrong symbol, ascending; at most ⌊(r − t)/2⌋. */
  readonly wrong: readonly number[];
}

/**
 * Recover a secret from r shares, up to ⌊(r − t)/2⌋ of them wrong.
 *
 * With r < t + 2 nothing is corrected: r = t gives what {@link recoverSecret} gives, r = t + 1 shows
 * an error only. More wrong shares than the radius give undefined, or another secret when the wrong
 * ones agree with each other: check the secret against a commitment or a public key.
 *
 * @param shares - r ≥ t distinct x-coordinates in any order, 32 bytes each; borrowed.
 * @param t - the threshold the secret was split with.
 * @returns undefined unless all but ⌊(r − t)/2⌋ shares lie on one polynomial of degree < t.
 * @throws {UsageError} as {@link recoverSecret} does.
 * @see Reed, Solomon 1960; Massey 1969; McEliece, Sarwate 1981; protocol §5.7.
 */
export function decodeSecret(shares: readonly HeldShare[], t: number): DecodedSecret | undefined {
  const xs = checkShares(shares, t);
  const radius = Math.floor((shares.length - t) / 2);
  const syndromes = syndromePairs(shares, xs, t);
  const wrong = new Set<number>();
  for (let symbol = 0; symbol < 2 * PAIRS; symbol++) {
    const errors = errorPositions(symbolOf(syndromes, symbol), xs);
    if (errors === undefined) return undefined;
    for (const x of errors) wrong.add(x);
    if (wrong.size > radius) return undefined;
  }
  const consistent = shares.filter(({ x }) => !wrong.has(x));
  return { secret: recoverSecret(consistent, t), wrong: [...wrong].toSorted((a, b) => a - b) };
}

/**
 * S_m = Σ_i v_i · x_i^m · share_i for m < r − t, where v_i = 1 / Π_{j≠i} (x_j − x_i). All are 0 just
 * if the shares lie on one polynomial of degree < t: for g of degree < r − 1, Σ_i v_i · g(x_i) = 0.
 *
 * @returns S_m as pairs 8m to 8m + 7; depends on the errors alone.
 */
function syndromePairs(
  shares: readonly HeldShare[],
  xs: readonly ShareIndex[],
  t: number,
): Uint32Array {
  const weights = differenceLogs(xs).map((log) => powerOfX(ORDER - log));
  const rows = readRows(shares);
  const sums = kernel.powerSums(rows, weights, xs, xs.length - t);
  wipe(rows);
  return sums;
}

/** The syndromes of one of the 16 symbols. */
function symbolOf(syndromes: Uint32Array, symbol: number): Uint16Array {
  const shift = 16 * (symbol & 1);
  const column = new Uint16Array(syndromes.length / PAIRS);
  for (let m = 0; m < column.length; m++) {
    column[m] = syndromes[PAIRS * m + (symbol >>> 1)]! >>> shift;
  }
  return column;
}

/**
 * E errors at X_1…X_E make syndromes S_m = Σ Y_i · X_i^m, whose shortest recurrence is Π (1 − X_i · z).
 * Conversely, if that recurrence splits into factors of distinct known X_i, errors there explain all.
 *
 * @returns the x where the symbol is wrong, if ⌊(r − t)/2⌋ errors or fewer explain it; else undefined
 * or more x than that.
 */
function errorPositions(
  syndromes: Uint16Array,
  xs: readonly ShareIndex[],
): ShareIndex[] | undefined {
  const recurrence = shortestRecurrence(syndromes);
  // Horner's rule from the wrong end evaluates Π (x − X_i), which spares the inverse of x.
  const errors = xs.filter((x) => {
    let value = 0;
    for (const coefficient of recurrence) value = multiplyPublic(value, x) ^ coefficient;
    return value === 0;
  });
  return errors.length === recurrence.length - 1 ? errors : undefined;
}

/**
 * Berlekamp–Massey: the least L and C with C_0 = 1 and Σ_{i≤L} C_i · S_{m−i} = 0 for L ≤ m < N.
 *
 * @returns C_0…C_L; the only one if 2L ≤ N.
 */
function shortestRecurrence(sequence: Uint16Array): Uint16Array {
  const length = sequence.length;
  let order = 0;
  let current = new Uint16Array(length + 1);
  current[0] = 1;
  // The recurrence before the last change of order, the first term it missed, and how long ago.
  let earlier = current;
  let earlierMiss = 1;
  let age = 1;
  for (let m = 0; m < length; m++, age++) {
    let miss = 0;
    for (let i = 0; i <= order; i++) miss ^= multiplyPublic(sequence[m - i]!, current[i]!);
    if (miss === 0) continue;
    const factor = multiplyPublic(miss, invertPublic(earlierMiss));
    const mended = current.slice();
    for (let i = 0; i + age <= length; i++) {
      mended[i + age]! ^= multiplyPublic(factor, earlier[i]!);
    }
    if (2 * order <= m) {
      order = m + 1 - order;
      earlier = current;
      earlierMiss = miss;
      age = 0;
    }
    current = mended;
  }
  return current.subarray(0, order + 1);
}
