/**
 * "Happens with probability q" for a real q that is known only by approximation, decided exactly.
 * A uniform U in [0, 1) gets as many bits as it takes to tell U < q from U ≥ q: first in doubles with a bound
 * on their error, then, where U lies within it, in integers of twice the precision each time.
 * Invariant: no decision is made inside an error bound, so the probability of `true` is q itself.
 */
import { InternalError } from '@onlysum/crypto';
import type { RandomBits } from './random-bits.js';

/** A real number of any size ≥ 0, enclosed as closely as asked. */
export interface Enclosed {
  /** Doubles around it. */
  approximate(): { readonly low: number; readonly high: number };
  /** Integers with low·2^-bits ≤ it ≤ high·2^-bits; their distance stays bounded as `bits` grow. */
  enclose(bits: number): { readonly low: bigint; readonly high: bigint };
}

/** The bits of U that the doubles are compared with; their own errors are of this size for long products. */
const FIRST_BITS = 32;
/** U agrees with a number to 2^20 bits with a probability that is nothing. */
const MAX_BITS = 1 << 20;

/**
 * Whether U < q, for a fresh uniform U.
 *
 * @param firstBits - bits of U for the pass in doubles, at most 40; 0 leaves the decision to integers.
 */
export function uniformBelow(q: Enclosed, random: RandomBits, firstBits = FIRST_BITS): boolean {
  // U lies in [u, u + 1)·2^-bits.
  const first = random.bits(firstBits);
  if (firstBits > 0) {
    const scale = 2 ** -firstBits;
    const { low, high } = q.approximate();
    if ((first + 1) * scale <= low) return true;
    if (first * scale >= high) return false;
  }
  let u = BigInt(first);
  let known = firstBits;
  for (let bits = 64; bits <= MAX_BITS; bits *= 2) {
    u = (u << BigInt(bits - known)) | random.bigBits(bits - known);
    known = bits;
    const { low, high } = q.enclose(bits);
    if (u + 1n <= low) return true;
    if (u >= high) return false;
  }
  throw new InternalError('internal', `noise: undecided after ${MAX_BITS} random bits`);
}
