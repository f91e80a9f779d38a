/**
 * GF(2^16) as in ../../src/gf65536.ts, 16 secret symbols (32 bytes, two vectors) at a time by a public one.
 * Invariant: branches depend on public symbols and counts alone, addresses on counts alone.
 */

/** x^16 ≡ x^12 + x^3 + x + 1. */
const REDUCTION: i16 = 0x100b;

/** Bytes of 16 symbols. */
const ROW_BYTES: usize = 32;

/**
 * Horner's rule: each row of `values` becomes row · x^count + Σ coefficient_i · x^i.
 *
 * @param coefficients - `count` rows, the constant one first.
 * @param xs - one u32 for each row of `values`, 1…65535, public.
 */
export function evaluate(
  coefficients: usize,
  count: u32,
  xs: usize,
  values: usize,
  valueCount: u32,
): void {
  for (let i: u32 = 0; i < valueCount; i++, values += ROW_BYTES) {
    const x = load<u32>(xs + 4 * i);
    let low = v128.load(values);
    let high = v128.load(values, 16);
    for (let at = coefficients + ROW_BYTES * count; at > coefficients; ) {
      at -= ROW_BYTES;
      let lowProduct = v128.load(at);
      let highProduct = v128.load(at, 16);
      for (let bits = x; ; ) {
        if (bits & 1) {
          lowProduct = v128.xor(lowProduct, low);
          highProduct = v128.xor(highProduct, high);
        }
        bits >>= 1;
        if (!bits) break;
        low = timesX(low);
        high = timesX(high);
      }
      low = lowProduct;
      high = highProduct;
    }
    v128.store(values, low);
    v128.store(values, high, 16);
  }
}

/** Adds row · x^i to row i of `sums`, for i < count; `row` is spoilt. @param x - public, not 0. */
export function addPowers(row: usize, x: u32, sums: usize, count: u32): void {
  let low = v128.load(row);
  let high = v128.load(row, 16);
  for (const end = sums + ROW_BYTES * count; sums < end; sums += ROW_BYTES) {
    v128.store(sums, v128.xor(v128.load(sums), low));
    v128.store(sums, v128.xor(v128.load(sums, 16), high), 16);
    let lowProduct = i16x8.splat(0);
    let highProduct = i16x8.splat(0);
    for (let bits = x; ; ) {
      if (bits & 1) {
        lowProduct = v128.xor(lowProduct, low);
        highProduct = v128.xor(highProduct, high);
      }
      bits >>= 1;
      if (!bits) break;
      low = timesX(low);
      high = timesX(high);
    }
    low = lowProduct;
    high = highProduct;
  }
  v128.store(row, low);
  v128.store(row, high, 16);
}

/** Shifts 8 symbols, and reduces each one whose top bit fell out. */
function timesX(symbols: v128): v128 {
  const carries = i16x8.shr_s(symbols, 15);
  return v128.xor(i16x8.shl(symbols, 1), v128.and(carries, i16x8.splat(REDUCTION)));
}
