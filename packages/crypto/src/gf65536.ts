/**
 * GF(2^16) with the reduction polynomial x^16 + x^12 + x^3 + x + 1, which is primitive.
 * Knows: how to multiply secret symbols by public ones in constant time, and public ones at leisure.
 * Invariant: no branch and no address depends on a secret symbol.
 */

/** x^16 ≡ x^12 + x^3 + x + 1. */
const REDUCTION = 0x100b;

/** Pairs in a row: 16 symbols, two to a u32, are what a secret of 32 bytes takes. */
export const PAIRS = 8;

/**
 * Multiplies two secret symbols, packed into the halves of one u32, by one public symbol.
 * Time depends on `multiplier` alone.
 */
export function multiplyPair(pair: number, multiplier: number): number {
  let product = 0;
  for (let bit = topBit(multiplier); bit >= 0; bit--) {
    product = timesX(product) ^ (pair & -((multiplier >>> bit) & 1));
  }
  return product;
}

/**
 * Evaluates a row of secret polynomials at one public point, by Horner's rule.
 *
 * @param coefficients - rows, the constant one first; borrowed.
 * @param x - public, 1…65535; time depends on it and on the degree alone.
 * @param values - takes the row of values from pair `at` on.
 */
export function evaluatePairs(
  coefficients: Uint32Array,
  x: number,
  values: Uint32Array,
  at: number,
): void {
  const top = topBit(x);
  // Four chains at a time, since each one is a chain of dependent steps: 2.6 times as fast as one.
  for (let p = 0; p < PAIRS; p += 4) {
    let [a, b, c, d] = [0, 0, 0, 0];
    for (let from = coefficients.length - PAIRS + p; from >= 0; from -= PAIRS) {
      let [ax, bx, cx, dx] = [a, b, c, d];
      for (let bit = top - 1; bit >= 0; bit--) {
        const mask = -((x >>> bit) & 1);
        ax = timesX(ax) ^ (a & mask);
        bx = timesX(bx) ^ (b & mask);
        cx = timesX(cx) ^ (c & mask);
        dx = timesX(dx) ^ (d & mask);
      }
      a = ax ^ coefficients[from]!;
      b = bx ^ coefficients[from + 1]!;
      c = cx ^ coefficients[from + 2]!;
      d = dx ^ coefficients[from + 3]!;
    }
    values.set([a, b, c, d], at + p);
  }
}

/** Product of two public symbols. */
export function multiplyPublic(a: number, b: number): number {
  return a === 0 || b === 0 ? 0 : powerOfX(logOf(a) + logOf(b));
}

/** Inverse of a public symbol other than 0. */
export function invertPublic(a: number): number {
  return powerOfX(ORDER - logOf(a));
}

/** The logarithm to the base x of a public symbol other than 0. */
export function logOf(a: number): number {
  tables ??= makeTables();
  return tables.logs[a]!;
}

/** x^exponent; public. @param exponent - an integer ≥ 0. */
export function powerOfX(exponent: number): number {
  tables ??= makeTables();
  return tables.powers[exponent % ORDER]!;
}

/** Of the multiplicative group, which x generates, the polynomial being primitive. */
export const ORDER = 0xffff;

/** For public symbols only, since an address would tell a secret. 256 KiB, made when first used. */
let tables: { readonly logs: Uint16Array; readonly powers: Uint16Array } | undefined;

function makeTables(): NonNullable<typeof tables> {
  const [logs, powers] = [new Uint16Array(ORDER + 1), new Uint16Array(ORDER)];
  for (let exponent = 0, power = 1; exponent < ORDER; exponent++, power = timesX(power)) {
    logs[power] = exponent;
    powers[exponent] = power;
  }
  return { logs, powers };
}

/** Shifts both halves, and reduces each one whose top bit fell out. */
function timesX(pair: number): number {
  return ((pair & 0x7fff7fff) << 1) ^ Math.imul((pair >>> 15) & 0x00010001, REDUCTION);
}

function topBit(multiplier: number): number {
  return 31 - Math.clz32(multiplier);
}
