/**
 * Rotation of the key that results are sealed with: all that is under an older key comes under the present one.
 * Knows: stores, sealing. Doesn't know: where keys come from.
 * Invariant: a result and the entry that says it changed keys are written together, so whoever is
 * interrupted goes on where it ended.
 */
import { UsageError } from '@onlysum/crypto';
import { resealed } from './sealed-sums.js';
import type { ResultSealing } from './sealing.js';
import type { CoordinatorStore } from './store/coordinator-store.js';

export interface ResealPorts {
  readonly store: CoordinatorStore;
  /** Its older keys must open what is in the store. */
  readonly sealing: ResultSealing;
  /** For the audit log: who asks for it. */
  readonly actor: string;
  /** After so many it ends. Default: when none is left. */
  readonly most?: number;
  /** Ends it between two results. */
  readonly signal?: AbortSignal;
  /** Called when a result is durable under the present key. */
  readonly onResealed?: () => void;
}

/** Somebody else changed or deleted the result meanwhile: it is read anew, if it is still under another key. */
const OVERTAKEN: ReadonlySet<string> = new Set(['record-missing', 'store-conflict']);

/**
 * A coordinator may run meanwhile, if it seals under the present key already.
 *
 * @returns how many results were sealed anew; 0 if all were under the present key.
 * @throws {UsageError} `seal-key-unknown`, `seal-open-failed`; `store-conflict` if others change results as
 *   fast; `store-unavailable`. What was resealed stays so.
 */
export async function resealResults(ports: ResealPorts): Promise<number> {
  const { store, sealing, actor, most = Number.POSITIVE_INFINITY, signal, onResealed } = ports;
  const { keyId: to } = sealing;
  let count = 0;
  let overtaken = 0;
  for (;;) {
    const page = await store.resultsUnderOtherKeys(to);
    if (page.length === 0) return count;
    for (const result of page) {
      if (count >= most || signal?.aborted === true) return count;
      const { round, keyId: from } = result;
      const next = resealed(sealing, result);
      const details = { from, to };
      try {
        await store.reseal(round, from, next, [
          { action: 'key.rotate', actor, subject: round, outcome: 'done', details },
        ]);
      } catch (error) {
        const isOvertaken = error instanceof UsageError && OVERTAKEN.has(error.code);
        if (!isOvertaken || ++overtaken > MOST_OVERTAKEN) throw error;
        continue;
      }
      count++;
      onResealed?.();
    }
  }
}

/** Two who seal under different first keys would otherwise take turns for ever. */
const MOST_OVERTAKEN = 1_000;
