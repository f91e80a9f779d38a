/**
 * How long one request waits for the store, in all.
 * Knows: time that passed in waiting. Doesn't know: what is asked.
 * Invariant: however many questions there are, one after the other, their waits together are not longer.
 */
import { UsageError } from '@onlysum/crypto';
import { answerWithin } from '../store-patience.js';

export class Patience {
  #leftMs: number;

  constructor(ms: number) {
    this.#leftMs = ms;
  }

  /** @throws {UsageError} `store-unavailable` when it has run out; else what it rejects with. */
  async answer<T>(asked: Promise<T>): Promise<T> {
    const beganMs = performance.now();
    try {
      return await answerWithin(this.#leftMs, asked);
    } finally {
      this.#leftMs = Math.max(0, Math.floor(this.#leftMs - (performance.now() - beganMs)));
    }
  }

  /**
   * Whether what was asked of the store is done; false if the store does not answer.
   *
   * @throws what it rejects with otherwise.
   */
  async isDone(asked: Promise<unknown>): Promise<boolean> {
    try {
      await this.answer(asked);
      return true;
    } catch (error) {
      if (isAway(error)) return false;
      throw error;
    }
  }
}

/** Whether an error says that the store does not answer, and nothing else. */
export function isAway(error: unknown): boolean {
  return error instanceof UsageError && error.code === 'store-unavailable';
}
