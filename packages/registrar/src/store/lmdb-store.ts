/**
 * A store in an lmdb directory, which several processes may have open.
 * Invariant: a commit is flushed to disk before the transaction returns.
 */
import { existsSync } from 'node:fs';
import { UsageError } from '@onlysum/crypto';
import type { Ledger, LedgerValue } from '@onlysum/protocol';
import { type LmdbDatabase, lmdbIsAt, openLmdb } from '@onlysum/service';
import { guardedStore } from './guarded-store.js';
import type { RegistrarStore } from './registrar-store.js';

export interface LmdbStoreOptions {
  /** Whether a store that is not there is made, readable by its owner only. Default true. */
  readonly create?: boolean;
}

/**
 * @param path - of a directory.
 * @throws {UsageError} `store-unavailable` if it cannot be made or is no lmdb store; `store-missing` if
 *   it is not there and must not be made.
 */
export function lmdbStore(path: string, { create = true }: LmdbStoreOptions = {}): RegistrarStore {
  if (!create && !lmdbIsAt(path)) {
    const expected = 'the store of a registrar that has been started once';
    const got = existsSync(path) ? 'a folder without one' : 'nothing there';
    throw new UsageError('store-missing', `${path}: expected ${expected}, got ${got}`, {
      field: 'store',
      expected,
      got,
    });
  }
  return guardedStore(openLmdb(path, ledgerOver));
}

function ledgerOver(database: LmdbDatabase<LedgerValue>): Ledger {
  return {
    read: (key) => database.get(key),
    put: (key, value) => database.putSync(key, value),
    remove: (key) => database.removeSync(key),
    keys: (prefix) => keysFrom(database, prefix),
  };
}

function* keysFrom(database: LmdbDatabase<LedgerValue>, prefix: string): Iterable<string> {
  for (const key of database.getKeys({ start: prefix })) {
    if (!key.startsWith(prefix)) return;
    yield key;
  }
}
