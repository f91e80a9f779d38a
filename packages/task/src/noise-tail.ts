/**
 * T: how far the total noise of a lane can go. It decides the width of the lane, so it is part of the protocol.
 * Knows: tail bounds. Doesn't know: lanes, cohorts.
 * Invariant: + − × ÷, square root and ceiling only, which every IEEE 754 arithmetic gives alike.
 */
import { invalidField, UsageError } from '@onlysum/crypto';
import { type NoiseScale, rationalToNumber } from './noise-scale.js';

/** L = 41·ln 2: each side has 2^-41, so both have 2^-40. */
const SIDE_BITS = 41;
/** c² of the bound, and log2(1/(1 − c²)): near the best choice for r from 1 to 10. */
const C_SQUARED = 0.875;
const C_BITS = 3;
/** 1 + 2^-20: covers what sampling adds to the noise when it rounds e^−rate up to 52 significant bits. */
const ROUNDED_UP = 1.00000095367431640625;
/** 2^-31: below it that would matter, and no lane of 32 bits could hold the noise. */
const LEAST_RATE = 4.656612873077393e-10;
/** e^−rate must be a double of full precision. */
const MOST_RATE = 512;

/**
 * A whole number T with Pr[|X| > T] ≤ 2^-40 for the noise X of all devices of a cohort.
 *
 * @param scale - the target, which n − D − A devices carry.
 * @param factor - n/(n − D − A) ≥ 1: how much more all n devices add.
 * @throws {UsageError} `argument-invalid`.
 * @see docs/privacy.md, "Noise tails and lane widths", for the two bounds.
 */
export function noiseTail(scale: NoiseScale, factor: number): number {
  if (!(factor >= 1 && factor < Number.POSITIVE_INFINITY)) {
    throw invalidField(UsageError, 'argument-invalid', 'factor', 'a number from 1', factor);
  }
  return scale.mechanism === 'skellam'
    ? skellamTail(rationalToNumber(scale.variance) * factor)
    : laplaceTail(rationalToNumber(scale.rate), factor);
}

/**
 * X is noise by discrete jumps of ±1: ln E[e^tX] = μ·(cosh t − 1) ≤ μt²/(2·(1 − t²/12)) for t² < 12. With
 * t² = 12L/(6μ + L) that is L, so Pr[X ≥ T] ≤ e^(L − tT) = e^−L for T = 2L/t = √(2Lμ + L²/3).
 */
function skellamTail(variance: number): number {
  if (!(variance >= 0 && variance < Number.POSITIVE_INFINITY)) {
    throw invalidField(UsageError, 'argument-invalid', 'variance', 'a number from 0', variance);
  }
  if (variance === 0) return 0;
  const l = SIDE_BITS * Math.LN2;
  return Math.ceil(Math.sqrt(2 * l * variance + (l * l) / 3));
}

/**
 * X is the difference of two negative binomials of shape r and ratio p = e^−x, so
 * E[e^λX] = (1 − sinh²(λ/2)/sinh²(x/2))^−r. For λ = cx, c < 1, that is at most (1 − c²)^−r, because sinh is
 * convex; with c² = 7/8 it is 8^r, and Pr[X ≥ T] ≤ 8^r·e^−cxT.
 */
function laplaceTail(rate: number, shape: number): number {
  if (!(rate >= LEAST_RATE && rate <= MOST_RATE)) {
    const expected = `a number from 2^-31 to ${MOST_RATE}`;
    throw invalidField(UsageError, 'argument-invalid', 'rate', expected, rate);
  }
  const exponent = (SIDE_BITS + C_BITS * shape) * Math.LN2 * ROUNDED_UP;
  return Math.ceil(exponent / (rate * Math.sqrt(C_SQUARED)));
}
