/**
 * A store in an lmdb directory, which several processes may have open.
 * Invariant: a commit is flushed to disk before the transaction returns.
 */
import { existsSync } from 'node:fs';
import { UsageError } from '@onlysum/crypto';
import type { Ledger, LedgerValue } from '@onlysum/protocol';
import { type LmdbDatabase, lmdbIsAt, openLmdb } from '@onlysum/service';
import { type StoreBackend, guardedStore } from './guarded-store.js';
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
  return guardedStore(new LmdbBackend(openLmdb(path)));
}

type Database = LmdbDatabase<LedgerValue>;

class LmdbBackend implements StoreBackend {
  readonly #database: Database;
  readonly #ledger: Ledger;

  constructor(database: Database) {
    this.#database = database;
    this.#ledger = {
      read: (key) => database.get(key),
      put: (key, value) => database.putSync(key, value),
      keys: (prefix) => keysFrom(database, prefix),
    };
  }

  write<T>(run: (ledger: Ledger) => T): T {
    return this.#database.transactionSync(() => run(this.#ledger));
  }

  read<T>(run: (ledger: Ledger) => T): T {
    // Otherwise a snapshot may be left from before another process's last commit.
    this.#database.resetReadTxn();
    return run(this.#ledger);
  }

  close(): Promise<void> {
    return this.#database.close();
  }
}

function* keysFrom(database: Database, prefix: string): Iterable<string> {
  for (const key of database.getKeys({ start: prefix })) {
    if (!key.startsWith(prefix)) return;
    yield key;
  }
}
