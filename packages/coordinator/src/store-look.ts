/**
 * Whether the store answers, for whoever asks, however often. Knows: one cheap question. Doesn't know: HTTP.
 * Invariant: the store is asked once a second at most, and never again before it has answered.
 */
import type { CoordinatorStore } from './store/coordinator-store.js';
import { answerWithin } from './store-patience.js';

/** @returns whether it answers; never rejects, and takes no longer than {@link MOST_WAIT_MS}. */
export type StoreLook = () => Promise<boolean>;

/** Less than what checks of readiness wait for an answer. */
export const MOST_WAIT_MS = 2_000;
const LOOK_AGAIN_MS = 1_000;

export function storeLook(store: Pick<CoordinatorStore, 'auditHead'>): StoreLook {
  let isPending = false;
  let look: { readonly atMs: number; readonly found: Promise<boolean> } | undefined;

  async function ask(): Promise<boolean> {
    isPending = true;
    try {
      await store.auditHead();
      return true;
    } catch {
      return false;
    } finally {
      isPending = false;
    }
  }

  return async () => {
    const nowMs = performance.now();
    if (look === undefined || (!isPending && nowMs - look.atMs >= LOOK_AGAIN_MS)) {
      look = { atMs: nowMs, found: ask() };
    }
    // From when it was asked: who comes later waits for less.
    const leftMs = Math.max(0, look.atMs + MOST_WAIT_MS - nowMs);
    return answerWithin(leftMs, look.found).catch(() => false);
  };
}
