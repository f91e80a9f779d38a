/**
 * Sealing results anew on request, some at a time. Knows: that one runs. Doesn't know: HTTP, keys.
 * Invariant: one at a time in this process; that it began, and how it ended, is in the audit log.
 */
import { OnlysumError, UsageError } from '@onlysum/crypto';
import { resealResults } from './reseal.js';
import type { ResultSealing } from './sealing.js';
import type { CoordinatorStore } from './store/coordinator-store.js';

export interface ResealReport {
  /** Of the key that seals. */
  readonly keyId: string;
  /** Results that were under another key. */
  readonly resealed: number;
  /** Whether none is left under another key; otherwise ask again. */
  readonly isDone: boolean;
}

interface KeyRotationPorts {
  readonly store: CoordinatorStore;
  readonly sealing: ResultSealing;
  /** Whether that is under a key that the operator gave. */
  readonly hasResultsKey: boolean;
}

/** Each is a transaction of its own: with lmdb a few seconds in all. */
const MOST_AT_ONCE = 1_000;

export class KeyRotation {
  readonly #ports: KeyRotationPorts;
  #isRunning = false;

  constructor(ports: KeyRotationPorts) {
    this.#ports = ports;
  }

  /**
   * @param actor - for the audit log: who asks for it.
   * @param signal - ends it between two results.
   * @throws {UsageError} `seal-key-missing`, `reseal-running`, and as {@link resealResults}.
   */
  async run(actor: string, signal: AbortSignal): Promise<ResealReport> {
    const { store, sealing, hasResultsKey } = this.#ports;
    if (!hasResultsKey) {
      const message =
        'results are sealed under a key of this process alone: expected resultsKey in the configuration';
      throw new UsageError('seal-key-missing', message, { field: 'resultsKey' });
    }
    if (this.#isRunning) {
      throw new UsageError('reseal-running', 'results are being sealed anew: wait for its end');
    }
    this.#isRunning = true;
    const { keyId } = sealing;
    const action = 'key.rotation';
    let resealed = 0;
    const onResealed = () => void resealed++;
    try {
      await store.appendAudit([
        { action: `${action}-began`, actor, outcome: 'done', details: { keyId } },
      ]);
      await resealResults({ store, sealing, actor, most: MOST_AT_ONCE, signal, onResealed });
      const isDone = (await store.resultsUnderOtherKeys(keyId, { limit: 1 })).length === 0;
      const details = { keyId, resealed, isDone };
      await store.appendAudit([{ action: `${action}-ended`, actor, outcome: 'done', details }]);
      return { keyId, resealed, isDone };
    } catch (error) {
      const code = error instanceof OnlysumError ? error.code : 'internal';
      const details = { keyId, resealed, code };
      const ended = { action: `${action}-ended`, actor, outcome: 'failed', details } as const;
      // What made it fail may well be the store: the first failure is what is told.
      await store.appendAudit([ended]).catch(() => undefined);
      throw error;
    } finally {
      this.#isRunning = false;
    }
  }
}
