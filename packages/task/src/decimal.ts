/**
 * Exact decimal numbers: the fractions of a manifest, and what a device records.
 * Knows: decimal text and integers over a power of ten. Doesn't know: metrics, rounding rules.
 * Invariant: a number has exactly one spelling, so equal values have equal canonical bytes.
 */
import { InternalError, invalidField } from '@onlysum/crypto';

/** The number `unscaled · 10^-scale`, exactly. */
export interface Decimal {
  readonly unscaled: bigint;
  readonly scale: number;
}

/**
 * The one spelling of a decimal that is not −0 and has at most 18 digits: enough for any unit, and few
 * enough that products stay small.
 */
export const DECIMAL_PATTERN =
  /^(?!-0$)(?!(?:[.-]?[0-9]){19})(-?)(0|[1-9][0-9]*)(?:\.([0-9]*[1-9]))?$/;
const PRINTED = /^(-?)([0-9]+)(?:\.([0-9]+))?(?:e([+-][0-9]+))?$/;

/** What {@link parseDecimal} accepts, for error messages. */
export const DECIMAL_FORM =
  'a decimal string of at most 18 digits without exponent, leading or trailing zeros, e.g. "0.5"';

/** @returns undefined unless `text` is the one spelling of a decimal of at most 18 digits. */
export function parseDecimal(text: string): Decimal | undefined {
  const match = DECIMAL_PATTERN.exec(text);
  if (match === null) return undefined;
  const [, sign = '', whole = '', fraction = ''] = match;
  return { unscaled: BigInt(`${sign}${whole}${fraction}`), scale: fraction.length };
}

/** A decimal out of a parsed manifest. */
export function checkedDecimal(text: string): Decimal {
  const decimal = parseDecimal(text);
  if (decimal === undefined)
    throw invalidField(InternalError, 'internal', 'decimal', DECIMAL_FORM, text);
  return decimal;
}

/**
 * The decimal that JavaScript prints for a finite number: 0.3 means three tenths, not the binary
 * fraction next to it, so a value written like a bound is that bound.
 */
export function decimalOf(value: number): Decimal {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    PRINTED.exec(String(value)) ?? [];
  const unscaled = BigInt(`${sign}${whole}${fraction}`);
  const scale = fraction.length - Number(exponent);
  return scale >= 0
    ? { unscaled, scale }
    : { unscaled: unscaled * 10n ** BigInt(-scale), scale: 0 };
}

/** The given decimals as integers over one common power of ten, `units[i] · 10^-scale`. */
export function alignDecimals(...decimals: readonly Decimal[]): {
  readonly units: readonly bigint[];
  readonly scale: number;
} {
  const scale = Math.max(0, ...decimals.map((d) => d.scale));
  return { units: decimals.map((d) => d.unscaled * 10n ** BigInt(scale - d.scale)), scale };
}

/** −1, 0 or 1. */
export function compareDecimals(a: Decimal, b: Decimal): number {
  const [x = 0n, y = 0n] = alignDecimals(a, b).units;
  return x < y ? -1 : x > y ? 1 : 0;
}
