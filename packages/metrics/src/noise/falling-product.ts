/**
 * Products s·Π f_l of a factor s and many factors f_l from 0 to 1, enclosed in doubles or in integers.
 * Knows: rounding errors. Doesn't know: what is multiplied, or why.
 * Invariant: both enclosures hold the exact product, whatever is rounded on the way.
 */
import type { Rational } from '@onlysum/task';

/** Below it doubles lose bits; a product that falls so far is only known to be between 0 and this. */
const TINY = 2 ** -960;
/** 2^-49: more than the relative error of a step with at most 8 roundings. */
const STEP_ERROR = 2 ** -49;

/**
 * The enclosure of a product computed in doubles.
 *
 * A rounding changes a number by a factor within 1 ± 2^-53. With at most 7 of them in a step and n + 1 steps the
 * product is off by a factor within (1 ± 2^-53)^(7(n+1)), so by less than (n + 1)·2^-49 of itself while
 * n < 2^40. As no factor exceeds 1, a result from {@link TINY} on has had no step below it.
 *
 * @param product - Π f̂_l, of `steps` factors, each with at most 7 roundings, its multiplication included.
 * @param scale - s, a double of at most 7 roundings.
 */
export function encloseDouble(
  product: number,
  steps: number,
  scale: number,
): { readonly low: number; readonly high: number } {
  if (product < TINY) return { low: 0, high: TINY * scale * 2 };
  const value = product * scale;
  const error = (steps + 1) * STEP_ERROR;
  return { low: value * (1 - error), high: value * (1 + error) };
}

/**
 * The enclosure of a product computed in integers: low·2^-bits ≤ s·Π f_l ≤ high·2^-bits.
 *
 * Each step rounds by less than one unit, and later steps do not enlarge that. So with as many more bits as
 * `steps` and s have digits, low and high stay within 4 of each other.
 *
 * @param factor - f_l for l from 0 below `steps`; numerator at most denominator.
 */
export function encloseExact(
  steps: number,
  factor: (l: number) => Rational,
  scale: Rational,
  bits: number,
): { readonly low: bigint; readonly high: bigint } {
  const size = scale.numerator / scale.denominator + 1n;
  const guard = BigInt(bitLength(BigInt(steps)) + bitLength(size));
  let low = 1n << (BigInt(bits) + guard);
  let high = low;
  for (let l = 0; l < steps; l++) {
    const { numerator, denominator } = factor(l);
    low = (low * numerator) / denominator;
    high = ceilDivide(high * numerator, denominator);
  }
  const divisor = scale.denominator << guard;
  return {
    low: (low * scale.numerator) / divisor,
    high: ceilDivide(high * scale.numerator, divisor),
  };
}

/**
 * A double within two roundings of a rational ≥ 0 of any length: of the same rational always the same, and
 * never on the other side of an integer below 2^53.
 */
export function nearRational({ numerator, denominator }: Rational): number {
  const shift = Math.max(0, 64 + bitLength(denominator) - bitLength(numerator));
  return Number((numerator << BigInt(shift)) / denominator) * 2 ** -shift;
}

export function ceilDivide(numerator: bigint, denominator: bigint): bigint {
  return (numerator + denominator - 1n) / denominator;
}

function bitLength(value: bigint): number {
  return value.toString(2).length;
}
