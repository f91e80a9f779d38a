/**
 * A coordinator's store in an lmdb directory: what it has unless it is told otherwise. Several processes
 * may have it open.
 * Invariant: a commit is flushed to disk before the operation resolves.
 */
import { nativeSuite } from '@onlysum/crypto/node';
import { type LmdbDatabase, openLmdb } from '@onlysum/service';
import type { CoordinatorStore } from './coordinator-store.js';
import {
  type ChainContext,
  EmbeddedStore,
  type KeyBounds,
  type OrderedMap,
} from './embedded-store.js';
import { guardedStore } from './guarded-store.js';

/**
 * @param path - of a directory; made, readable by its owner only, if it is not there.
 * @param context - suite and clock of the audit chain; by default the native one, and the system's.
 * @throws {UsageError} `store-unavailable` if it cannot be made or is no lmdb store.
 */
export function lmdbCoordinatorStore(
  path: string,
  context: Partial<ChainContext> = {},
): CoordinatorStore {
  const chain = { suite: nativeSuite, now: Date.now, ...context };
  return guardedStore(new EmbeddedStore(openLmdb(path, mapOver), chain));
}

function mapOver(database: LmdbDatabase<unknown>): OrderedMap {
  return {
    find: (key) => plain(database.get(key)),
    put: (key, value) => database.putSync(key, value),
    remove: (key) => database.removeSync(key),
    keys: (prefix, bounds) => keysBetween(database, prefix, bounds),
  };
}

/** Bytes come as a view into memory that may be used again. Only whole values are bytes. */
function plain(value: unknown): unknown {
  return value instanceof Uint8Array ? new Uint8Array(value) : value;
}

/** Above every key that begins with what stands before it. */
const LAST = '\uffff';

function* keysBetween(
  database: LmdbDatabase<unknown>,
  prefix: string,
  { above = prefix, below = `${prefix}${LAST}`, isReverse = false }: KeyBounds = {},
): Iterable<string> {
  const range = isReverse ? { start: below, end: above } : { start: above, end: below };
  for (const key of database.getKeys({ ...range, reverse: isReverse })) {
    const isInside = key > above && key < below && key.startsWith(prefix);
    // A range's first bound is in it.
    if (isInside) yield key;
  }
}
