/**
 * A coordinator's store in memory, for tests and trials: the twin of those that keep their bytes.
 */
import { nativeSuite } from '@onlysum/crypto/node';
import type { CoordinatorStore } from './coordinator-store.js';
import {
  type ChainContext,
  EmbeddedStore,
  type KeyBounds,
  type OrderedMap,
  type OrderedMapStore,
} from './embedded-store.js';
import { guardedStore } from './guarded-store.js';

/** @param context - suite and clock of the audit chain; by default the native one, and the system's. */
export function memoryCoordinatorStore(context: Partial<ChainContext> = {}): CoordinatorStore {
  const chain = { suite: nativeSuite, now: Date.now, ...context };
  return guardedStore(new EmbeddedStore(new MemoryMapStore(), chain));
}

class MemoryMapStore implements OrderedMapStore {
  #committed: ReadonlyMap<string, unknown> = new Map();

  write<T>(run: (map: OrderedMap) => T): T {
    const draft = new Map(this.#committed);
    const result = run(mapOver(draft));
    this.#committed = draft;
    return result;
  }

  read<T>(run: (map: OrderedMap) => T): T {
    return run(mapOver(new Map(this.#committed)));
  }

  async close(): Promise<void> {
    this.#committed = new Map();
  }
}

function mapOver(records: Map<string, unknown>): OrderedMap {
  return {
    find: (key) => structuredClone(records.get(key)),
    put: (key, value) => void records.set(key, structuredClone(value)),
    remove: (key) => void records.delete(key),
    keys: (prefix, { above, below, isReverse = false }: KeyBounds = {}) => {
      const keys = [...records.keys()]
        .filter((key) => key.startsWith(prefix))
        .filter(
          (key) => (above === undefined || key > above) && (below === undefined || key < below),
        )
        .sort();
      return isReverse ? keys.reverse() : keys;
    },
  };
}
