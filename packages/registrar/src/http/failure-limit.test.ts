import { describe, expect, it } from 'vitest';
import { FailureLimit, networkOf } from './failure-limit.js';

describe('FailureLimit', () => {
  it('lets the allowed number pass, then asks to wait for the rest of the interval', () => {
    const limit = new FailureLimit(2, 1000);
    limit.failed('a', 0);
    expect(limit.waitMs('a', 1)).toBe(0);
    limit.failed('a', 400);
    expect(limit.waitMs('a', 400)).toBe(600);
    expect(limit.waitMs('b', 400)).toBe(0);
    expect(limit.waitMs('a', 999)).toBe(1);
    expect(limit.waitMs('a', 1000)).toBe(0);
  });

  it('begins to count anew after the interval', () => {
    const limit = new FailureLimit(2, 1000);
    limit.failed('a', 0);
    limit.failed('a', 1000);
    expect(limit.waitMs('a', 1000)).toBe(0);
    limit.failed('a', 1500);
    expect(limit.waitMs('a', 1500)).toBe(500);
  });

  it('remembers a bounded number of networks and forgets the oldest first', () => {
    const limit = new FailureLimit(1, 1000);
    for (let i = 0; i < 10_001; i++) limit.failed(`address ${i}`, 0);
    expect(limit.waitMs('address 0', 1)).toBe(0);
    expect(limit.waitMs('address 1', 1)).toBe(999);
    expect(limit.waitMs('address 10000', 1)).toBe(999);
  });
});

describe('networkOf', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8:1:2::9', '2001:db8:1:2'],
    ['2001:db8::9', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
    ['2001::', '2001:0:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
    ['', ''],
  ])('%s counts as %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });
});
