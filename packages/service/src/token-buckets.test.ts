import { describe, expect, it } from 'vitest';
import { TokenBuckets, takeTogether } from './token-buckets.js';

function makeBuckets(perMinute: number, mostKeys?: number) {
  const clock = { nowMs: 0 };
  const buckets = new TokenBuckets(perMinute, () => clock.nowMs, mostKeys);
  return { clock, buckets, given: (key: string) => given(10, () => buckets.take(key)) };
}

/** Of so many that were asked for. */
function given(asked: number, take: () => number): number {
  return Array.from({ length: asked }, take).filter((waitMs) => waitMs === 0).length;
}

describe('TokenBuckets', () => {
  it('gives a minute’s worth at once, then one by one', () => {
    const { clock, buckets, given } = makeBuckets(6);
    expect(given('a')).toBe(6);
    expect([buckets.wait('a'), buckets.take('a')]).toEqual([10_000, 10_000]);
    clock.nowMs = 9999;
    expect(buckets.take('a')).toBeCloseTo(1);
    clock.nowMs = 10_000;
    expect([buckets.take('a'), buckets.take('a')]).toEqual([0, 10_000]);
    clock.nowMs = 3_600_000;
    expect(given('a')).toBe(6);
  });

  it('takes nothing when it is only asked', () => {
    const { buckets } = makeBuckets(1);
    expect([buckets.wait('a'), buckets.wait('a'), buckets.take('a')]).toEqual([0, 0, 0]);
  });

  it('counts keys apart', () => {
    const { given } = makeBuckets(6);
    expect([given('a'), given('b')]).toEqual([6, 6]);
  });

  it('is not confused by a clock that is set back', () => {
    const { clock, given } = makeBuckets(6);
    clock.nowMs = 1_000_000;
    expect(given('a')).toBe(6);
    clock.nowMs = 0;
    expect(given('a')).toBe(0);
    clock.nowMs = 60_000;
    expect(given('a')).toBe(6);
  });

  it('remembers so many keys and no more, and forgets the one used longest ago', () => {
    const { buckets } = makeBuckets(1, 3);
    for (const key of ['a', 'b', 'c']) buckets.take(key);
    expect(buckets.take('a')).toBeGreaterThan(0);
    buckets.take('d');
    expect(buckets.size).toBe(3);
    expect(buckets.take('a')).toBeGreaterThan(0);
    expect(buckets.take('b')).toBe(0);
    for (let i = 0; i < 1000; i++) buckets.take(String(i));
    expect(buckets.size).toBe(3);
  });

  it('remembers ten thousand keys unless told otherwise', () => {
    const { buckets } = makeBuckets(1);
    for (let i = 0; i < 20_000; i++) buckets.take(String(i));
    expect(buckets.size).toBe(10_000);
  });
});

describe('takeTogether', () => {
  it('gives no more than any of them has, and says when all have one', () => {
    const [own, all] = [makeBuckets(6).buckets, makeBuckets(60).buckets];
    const each = Array.from({ length: 20 }, (_, i) =>
      given(10, () => takeTogether([own, String(i)], [all, ''])),
    );
    expect(each).toEqual(Array.from({ length: 20 }, (_, i) => (i < 10 ? 6 : 0)));
    expect(takeTogether([own, '0'], [all, ''])).toBe(10_000);
    expect(takeTogether([own, 'new'], [all, ''])).toBe(1000);
  });

  it('takes nothing from all for one that is refused', () => {
    const [own, all] = [makeBuckets(6).buckets, makeBuckets(60).buckets];
    expect(given(1000, () => takeTogether([own, 'a'], [all, '']))).toBe(6);
    expect(given(1000, () => takeTogether([own, 'b'], [all, '']))).toBe(6);
  });
});
