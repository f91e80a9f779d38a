import { expect, it } from 'vitest';
import { MOST_KEYS, TokenBuckets } from './token-bucket.js';

it('lets as many through as it refills, and says how long to wait', () => {
  let nowMs = 0;
  const buckets = new TokenBuckets(2, () => nowMs);
  expect([buckets.take('a'), buckets.take('a'), buckets.take('a')]).toEqual([0, 0, 30_000]);
  expect(buckets.take('b')).toBe(0);
  nowMs = 29_999;
  expect(buckets.take('a')).toBe(1);
  nowMs = 30_000;
  expect([buckets.take('a'), buckets.take('a')]).toEqual([0, 30_000]);
  nowMs = 10_000_000;
  expect([buckets.take('a'), buckets.take('a'), buckets.take('a')]).toEqual([0, 0, 30_000]);
});

it('remembers so many keys and no more, those that came last', () => {
  const buckets = new TokenBuckets(1, () => 0);
  for (let i = 0; i < MOST_KEYS; i++) buckets.take(String(i));
  expect(buckets.take('0')).toBeGreaterThan(0);
  buckets.take('new');
  expect(buckets.take('0')).toBeGreaterThan(0);
  expect(buckets.take('1')).toBe(0);
});
