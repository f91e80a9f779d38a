import { describe, expect, it } from 'vitest';
import { checkProxies, clientAddress } from './client-address.js';
import { RateLimiter, completeRateLimits } from './rate-limit.js';

const LIMITS = { requestsPerMinute: 60, requestsPerMinutePerAddress: 6 };

function takeMany(limiter: RateLimiter, count: number, address: string, nowMs = 0): number {
  const waits = Array.from({ length: count }, () => limiter.take('enrol', address, nowMs));
  return waits.filter((waitMs) => waitMs === 0).length;
}

describe('RateLimiter', () => {
  it('gives a minute’s worth at once, then one by one', () => {
    const limiter = new RateLimiter(LIMITS);
    expect(takeMany(limiter, 10, '192.0.2.1')).toBe(6);
    expect(limiter.take('enrol', '192.0.2.1', 0)).toBe(10_000);
    expect(limiter.take('enrol', '192.0.2.1', 9999)).toBeCloseTo(1);
    expect(limiter.take('enrol', '192.0.2.1', 10_000)).toBe(0);
    expect(takeMany(limiter, 10, '192.0.2.1', 3_600_000)).toBe(6);
  });

  it('counts addresses and kinds apart, and all addresses together', () => {
    const limiter = new RateLimiter(LIMITS);
    const each = Array.from({ length: 20 }, (_, i) => takeMany(limiter, 10, `192.0.2.${i}`));
    expect(each).toEqual(Array.from({ length: 20 }, (_, i) => (i < 10 ? 6 : 0)));
    expect(limiter.take('attest', '192.0.2.1', 0)).toBe(0);
  });

  it('takes nothing from the others when it refuses one', () => {
    const limiter = new RateLimiter(LIMITS);
    takeMany(limiter, 1000, '192.0.2.1');
    expect(takeMany(limiter, 60, '192.0.2.2')).toBe(6);
  });

  it('is not confused by a clock that is set back', () => {
    const limiter = new RateLimiter(LIMITS);
    expect(takeMany(limiter, 10, '192.0.2.1', 1_000_000)).toBe(6);
    expect(takeMany(limiter, 10, '192.0.2.1', 0)).toBe(0);
    expect(takeMany(limiter, 10, '192.0.2.1', 60_000)).toBe(6);
  });

  it('remembers no more addresses than it may, and forgets the one used longest ago', () => {
    const limiter = new RateLimiter({ ...LIMITS, requestsPerMinute: 10_000 }, 3);
    for (const last of [1, 2, 3]) takeMany(limiter, 6, `192.0.2.${last}`);
    takeMany(limiter, 1, '192.0.2.1');
    takeMany(limiter, 1, '192.0.2.4');
    expect(limiter.size).toBe(3);
    expect(takeMany(limiter, 1, '192.0.2.1')).toBe(0);
    expect(takeMany(limiter, 1, '192.0.2.2')).toBe(1);
    for (let i = 0; i < 1000; i++) takeMany(limiter, 1, `198.51.100.${i}`);
    expect(limiter.size).toBe(3);
  });

  it.each([
    ['2001:db8:1:2::1', '2001:db8:1:2:ffff:ffff:ffff:ffff'],
    ['2001:db8::1', '2001:db8:0:0:1::'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
  ])('takes %s and %s for one', (a, b) => {
    const limiter = new RateLimiter(LIMITS);
    takeMany(limiter, 6, a);
    expect(takeMany(limiter, 1, b)).toBe(0);
    expect(takeMany(limiter, 1, '2001:db8:1:3::1')).toBe(1);
  });

  it('refuses limits that are none', () => {
    for (const wrong of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => completeRateLimits({ requestsPerMinute: wrong })).toThrow(/requestsPerMinute/);
    }
  });
});

describe('clientAddress', () => {
  const proxies = checkProxies(['10.0.0.1', '10.0.0.2']);

  it.each<[string, string | undefined, string]>([
    ['192.0.2.9', '198.51.100.1', '192.0.2.9'],
    ['10.0.0.1', undefined, '10.0.0.1'],
    ['10.0.0.1', '198.51.100.1', '198.51.100.1'],
    ['::ffff:10.0.0.1', '198.51.100.1', '198.51.100.1'],
    ['10.0.0.1', '203.0.113.7, 198.51.100.1', '198.51.100.1'],
    ['10.0.0.1', '203.0.113.7, 198.51.100.1, 10.0.0.2', '198.51.100.1'],
    ['10.0.0.1', 'no address', '10.0.0.1'],
  ])('from %s with %s is %s', (peer, header, expected) => {
    expect(clientAddress(peer, header, proxies)).toBe(expected);
  });

  it('refuses a proxy that is no address', () => {
    expect(() => checkProxies(['proxy.example.org'])).toThrow(/trustProxy\[0\]/);
  });
});
