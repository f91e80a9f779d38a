/**
 * Exact results turned into the numbers that are shown. One rounding, at the very end.
 */
import type { Decimal } from '@onlysum/task';

/** Enough digits that the division's own cut lies far below half a unit in the last place. */
const DIGITS = 40;

/** The double nearest to `value`. */
export function decimalToNumber({ unscaled, scale }: Decimal): number {
  return Number(`${unscaled}e-${scale}`);
}

/** The double nearest to `value / count`, or null without a count to divide by. */
export function perCount({ unscaled, scale }: Decimal, count: number): number | null {
  if (count <= 0) return null;
  const quotient = (unscaled * 10n ** BigInt(DIGITS)) / BigInt(count);
  return decimalToNumber({ unscaled: quotient, scale: scale + DIGITS });
}
