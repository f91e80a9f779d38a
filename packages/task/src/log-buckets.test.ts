import fc from 'fast-check';
import { expect, test } from 'vitest';
import { logBuckets } from './log-buckets.js';

test('edges grow by γ = (1 + α)/(1 − α), the last one ends with max', () => {
  // α = 1/3 has γ = 2, up to rounding, and middles 2aγ/(1 + γ) = 4a/3.
  const found = logBuckets({ min: '1', max: '5', relativeError: '0.333333333333333333' });
  expect(found.map(({ label }) => label)).toEqual(['[below 1]', '[1,2)', '[2,4)', '[4,5]']);
  expect(found[0]).toEqual({ from: 0, to: 1, middle: 0.5, label: '[below 1]' });
  const middles = [4 / 3, 8 / 3, 5];
  found.slice(1).forEach(({ middle }, i) => expect(middle).toBeCloseTo(middles[i] ?? 0, 12));
});

const ranges = fc
  .tuple(fc.integer({ min: 1, max: 10 ** 6 }), fc.integer({ min: 1, max: 10 ** 9 }), fc.nat(997))
  .map(([min, more, alpha]) => ({
    min: String(min / 1000),
    max: String((min + more) / 1000),
    relativeError: String((alpha + 2) / 1000),
  }));

test('buckets have no gaps, cover min to max, and their labels differ', () => {
  fc.assert(
    fc.property(ranges, (range) => {
      const buckets = logBuckets(range);
      buckets.slice(1).forEach(({ from, to }, i) => {
        expect(from).toBe(buckets[i]?.to);
        expect(to).toBeGreaterThan(from);
      });
      expect(buckets[1]?.from).toBe(Number(range.min));
      expect(buckets.at(-1)?.to).toBe(Number(range.max));
      expect(new Set(buckets.map(({ label }) => label)).size).toBe(buckets.length);
    }),
  );
});

test('the middle of a bucket misses none of its values by more than the relative error', () => {
  fc.assert(
    fc.property(ranges, (range) => {
      const alpha = Number(range.relativeError);
      for (const { from, to, middle } of logBuckets(range).slice(1)) {
        // The ends are the farthest.
        for (const value of [from, to]) {
          expect(Math.abs(middle - value) / value).toBeLessThanOrEqual(alpha * (1 + 1e-9));
        }
      }
    }),
  );
});
