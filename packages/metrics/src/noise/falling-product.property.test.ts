import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encloseDouble, encloseExact, nearRational } from './falling-product.js';

const size = fc.bigInt({ min: 1n, max: 1n << 80n });
const factor = fc
  .tuple(size, size)
  .map(([a, b]) => ({ numerator: a < b ? a : b, denominator: a < b ? b : a }));
const scale = fc.record({
  numerator: fc.bigInt({ min: 1n, max: 1n << 40n }),
  denominator: fc.bigInt({ min: 1n, max: 1n << 20n }),
});
const factors = fc.array(factor, { maxLength: 40 });

test('integers enclose the product closely, whatever the precision', () => {
  fc.assert(
    fc.property(factors, scale, fc.constantFrom(8, 64, 128, 512), (list, s, bits) => {
      const { low, high } = encloseExact(list.length, (l) => list[l]!, s, bits);
      const numerator = list.reduce((all, f) => all * f.numerator, s.numerator);
      const denominator = list.reduce((all, f) => all * f.denominator, s.denominator);
      expect(low * denominator <= numerator << BigInt(bits)).toBe(true);
      expect(high * denominator >= numerator << BigInt(bits)).toBe(true);
      expect(high - low).toBeLessThanOrEqual(4n);
    }),
    { numRuns: 500 },
  );
});

test('doubles enclose the product', () => {
  fc.assert(
    fc.property(factors, scale, (list, s) => {
      const product = list.reduce((all, f) => all * nearRational(f), 1);
      const { low, high } = encloseDouble(product, list.length, nearRational(s));
      const exact = encloseExact(list.length, (l) => list[l]!, s, 1024);
      expect(exact.low >= toFixed(low)).toBe(true);
      expect(exact.high <= toFixed(high)).toBe(true);
      if (product > 1e-200) expect(high / low - 1).toBeLessThan(1e-12);
    }),
    { numRuns: 500 },
  );
});

test('what falls below the doubles is between 0 and little', () => {
  expect(encloseDouble(1e-300, 5, 4)).toEqual({ low: 0, high: expect.any(Number) });
  expect(encloseDouble(0, 5, 4).high).toBeGreaterThan(0);
});

test('a double near a rational of any length stays on its side of the integers', () => {
  expect(nearRational({ numerator: 0n, denominator: 7n })).toBe(0);
  expect(nearRational({ numerator: 10n ** 400n, denominator: 3n * 10n ** 400n })).toBe(1 / 3);
  const whole = 2n ** 52n - 1n;
  const denominator = 10n ** 60n;
  expect(nearRational({ numerator: whole * denominator - 1n, denominator })).toBeLessThanOrEqual(
    Number(whole),
  );
  expect(nearRational({ numerator: whole * denominator, denominator })).toBe(Number(whole));
});

/** The integer next to value·2^1024, exactly. */
function toFixed(value: number): bigint {
  let mantissa = value;
  let exponent = 1024;
  while (!Number.isInteger(mantissa)) {
    mantissa *= 2;
    exponent -= 1;
  }
  return exponent >= 0
    ? BigInt(mantissa) << BigInt(exponent)
    : BigInt(mantissa) >> BigInt(-exponent);
}
