/**
 * A store in an lmdb directory. Several processes may have the same one open: lmdb's writer lock lies in
 * the directory and is freed by the system when its holder dies.
 * Invariant: a commit is flushed to disk before the transaction returns.
 */
import { mkdirSync } from 'node:fs';
import { UsageError } from '@onlysum/crypto';
import type { Ledger, LedgerValue } from '@onlysum/protocol';
import { type RootDatabase, open } from 'lmdb';
import { type StoreBackend, guardedStore } from './guarded-store.js';
import type { RegistrarStore } from './registrar-store.js';

/**
 * @param path - of a directory; made if it is not there, readable by its owner only.
 * @throws {UsageError} `store-unavailable` if it cannot be made or is no lmdb store.
 */
export function lmdbStore(path: string): RegistrarStore {
  return guardedStore(new LmdbBackend(openDatabase(path)));
}

type Database = RootDatabase<LedgerValue, string>;

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

function openDatabase(path: string): Database {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    const database = open<LedgerValue, string>({
      path,
      // By default a path with a dot in it would be taken for a file.
      noSubdir: false,
      // With it, transactions become visible before they are on disk.
      overlappingSync: false,
    });
    // Processes that were killed leave reader slots behind, which keep old pages from being reused.
    database.readerCheck();
    return database;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError('store-unavailable', `store: cannot open ${path}: ${reason}`, {
      field: 'store',
      cause: error,
    });
  }
}

function* keysFrom(database: Database, prefix: string): Iterable<string> {
  for (const key of database.getKeys({ start: prefix })) {
    if (!key.startsWith(prefix)) return;
    yield key;
  }
}
