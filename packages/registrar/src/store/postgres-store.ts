/**
 * A store in PostgreSQL. A transaction of ours is synchronous and PostgreSQL is not, so each process has
 * the committed ledger in memory: it locks the head row, fetches what others have put since, runs on
 * memory, writes what was put or removed under the next number, commits, and only then believes it itself.
 * A removed row stays without its value until all others should have seen it; who has not loads all anew.
 * Knows: numbers of transactions. Doesn't know: what is recorded.
 * Invariant: memory holds committed rows only, and all of them up to `#seen`.
 *
 * A standby that takes over must have every commit (`synchronous_standby_names`): without, it has to be
 * treated as a restored backup, by a new incarnation (protocol §6.5). A running process notices a server
 * that is behind what it has seen, and refuses.
 */
import { UsageError } from '@onlysum/crypto';
import type { Ledger } from '@onlysum/protocol';
import {
  type PostgresConnection,
  type PostgresDatabase,
  type PostgresOptions,
  openPostgres,
} from '@onlysum/service';
import type { Kysely, Selectable, Transaction } from 'kysely';
import { type StoreBackend, guardedStore } from './guarded-store.js';
import { type Change, CommittedLedger, LedgerOverlay } from './layered-ledger.js';
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
/** Transactions after which a removed row goes: one a millisecond for as long as others may be behind. */
const KEPT_REMOVALS = STALE_MS;

/**
 * Opens it, makes or updates its tables, and loads the ledger. 100,000 enrolments took 3 s and 0.1 GB, some
 * 300 bytes a record; then a transaction costs what its commit does, 4 ms on a slow disk.
 *
 * `read` shows what this process has committed at once, and what others have within {@link REFRESH_MS}.
 *
 * @throws {UsageError} `store-unavailable`, as does every transaction while the server cannot be reached;
 *   `store-missing` if there are no tables and none must be made.
 */
export async function postgresStore(
  connection: PostgresConnection,
  options: PostgresOptions = {},
): Promise<RegistrarStore> {
  const database = await openPostgres<RegistrarTables>(connection, registrarSchema, options);
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
        await this.#database.snapshot((db) => this.#catchUp(db, headOf(db)));
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
        for (const job of jobs) copyChanges(job.run(batch), batch);
        if (batch.changes.size > 0) await writeRows(transaction, batch.changes, this.#seen + 1);
        return batch.changes;
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

  /** Takes over what others have committed since. Nothing may change while pages are fetched. */
  async #catchUp(db: Kysely<RegistrarTables>, head: Promise<Head>): Promise<void> {
    const { seq, forgotten } = await head;
    if (seq === this.#seen) return;
    if (seq < this.#seen) throw behind(seq, this.#seen);
    const isAnew = this.#seen < forgotten;
    const fresh = new Map<string, Change>();
    let [last, key] = [isAnew ? 0 : this.#seen, ''];
    for (let fetched = FETCHED_ROWS; fetched === FETCHED_ROWS; ) {
      const rows = await rowsAfter(db, last, key);
      for (const row of rows) fresh.set(row.key, row.value ?? undefined);
      ({ seq: last, key } = rows.at(-1) ?? { seq: last, key });
      fetched = rows.length;
    }
    if (isAnew) this.#committed.clear();
    this.#committed.merge(fresh);
    this.#seen = seq;
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

function copyChanges(from: LedgerOverlay | undefined, to: LedgerOverlay): void {
  for (const [key, value] of from?.changes ?? []) to.changes.set(key, value);
}

type Head = Selectable<RegistrarTables['registrar_head']>;

function headOf(db: Kysely<RegistrarTables>, { lock = false } = {}): Promise<Head> {
  const query = db.selectFrom('registrar_head').selectAll();
  return (lock ? query.forUpdate() : query).executeTakeFirstOrThrow();
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
  changes: ReadonlyMap<string, Change>,
  seq: number,
): Promise<void> {
  const values = [...changes].map(([key, value = null]) => ({ key, value, seq }));
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
  if (values.some(({ value }) => value === null)) await forgetRemovals(transaction, seq);
}

async function forgetRemovals(
  transaction: Transaction<RegistrarTables>,
  seq: number,
): Promise<void> {
  const { last } = await transaction
    .selectFrom('registrar_ledger')
    .select((select) => select.fn.max('seq').as('last'))
    .where('value', 'is', null)
    .where('seq', '<=', seq - KEPT_REMOVALS)
    .executeTakeFirstOrThrow();
  if (last === null) return;
  await transaction
    .deleteFrom('registrar_ledger')
    .where('value', 'is', null)
    .where('seq', '<=', last)
    .execute();
  await transaction.updateTable('registrar_head').set({ forgotten: last }).execute();
}

function behind(got: number, expected: number): UsageError {
  const message =
    `store: PostgreSQL is at transaction ${got}, this registrar has seen ${expected}: ` +
    'a backup, or a standby without the last commits? Restart and begin a new incarnation';
  return new UsageError('store-unavailable', message, { field: 'store' });
}
