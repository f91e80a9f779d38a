/**
 * A store in PostgreSQL. A transaction of ours is synchronous and PostgreSQL is not, so each process has
 * the committed ledger in memory: it locks the head row, fetches what others have put since, runs on
 * memory, writes what was put under the next number, commits, and only then believes it itself.
 * Knows: numbers of transactions. Doesn't know: what is recorded.
 * Invariant: memory holds committed rows only, and all of them up to `#seen`.
 *
 * A standby that takes over must have every commit (`synchronous_standby_names`): without, it has to be
 * treated as a restored backup, by a new incarnation (protocol §6.5). A running process notices a server
 * that is behind what it has seen, and refuses.
 */
import { UsageError } from '@onlysum/crypto';
import type { Ledger } from '@onlysum/protocol';
import { type PostgresConnection, type PostgresDatabase, openPostgres } from '@onlysum/service';
import type { Kysely, Transaction } from 'kysely';
import { type StoreBackend, guardedStore } from './guarded-store.js';
import { CommittedLedger, type Encoded, LedgerOverlay } from './layered-ledger.js';
import { type RegistrarTables, registrarSchema } from './postgres-schema.js';
import type { RegistrarStore } from './registrar-store.js';

/** How old a read may be with respect to what other processes have committed. */
const REFRESH_MS = 1_000;
/** A read says so when nothing could be fetched for as long. */
const STALE_MS = 5_000;
/** Transactions that wait for each other anyway share one commit, and the disk's answer. */
const SHARED_COMMIT = 100;
/** Rows a statement: below PostgreSQL's 65,535 parameters. */
const WRITTEN_ROWS = 5_000;
const FETCHED_ROWS = 10_000;

/**
 * Opens it, makes or updates its tables, and loads the ledger. 100,000 enrolments took 3 s and 0.1 GB, some
 * 300 bytes a record; then a transaction costs what its commit does, 4 ms on a slow disk.
 *
 * `read` shows what this process has committed at once, and what others have within {@link REFRESH_MS}.
 *
 * @throws {UsageError} `store-unavailable`, as does every transaction while the server cannot be reached.
 */
export async function postgresStore(connection: PostgresConnection): Promise<RegistrarStore> {
  const database = await openPostgres<RegistrarTables>(connection, registrarSchema);
  const backend = new PostgresBackend(database);
  try {
    await backend.refresh();
  } catch (error) {
    await database.close();
    throw error;
  }
  backend.keepFresh();
  return guardedStore(backend);
}

interface Job {
  /** Runs over the layer; what it put is in the overlay unless it threw. */
  readonly run: (below: LedgerOverlay) => LedgerOverlay | undefined;
  /** Tells the caller what `run` gave or threw. */
  readonly settle: () => void;
  readonly fail: (error: unknown) => void;
}

class PostgresBackend implements StoreBackend {
  readonly #database: PostgresDatabase<RegistrarTables>;
  readonly #committed = new CommittedLedger();
  /** Of the last transaction whose rows are in memory. */
  #seen = 0;
  readonly #jobs: Job[] = [];
  /** What touches memory runs one after the other: transactions, and the fetching of others' rows. */
  #last: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #failing: { readonly sinceMs: number; readonly error: unknown } | undefined;
  #isClosing = false;

  constructor(database: PostgresDatabase<RegistrarTables>) {
    this.#database = database;
  }

