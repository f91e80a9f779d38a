/**
 * The natural logarithm from additions, subtractions, multiplications and divisions only. IEEE 754 rounds
 * each of them correctly, so every engine and every language gives the same bits; Math.log may differ in
 * the last place, and costs and tails that follow from it are compared between parties.
 * Invariant: the operations and their order are part of what is specified; the error stays below 2 ulp.
 */
import { invalidField, UsageError } from '@onlysum/crypto';

/** s² ≤ 0.0295, so the first term that is left out, s²⁴/25, is below 2^-64 of the sum. */
const LAST_DIVISOR = 23;

/**
 * ln x: with x = m·2^e and √½ ≤ m < √2, by exact halving or doubling, it is
 * e·LN2 + {@link lnOfRatio}((m − 1)/(m + 1)). The constants are the nearest doubles: LN2 0.6931471805599453,
 * √½ 0.7071067811865476, √2 1.4142135623730951.
 *
 * @param x - finite and more than 0.
 * @throws {UsageError} `argument-invalid`.
 */
export function ln(x: number): number {
  if (!(x > 0 && x < Number.POSITIVE_INFINITY)) {
    throw invalidField(UsageError, 'argument-invalid', 'x', 'a finite number above 0', x);
  }
  let m = x;
  let e = 0;
  for (; m >= Math.SQRT2; e++) m /= 2;
  for (; m < Math.SQRT1_2; e--) m *= 2;
  return e * Math.LN2 + lnOfRatio((m - 1) / (m + 1));
}

/**
 * ln((1 + s)/(1 − s)) = 2·(s + s³/3 + s⁵/5 + … + s²³/23), summed from the last term by Horner's rule,
 * as 2·s + 2·s·(s²·(1/3 + s²·(1/5 + …))).
 *
 * @param s - at most 0.1716 in size, where the series is exact to the last place or two.
 */
export function lnOfRatio(s: number): number {
  const square = s * s;
  let sum = 0;
  for (let divisor = LAST_DIVISOR; divisor > 1; divisor -= 2) sum = square * (1 / divisor + sum);
  return 2 * s + 2 * s * sum;
}
