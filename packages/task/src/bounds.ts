/**
 * A and D: how many devices of a roster may be corrupt, and how many may drop. Protocol §1.
 * Exact integer arithmetic, so that registrar and device never differ by one.
 */
import { invalidField, UsageError } from '@onlysum/crypto';

/** The largest cohort that any manifest can name: device indices and Shamir points are 16 bits. */
export const MAX_COHORT = 65_535;

/** A = ⌈γn⌉. @param perMille - γ, 0…999. */
export function corruptBound(n: number, perMille: number): number {
  return Math.ceil(product(n, perMille) / 1000);
}

/** D = ⌊δn⌋. @param perMille - δ, 0…999. */
export function dropoutBound(n: number, perMille: number): number {
  return Math.floor(product(n, perMille) / 1000);
}

// The product is below 2^26, so its quotient by 1000 is an integer exactly when the double is one.
function product(n: number, perMille: number): number {
  if (!Number.isInteger(n) || n < 1 || n > MAX_COHORT) {
    throw invalidField(
      UsageError,
      'argument-invalid',
      'n',
      `an integer from 1 to ${MAX_COHORT}`,
      n,
    );
  }
  if (!Number.isInteger(perMille) || perMille < 0 || perMille > 999) {
    throw invalidField(
      UsageError,
      'argument-invalid',
      'perMille',
      'an integer from 0 to 999',
      perMille,
    );
  }
  return n * perMille;
}
