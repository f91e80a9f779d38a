/**
 * e^−x as a dyadic rational that is never below it. A larger ratio is more noise, never less.
 * Knows: the exponential series in integers. Doesn't know: what is sampled with it.
 */
import { invalidField, UsageError } from '@onlysum/crypto';
import type { Rational } from '@onlysum/task';
import { ceilDivide } from './falling-product.js';

/** Significant bits of the result, so that a double holds it. */
const RESULT_BITS = 52;
const WORKING_BITS = 128;
const MAX_RATE = 512n;
/** 2^31·x ≥ 1: the noise fits 32 bits, and 52 bits tell e^−x from 1 well enough. */
const LEAST_RATE_BITS = 31n;

/**
 * @param rate - x, from 2^-31 to 512.
 * @returns p with e^−x ≤ p ≤ e^−x·(1 + 2^-50).
 * @throws {UsageError} `argument-invalid`.
 */
export function laplaceRatio({ numerator, denominator }: Rational): Rational {
  const isTooSmall = numerator << LEAST_RATE_BITS < denominator;
  if (denominator <= 0n || isTooSmall || numerator > MAX_RATE * denominator) {
    const got = `${numerator}/${denominator}`;
    throw invalidField(UsageError, 'argument-invalid', 'rate', 'one from 2^-31 to 512', got);
  }
  // e^x < 4^x, so that many bits more keep 128 of them significant in e^−x.
  const scale = BigInt(WORKING_BITS) + 2n * ceilDivide(numerator, denominator);
  // Σ x^n/n!, each term cut, so never above e^x; its reciprocal is never below e^−x.
  let term = 1n << scale;
  let sum = 0n;
  for (let n = 1n; term > 0n; n++) {
    sum += term;
    term = (term * numerator) / (denominator * n);
  }
  const ratio = ceilDivide(1n << (2n * scale), sum);
  const cut = BigInt(ratio.toString(2).length - RESULT_BITS);
  return { numerator: ceilDivide(ratio, 1n << cut), denominator: 1n << (scale - cut) };
}
