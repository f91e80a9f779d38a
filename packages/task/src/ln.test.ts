import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ln, lnOfRatio } from './ln.js';

test.each([
  [2, '3fe62e42fefa39ef'],
  [3, '3ff193ea7aad030a'],
  [10, '40026bb1bbb55515'],
  [0.1, 'c0026bb1bbb55515'],
  [1e-6, 'c02ba18a998fffa0'],
  [1023, '401bb8d39eb37215'],
  [1 + 2 ** -52, '3cb0000000000000'],
  [1 - 2 ** -53, 'bca0000000000000'],
  [Math.SQRT2, '3fd62e42fefa39f0'],
  [Math.SQRT2 - 2 ** -52, '3fd62e42fefa39ed'],
  [5e-324, 'c0874385446d71c3'],
  [Number.MAX_VALUE, '40862e42fefa39ef'],
])('ln %d has the bits %s', (x, bits) => {
  expect(bitsOf(ln(x))).toBe(bits);
});

test('the constants are the nearest doubles', () => {
  expect([Math.LN2, Math.SQRT2, Math.SQRT1_2].map(bitsOf)).toEqual([
    '3fe62e42fefa39ef',
    '3ff6a09e667f3bcd',
    '3fe6a09e667f3bcd',
  ]);
});

test('it agrees with Math.log to 1e-15', () => {
  fc.assert(
    fc.property(fc.double({ min: 5e-324, max: Number.MAX_VALUE, noNaN: true }), (x) => {
      expect(relativeError(x)).toBeLessThan(1e-15);
    }),
    { numRuns: 20_000 },
  );
});

test('it agrees next to 1 and at every power of two, and is 0 at 1', () => {
  expect(ln(1)).toBe(0);
  for (let e = 1; e <= 53; e++) {
    const step = 2 ** -e;
    expect(relativeError(1 + step), `1 + 2^-${e}`).toBeLessThan(1e-15);
    if (step < 1) expect(relativeError(1 - step / 2), `1 - 2^-${e + 1}`).toBeLessThan(1e-15);
  }
  for (let e = -1074; e <= 1023; e++) {
    expect(relativeError(2 ** e), `2^${e}`).toBeLessThan(1e-15);
  }
});

test('the series of a ratio', () => {
  for (const s of [1e-300, -1e-9, 0.01, 0.1716, -0.1716]) {
    expect(Math.abs(lnOfRatio(s) / (2 * Math.atanh(s)) - 1)).toBeLessThan(1e-15);
  }
});

test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('%d has no logarithm', (x) => {
  expect(() => ln(x)).toThrow(/^x: expected a finite number above 0/);
});

function relativeError(x: number): number {
  const expected = Math.log(x);
  return expected === 0 ? Math.abs(ln(x)) : Math.abs(ln(x) / expected - 1);
}

function bitsOf(value: number): string {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return view.getBigUint64(0).toString(16).padStart(16, '0');
}
