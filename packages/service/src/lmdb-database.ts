/**
 * An lmdb database in a directory of its own. Several processes may have the same one open: lmdb's writer
 * lock lies in the directory and is freed by the system when its holder dies.
 * Knows: files and how lmdb must be opened. Doesn't know: what is stored.
 * Invariant: a `write` that returned is on disk; a `read` sees what every process had written before.
 */
import { closeSync, existsSync, mkdirSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '@onlysum/crypto';
import { type RootDatabase, open } from 'lmdb';

/** Records of type `V` by text. */
export type LmdbDatabase<V> = RootDatabase<V, string>;

/** Transactions over a view of the records. */
export interface LmdbTransactions<View> {
  /** Alone, over all processes; nothing is kept if `run` throws. */
  write<T>(run: (view: View) => T): T;
  /** One snapshot. */
  read<T>(run: (view: View) => T): T;
  close(): Promise<void>;
}

const DATA_FILE = 'data.mdb';

/** @param path - of a directory. */
export function lmdbIsAt(path: string): boolean {
  return existsSync(join(path, DATA_FILE));
}

/**
 * Opens it, or makes it, readable by its owner only.
 *
 * @param path - of a directory.
 * @param viewOf - what transactions work on; it is used inside them only.
 * @throws {UsageError} `store-unavailable` if it cannot be made or is no lmdb database.
 */
export function openLmdb<V, View>(
  path: string,
  viewOf: (database: LmdbDatabase<V>) => View,
): LmdbTransactions<View> {
  const database = openDatabase<V>(path);
  const view = viewOf(database);
  return {
    write: (run) => database.transactionSync(() => run(view)),
    read: (run) => {
      // Otherwise a snapshot may be left from before another process's last commit.
      database.resetReadTxn();
      return run(view);
    },
    close: () => database.close(),
  };
}

function openDatabase<V>(path: string): LmdbDatabase<V> {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    checkMagic(join(path, DATA_FILE));
    const database = open<V, string>({
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
