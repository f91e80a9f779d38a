import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { MOST_WAIT_MS, storeLook } from './store-look.js';

const HEAD = { sequence: 0, digest: '00' };

beforeEach(() => vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => vi.useRealTimers());

it('asks once a second at most, for all who ask', async () => {
  const auditHead = vi.fn(async () => HEAD);
  const look = storeLook({ auditHead });
  expect(await Promise.all(Array.from({ length: 50 }, look))).not.toContain(false);
  vi.advanceTimersByTime(999);
  await look();
  expect(auditHead).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(1);
  await look();
  expect(auditHead).toHaveBeenCalledTimes(2);
});

it('says of a store that fails that it does not answer, until it does', async () => {
  const auditHead = vi.fn(async () => HEAD);
  auditHead.mockRejectedValueOnce(new Error('refused'));
  const look = storeLook({ auditHead });
  expect(await look()).toBe(false);
  vi.advanceTimersByTime(1_000);
  expect(await look()).toBe(true);
});

it('waits for a silent store no longer than it may, and asks it nothing more meanwhile', async () => {
  let answer = (): void => undefined;
  const silent = new Promise<void>((resolve) => (answer = resolve));
  const auditHead = vi.fn(async () => {
    await silent;
    return HEAD;
  });
  const look = storeLook({ auditHead });
  // The time of who asks first has passed for everybody.
  const first = look();
  vi.advanceTimersByTime(MOST_WAIT_MS);
  expect(await look()).toBe(false);
  vi.advanceTimersByTime(10 * MOST_WAIT_MS);
  expect(await look()).toBe(false);
  expect(await first).toBe(false);
  expect(auditHead).toHaveBeenCalledTimes(1);
  answer();
  await silent;
  await new Promise((resolve) => setImmediate(resolve));
  expect(await look()).toBe(true);
  expect(auditHead).toHaveBeenCalledTimes(2);
});
