/** Waiting that always ends: with what was awaited, at a limit, or when the demo is stopped. */
import { RoundError } from '@onlysum/crypto';

/**
 * @param what - for the error, e.g. `the registrar to listen`.
 * @param signal - its reason is thrown if the demo is stopped meanwhile.
 * @throws {RoundError} `demo-failed` at the limit.
 */
export async function within<T>(
  what: string,
  limitMs: number,
  signal: AbortSignal,
  promise: Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  let settle = (): void => {};
  const ended = new Promise<never>((_, reject) => {
    const stopped = (): void => reject(signal.reason as Error);
    const timer = setTimeout(() => {
      const detail = `waited ${Math.round(limitMs / 1000)} s for ${what}, in vain`;
      reject(new RoundError('demo-failed', detail));
    }, limitMs);
    signal.addEventListener('abort', stopped, { once: true });
    settle = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stopped);
    };
  });
  try {
    return await Promise.race([promise, ended]);
  } finally {
    settle();
  }
}