  write<T>(run: (ledger: Ledger) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#jobs.push(makeJob(run, resolve, reject));
      void this.#alone(() => this.#commitJobs(this.#jobs.splice(0, SHARED_COMMIT)));
    });
  }

  read<T>(run: (ledger: Ledger) => T): T {
    const failing = this.#failing;
    if (failing !== undefined && performance.now() - failing.sinceMs > STALE_MS) {
      throw failing.error;
    }
    return run(new LedgerOverlay(this.#committed));
  }

  refresh(): Promise<void> {
    return this.#alone(async () => {
      try {
        await this.#database.query((db) => this.#catchUp(db, headOf(db)));
        this.#failing = undefined;
      } catch (error) {
        this.#failing ??= { sinceMs: performance.now(), error };
        throw error;
      }
    });
  }

  keepFresh(): void {
    if (this.#isClosing) return;
    this.#timer = setTimeout(() => {
      const again = () => this.keepFresh();
      this.refresh().then(again, again);
    }, REFRESH_MS);
    this.#timer.unref();
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    clearTimeout(this.#timer);
    await this.#alone(() => this.#database.close());
    this.#committed.clear();
  }

  #alone<T>(run: () => Promise<T>): Promise<T> {
    const result = this.#last.then(run);
    this.#last = result.catch(() => undefined);
    return result;
  }

  async #commitJobs(jobs: readonly Job[]): Promise<void> {
    if (jobs.length === 0) return;
    try {
      const written = await this.#database.transact(async (transaction) => {
        // Held until the commit, so numbers become visible in their order.
        const head = headOf(transaction, { lock: true });
        await this.#catchUp(transaction, head);
        const batch = new LedgerOverlay(this.#committed);
        for (const job of jobs) copyRows(job.run(batch), batch);
        if (batch.rows.size > 0) await writeRows(transaction, batch.rows, this.#seen + 1);
        return batch.rows;
      });
      if (written.size > 0) {
        this.#committed.merge(written);
        this.#seen++;
      }
      for (const job of jobs) job.settle();
    } catch (error) {
      // If it was committed after all, the next one fetches it like another process's.
      for (const job of jobs) job.fail(error);
    }
  }

  /** Takes over what others have committed since. */
  async #catchUp(db: Kysely<RegistrarTables>, head: Promise<number>): Promise<void> {
    const seq = await head;
    if (seq === this.#seen) return;
    if (seq < this.#seen) throw behind(seq, this.#seen);
    const fresh = new Map<string, Encoded>();
    let [last, key] = [this.#seen, ''];
    // A row that is put again while pages are fetched moves to a page that is still to come.
    for (let fetched = FETCHED_ROWS; fetched === FETCHED_ROWS; ) {
      const rows = await rowsAfter(db, last, key);
      for (const row of rows) fresh.set(row.key, Buffer.from(row.value));
      ({ seq: last, key } = rows.at(-1) ?? { seq: last, key });
      fetched = rows.length;
    }
    this.#committed.merge(fresh);
    this.#seen = Math.max(this.#seen, last);
  }
}

function makeJob<T>(
  run: (ledger: Ledger) => T,
  resolve: (value: T) => void,
  reject: (error: unknown) => void,
): Job {
  let settle: () => void = () => undefined;
  return {
    run: (below) => {
      const overlay = new LedgerOverlay(below);
      try {
        const result = run(overlay);
        settle = () => resolve(result);
        return overlay;
      } catch (error) {
        settle = () => reject(error);
        return undefined;
      }
    },
    settle: () => settle(),
    fail: reject,
  };
}

function copyRows(from: LedgerOverlay | undefined, to: LedgerOverlay): void {
  for (const [key, value] of from?.rows ?? []) to.rows.set(key, value);
}

async function headOf(db: Kysely<RegistrarTables>, { lock = false } = {}): Promise<number> {
  const query = db.selectFrom('registrar_head').select('seq');
  const { seq } = await (lock ? query.forUpdate() : query).executeTakeFirstOrThrow();
  return seq;
}

function rowsAfter(db: Kysely<RegistrarTables>, seq: number, key: string) {
  return db
    .selectFrom('registrar_ledger')
    .selectAll()
    .where((where) => where.eb(where.refTuple('seq', 'key'), '>', where.tuple(seq, key)))
    .orderBy('seq')
    .orderBy('key')
    .limit(FETCHED_ROWS)
    .execute();
}

async function writeRows(
  transaction: Transaction<RegistrarTables>,
  rows: ReadonlyMap<string, Encoded>,
  seq: number,
): Promise<void> {
  const values = [...rows].map(([key, value]) => ({ key, value, seq }));
  for (let i = 0; i < values.length; i += WRITTEN_ROWS) {
    await transaction
      .insertInto('registrar_ledger')
      .values(values.slice(i, i + WRITTEN_ROWS))
      .onConflict((conflict) =>
        conflict.column('key').doUpdateSet((set) => ({
          value: set.ref('excluded.value'),
          seq: set.ref('excluded.seq'),
        })),
      )
      .execute();
  }
  await transaction.updateTable('registrar_head').set({ seq }).execute();
}

function behind(got: number, expected: number): UsageError {
  const message =
    `store: PostgreSQL is at transaction ${got}, this registrar has seen ${expected}: ` +
    'a backup, or a standby without the last commits? Restart and begin a new incarnation';
  return new UsageError('store-unavailable', message, { field: 'store' });
}
