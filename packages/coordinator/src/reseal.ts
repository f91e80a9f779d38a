/**
 * Rotation of the key that results are sealed with: all that is under an older key comes under the present one.
 * Knows: stores, sealing. Doesn't know: where keys come from.
 * Invariant: a result and the entry that says it changed keys are written together, so whoever is
 * interrupted goes on where it ended.
 */
import { resealed } from './sealed-sums.js';
import type { ResultSealing } from './sealing.js';
import type { CoordinatorStore } from './store/coordinator-store.js';

export interface ResealPorts {
  readonly store: CoordinatorStore;
  /** Its older keys must open what is in the store. */
  readonly sealing: ResultSealing;
  /** For the audit log: who asks for it. */
  readonly actor: string;
}

/**
 * A coordinator may run meanwhile, if it seals under the present key already.
 *
 * @returns how many results were sealed anew; 0 if all were under the present key.
 * @throws {UsageError} `seal-key-unknown`, `seal-open-failed`; `record-missing` or `store-conflict` if a
 *   coordinator changed a result at that moment; `store-unavailable`. What was resealed stays so.
 */
export async function resealResults({ store, sealing, actor }: ResealPorts): Promise<number> {
  const { keyId: to } = sealing;
  let count = 0;
  for (;;) {
    const page = await store.resultsUnderOtherKeys(to);
    if (page.length === 0) return count;
    for (const result of page) {
      const { round, keyId: from } = result;
      const next = resealed(sealing, result);
      const details = { from, to };
      await store.reseal(round, from, next, [
        { action: 'key.rotate', actor, subject: round, outcome: 'done', details },
      ]);
      count++;
    }
  }
}
