/**
 * A store in memory, for tests, simulation and embedded trials. It forgets everything with its
 * process, so a registrar on it must not outlive a crash under the same key.
 */
import type { Ledger, LedgerValue } from '@onlysum/protocol';
import { type StoreBackend, guardedStore } from './guarded-store.js';
import type { RegistrarStore } from './registrar-store.js';

export function memoryStore(): RegistrarStore {
  return guardedStore(new MemoryBackend());
}

/** What a transaction has put; undefined where it removed. */
type Pending = Map<string, LedgerValue | undefined>;

class MemoryBackend implements StoreBackend {
  readonly #committed = new Map<string, LedgerValue>();

  write<T>(run: (ledger: Ledger) => T): T {
    const pending: Pending = new Map();
    const result = run(this.#ledgerOver(pending));
    for (const [key, value] of pending) {
      if (value === undefined) this.#committed.delete(key);
      else this.#committed.set(key, value);
    }
    return result;
  }

  read<T>(run: (ledger: Ledger) => T): T {
    return run(this.#ledgerOver(new Map()));
  }

  async close(): Promise<void> {
    this.#committed.clear();
  }

  #ledgerOver(pending: Pending): Ledger {
    return {
      read: (key) => (pending.has(key) ? pending : this.#committed).get(key),
      put: (key, value) => void pending.set(key, value),
      remove: (key) => void pending.set(key, undefined),
      keys: (prefix) =>
        [...new Set([...this.#committed.keys(), ...pending.keys()])]
          .filter((key) => key.startsWith(prefix))
          .filter((key) => !pending.has(key) || pending.get(key) !== undefined)
          .sort(),
    };
  }
}
