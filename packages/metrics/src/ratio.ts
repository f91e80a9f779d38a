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

/** The double nearest to `value / count`. @param count - not 0. */
export function perCount({ unscaled, scale }: Decimal, count: bigint): number {
  const quotient = (unscaled * 10n ** BigInt(DIGITS)) / count;
  return decimalToNumber({ unscaled: quotient, scale: scale + DIGITS });
}
