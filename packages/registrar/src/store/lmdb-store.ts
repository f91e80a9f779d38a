/**
 * A store in an lmdb directory. Several processes may have the same one open: lmdb's writer lock lies in
 * the directory and is freed by the system when its holder dies.
 * Invariant: a commit is flushed to disk before the transaction returns.
 */
import { closeSync, existsSync, mkdirSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '@onlysum/crypto';
import type { Ledger, LedgerValue } from '@onlysum/protocol';
import { type RootDatabase, open } from 'lmdb';
import { type StoreBackend, guardedStore } from './guarded-store.js';
import type { RegistrarStore } from './registrar-store.js';

export interface LmdbStoreOptions {
  /** Whether a store that is not there is made, readable by its owner only. Default true. */
  readonly create?: boolean;
}

const DATA_FILE = 'data.mdb';

/**
 * @param path - of a directory.
 * @throws {UsageError} `store-unavailable` if it cannot be made or is no lmdb store; `store-missing` if
 *   it is not there and must not be made.
 */
export function lmdbStore(path: string, { create = true }: LmdbStoreOptions = {}): RegistrarStore {
  if (!create && !existsSync(join(path, DATA_FILE))) {
    const expected = 'the store of a registrar that has been started once';
    const got = existsSync(path) ? 'a folder without one' : 'nothing there';
    throw new UsageError('store-missing', `${path}: expected ${expected}, got ${got}`, {
      field: 'store',
      expected,
      got,
    });
  }
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
      remove: (key) => database.removeSync(key),
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
    checkMagic(join(path, DATA_FILE));
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

/** Where lmdb's first page says what it is, after a page header of 24 bytes: 0xBEEFC0DE. */
const MAGIC_AT = 24;
const MAGIC = 'dec0efbe';

/** lmdb takes the file's word for its layout, and crashes the process if it is another kind of file. */
function checkMagic(file: string): void {
  const head = Buffer.alloc(MAGIC_AT + MAGIC.length / 2);
  const length = readHead(file, head);
  // An empty file is a store that was never written to.
  if (length === 0) return;
  const magic = head.subarray(MAGIC_AT);
  if (magic.toString('hex') === MAGIC || magic.reverse().toString('hex') === MAGIC) return;
  throw new Error(`${file} is no lmdb file, or it is damaged: restore it from a backup`);
}

/** @returns how many bytes there were to read. */
function readHead(file: string, head: Uint8Array): number {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
  try {
    return readSync(descriptor, head, 0, head.length, 0);
  } finally {
    closeSync(descriptor);
  }
}

function* keysFrom(database: Database, prefix: string): Iterable<string> {
  for (const key of database.getKeys({ start: prefix })) {
    if (!key.startsWith(prefix)) return;
    yield key;
  }
}
