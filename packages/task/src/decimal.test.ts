import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  alignDecimals,
  checkedDecimal,
  compareDecimals,
  decimalOf,
  parseDecimal,
} from './decimal.js';

test.each([
  ['0', 0n, 0],
  ['-7', -7n, 0],
  ['0.5', 5n, 1],
  ['-0.25', -25n, 2],
  ['250.5', 2505n, 1],
  ['123456789012345678', 123456789012345678n, 0],
])('reads %s', (text, unscaled, scale) => {
  expect(parseDecimal(text)).toEqual({ unscaled, scale });
  expect(checkedDecimal(text)).toEqual({ unscaled, scale });
});

test.each([
  '-0',
  '1234567890123456789',
  '0.1234567890123456789',
  '1.0',
  '01',
  '',
  '-',
  '1e3',
  'NaN',
])('refuses %o', (text) => {
  expect(parseDecimal(text)).toBeUndefined();
});

test('a checked decimal that is none is our bug', () => {
  expect(parseDecimal('1e3')).toBeUndefined();
  expect(() => checkedDecimal('1e3')).toThrow(expect.objectContaining({ code: 'internal' }));
});

test.each([
  [0.3, 3n, 1],
  [-0, 0n, 0],
  [1e21, 10n ** 21n, 0],
  [1.5e300, 15n * 10n ** 299n, 0],
  [1e-7, 1n, 7],
  [-1.25e-9, -125n, 11],
  [5e-324, 5n, 324],
  [123.456, 123456n, 3],
])('takes %s as it is printed', (value, unscaled, scale) => {
  expect(decimalOf(value)).toEqual({ unscaled, scale });
});

const finite = fc.double({ noNaN: true, noDefaultInfinity: true });

test('decimals order as the doubles they come from', () => {
  fc.assert(
    fc.property(finite, finite, (a, b) => {
      expect(compareDecimals(decimalOf(a), decimalOf(b))).toBe(a < b ? -1 : a > b ? 1 : 0);
      const { unscaled, scale } = decimalOf(a);
      expect(Number(`${unscaled}e-${scale}`)).toBe(a === 0 ? 0 : a);
    }),
  );
});

test('aligned units are the decimals over one scale', () => {
  const { units, scale } = alignDecimals(decimalOf(1.5), decimalOf(-2), decimalOf(0.025));
  expect(units).toEqual([1500n, -2000n, 25n]);
  expect(scale).toBe(3);
});
