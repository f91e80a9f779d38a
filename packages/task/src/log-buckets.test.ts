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

const range = fc.record({
  min: fc.constantFrom('0.00000000000000001', '0.5', '1', '999'),
  max: fc.constantFrom('1000', '12345.678', '999999999999999999'),
  relativeError: fc.constantFrom('0.001', '0.01', '0.25', '0.5', '0.99'),
});

test('buckets follow one another from 0 to max, and no value is farther from its middle than the error', () => {
  fc.assert(
    fc.property(range, fc.double({ min: 0, max: 1, noNaN: true }), (metric, where) => {
      const buckets = logBuckets(metric);
      expect(buckets[0]).toMatchObject({ from: 0, to: Number(metric.min) });
      expect(buckets.at(-1)?.to).toBe(Number(metric.max));
      // Within a rounding or two: an edge may lie exactly as far away as the error.
      const most = Number(metric.relativeError) * (1 + 1e-12);
      const wrong = buckets.slice(1).filter(({ from, to, middle }, i) => {
        const values = [from, to, from + where * (to - from)];
        const isNear = values.every((value) => Math.abs(middle - value) <= most * value);
        return from !== buckets[i]?.to || !(to > from) || !isNear;
      });
      expect(wrong).toEqual([]);
      expect(new Set(buckets.map(({ label }) => label)).size).toBe(buckets.length);
    }),
    { numRuns: 40 },
  );
});

test('a value above max is told by max', () => {
  const buckets = logBuckets({ min: '1', max: '1.1', relativeError: '0.5' });
  expect(buckets).toEqual([
    { from: 0, to: 1, middle: 0.5, label: '[below 1]' },
    { from: 1, to: 1.1, middle: 1.1, label: '[1,1.1]' },
  ]);
});
