import { describe, expect, test } from 'vitest';
import { laplaceRatio } from './laplace-ratio.js';

/** The digits of e^−1, e^−0.001 and e^−20, cut after 40 significant ones. */
const KNOWN = [
  { rate: [1n, 1n], digits: 3678794411714423215955237701614608674458n, scale: 40n },
  { rate: [1n, 1000n], digits: 9990004998333749916680553571676555646777n, scale: 40n },
  { rate: [20n, 1n], digits: 2061153622438557827965940380155820976258n, scale: 48n },
] as const;

describe('e^−x, rounded up', () => {
  test.each(KNOWN)('$rate', ({ rate: [numerator, denominator], digits, scale }) => {
    const ratio = laplaceRatio({ numerator, denominator });
    const left = ratio.numerator * 10n ** scale;
    const exact = (digits + 1n) * ratio.denominator;
    expect(left >= exact).toBe(true);
    expect((left - exact) << 50n <= exact).toBe(true);
  });

  test('is a double that hardly differs from Math.exp', () => {
    for (const denominator of [1n, 7n, 1000n, 1n << 31n]) {
      for (const numerator of [1n, 3n, 500n]) {
        const ratio = laplaceRatio({ numerator, denominator });
        const value = Number(ratio.numerator) / Number(ratio.denominator);
        const expected = Math.exp(-Number(numerator) / Number(denominator));
        expect(value / expected - 1).toBeGreaterThan(-1e-15);
        expect(value / expected - 1).toBeLessThan(2e-15);
        expect(ratio.numerator.toString(2).length).toBeLessThanOrEqual(53);
        expect(ratio.numerator < ratio.denominator).toBe(true);
      }
    }
  });

  test.each([
    [0n, 1n],
    [1n, (1n << 31n) + 1n],
    [513n, 1n],
    [1n, -1n],
  ])('%d/%d is refused', (numerator, denominator) => {
    expect(() => laplaceRatio({ numerator, denominator })).toThrow(/^rate: expected one from/);
  });
});
