import { getEventListeners } from 'node:events';
import { expect, it } from 'vitest';
import { RunningSubmission } from './running-submission.js';

const HOUR_MS = 3_600_000;

/** Runs until it is ended. */
function untilEnded(ending: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    ending.addEventListener('abort', () => reject(ending.reason as Error), { once: true });
  });
}

function bounds(change: Partial<Parameters<RunningSubmission['run']>[0]> = {}) {
  return { signal: undefined, timeoutMs: HOUR_MS, holdsProcess: false, ...change };
}

it('runs one at a time', async () => {
  const running = new RunningSubmission();
  const first = running.run(bounds(), untilEnded);
  await expect(running.run(bounds(), untilEnded)).rejects.toMatchObject({ code: 'submit-running' });
  const ended = running.abort('close() was called');
  await expect(first).rejects.toMatchObject({ code: 'submit-aborted' });
  await ended;
  expect(await running.run(bounds(), async () => 'receipt')).toBe('receipt');
});

it('is ended by its signal, also by one that was aborted before, and lets go of it', async () => {
  const running = new RunningSubmission();
  const aborted = expect.objectContaining({ code: 'submit-aborted', cause: 'user' });
  const controller = new AbortController();
  const { signal } = controller;
  await running.run(bounds({ signal }), async () => 'receipt');
  expect(getEventListeners(signal, 'abort')).toEqual([]);
  const run = running.run(bounds({ signal }), untilEnded);
  controller.abort('user');
  await expect(run).rejects.toEqual(aborted);
  await expect(running.run(bounds({ signal }), untilEnded)).rejects.toEqual(aborted);
});

it('is ended by its time', async () => {
  const running = new RunningSubmission();
  const late = { code: 'submit-timeout', retryable: true };
  await expect(running.run(bounds({ timeoutMs: 1 }), untilEnded)).rejects.toMatchObject(late);
});

it('is ended with the background mode only if it belongs to it', async () => {
  const running = new RunningSubmission();
  const held = running.run(bounds({ holdsProcess: true }), untilEnded);
  running.abortInBackground('stop() was called');
  await running.abort('close() was called');
  await expect(held).rejects.toThrow(/close\(\)/);
  const background = running.run(bounds(), untilEnded);
  running.abortInBackground('stop() was called');
  await expect(background).rejects.toMatchObject({ code: 'submit-aborted' });
});
