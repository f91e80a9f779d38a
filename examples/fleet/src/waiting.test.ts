import { expect, test } from 'vitest';
import { within } from './waiting.js';

const forever = new Promise<never>(() => {});

test('gives what was awaited', async () => {
  const { signal } = new AbortController();
  expect(await within('a number', 1000, signal, Promise.resolve(7))).toBe(7);
});

test('says what was awaited when the time is over', async () => {
  const { signal } = new AbortController();
  await expect(within('the moon', 20, signal, forever)).rejects.toMatchObject({
    code: 'demo-failed',
    message: 'waited 0 s for the moon, in vain',
  });
});

test('ends with the reason for which the demo is stopped, before and while it waits', async () => {
  const stop = new AbortController();
  const waiting = within('the moon', 60_000, stop.signal, forever);
  stop.abort(new Error('interrupted'));
  await expect(waiting).rejects.toThrow('interrupted');
  await expect(within('the moon', 60_000, stop.signal, forever)).rejects.toThrow('interrupted');
});
