/** How long somebody waits for a store. A broken connection may say nothing for minutes. */
import { setTimeout as sleep } from 'node:timers/promises';
import { UsageError } from '@onlysum/crypto';

/**
 * @param asked - goes on after that, unheard.
 * @throws {UsageError} `store-unavailable` after `ms`; else what it rejects with.
 */
export async function answerWithin<T>(ms: number, asked: Promise<T>): Promise<T> {
  const answered = new AbortController();
  const late = sleep(ms, undefined, { ref: false, signal: answered.signal }).then(() => {
    const message = `store: expected an answer within ${ms} ms, got none`;
    throw new UsageError('store-unavailable', message, { field: 'store' });
  });
  // Whichever is heard, the other may fail later.
  late.catch(() => undefined);
  asked.catch(() => undefined);
  try {
    return await Promise.race([asked, late]);
  } finally {
    answered.abort();
  }
}
