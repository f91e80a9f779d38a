/**
 * A PostgreSQL database as the stores use it: connected, migrated, with plain numbers and bytes, and
 * with errors that say who must act.
 * Knows: connections, migrations, transactions. Doesn't know: what is stored.
 * Invariant: a transaction that resolved is on the server's disk.
 */
import { InternalError, OnlysumError, UsageError } from '@onlysum/crypto';
import { Kysely, type Migration, Migrator, PostgresDialect, type Transaction, sql } from 'kysely';
import pg from 'pg';

/** A connection string, or node-postgres' own configuration (host, TLS, pool size and so on). */
export type PostgresConnection = string | pg.PoolConfig;

export interface PostgresDatabase<Tables> {
  /**
   * One transaction, `read committed`: each statement sees what was committed before it began.
   *
   * @throws whatever `run` throws of ours; {@link UsageError} `store-unavailable` if the server cannot be
   *   reached or refuses. Then it may have been committed after all, if the connection broke at the end.
   */
  transact<T>(run: (transaction: Transaction<Tables>) => Promise<T>): Promise<T>;
  /** Statements outside a transaction. @throws as `transact`. */
  query<T>(run: (db: Kysely<Tables>) => Promise<T>): Promise<T>;
  /** Statements that all see the same committed state, and change nothing. @throws as `transact`. */
  snapshot<T>(run: (db: Kysely<Tables>) => Promise<T>): Promise<T>;
  /** Waits for what is under way. */
  close(): Promise<void>;
}

export interface PostgresOptions {
  /** Whether tables that are not there are made. Default true. */
  readonly create?: boolean;
  /** Looks only: changes nothing, not even tables of an older version. Default false. */
  readonly readOnly?: boolean;
  /** Longest wait for a connection, and for a lock. Default: 10 s. */
  readonly patienceMs?: number;
}

export interface PostgresSchema {
  /** Of the store; names its table of migrations. Lower-case letters. */
  readonly name: string;
  /** By name, ascending; never changed once published. */
  readonly migrations: Readonly<Record<string, Migration>>;
}

/** Beyond it a lock's holder, or a peer that has vanished, counts as gone. */
const PATIENCE_MS = 10_000;
/** No statement of ours comes near it; kills what would hold the lock for ever. */
const STATEMENT_MS = 30_000;
const CONNECTIONS = 4;

/**
 * Connects, and brings the tables to this version. Several processes may do so at once.
 *
 * @throws {UsageError} `store-unavailable` if the server cannot be reached, refuses, or has tables of a
 *   newer version; `store-missing` if there are none and none must be made; `store-outdated` if they are of
 *   an older version and must not be changed.
 */
export async function openPostgres<Tables>(
  connection: PostgresConnection,
  schema: PostgresSchema,
  { create = true, readOnly = false, patienceMs = PATIENCE_MS }: PostgresOptions = {},
): Promise<PostgresDatabase<Tables>> {
  const pool = openPool(connection, schema.name, patienceMs);
  const db = new Kysely<Tables>({
    dialect: new PostgresDialect({
      pool,
      // A server may be set up to answer before its disk does.
      onCreateConnection: async (created) => {
        const query = sql`select set_config('synchronous_commit', 'on', false)
          where current_setting('synchronous_commit') = 'off'`.compile(db);
        await created.executeQuery(query);
        if (!readOnly) return;
        const lock = sql`set session characteristics as transaction read only`.compile(db);
        await created.executeQuery(lock);
      },
    }),
  });
  const told = async <T>(run: () => Promise<T>): Promise<T> => {
    try {
      return await run();
    } catch (error) {
      throw storeError(error);
    }
  };
  try {
    await told(() => (readOnly ? checkVersion(db, schema) : migrate(db, schema, create)));
  } catch (error) {
    await db.destroy().catch(() => undefined);
    throw error;
  }
  return {
    transact: (run) =>
      told(() => db.transaction().setIsolationLevel('read committed').execute(run)),
    query: (run) => told(() => run(db)),
    snapshot: (run) =>
      told(() =>
        db
          .transaction()
          .setIsolationLevel('repeatable read')
          .setAccessMode('read only')
          .execute(run),
      ),
    close: () => db.destroy(),
  };
}

function openPool(connection: PostgresConnection, name: string, patienceMs: number): pg.Pool {
  const given = typeof connection === 'string' ? { connectionString: connection } : connection;
  const pool = new pg.Pool({
    max: CONNECTIONS,
    connectionTimeoutMillis: patienceMs,
    idle_in_transaction_session_timeout: PATIENCE_MS,
    lock_timeout: patienceMs,
    statement_timeout: STATEMENT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: PATIENCE_MS,
    application_name: `onlysum-${name}`,
    types: { getTypeParser: plainTypeParser },
    ...given,
  });
  // A broken connection fails the query it was in, or is replaced; unheard, it would end the process.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

const BYTEA = 17;
const INT8 = 20;

/** As node-postgres parses, but int8 as a number and bytea as bytes that nobody shares. */
function plainTypeParser(oid: number, format?: 'text' | 'binary'): (value: string) => unknown {
  const usual = pg.types.getTypeParser(oid, format) as (value: string) => unknown;
  if (oid === BYTEA) return (value) => new Uint8Array(usual(value) as Buffer);
  if (oid === INT8) return safeInteger;
  return usual;
}

function safeInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new InternalError('internal', `${text} is too large`);
  return value;
}

/** One process migrates; the others wait for it. */
async function migrate<Tables>(
  db: Kysely<Tables>,
  { name, migrations }: PostgresSchema,
  create: boolean,
) {
  const schema = await presentSchema(db);
  if (!create) await requireTables(db, schema, name);
  const migrator = new Migrator({
    db,
    provider: { getMigrations: async () => ({ ...migrations }) },
    migrationTableSchema: schema,
    migrationTableName: `${name}_migration`,
    migrationLockTableName: `${name}_migration_lock`,
  });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
}

/** As the migrator would find it, without its tables and locks. */
async function checkVersion<Tables>(
  db: Kysely<Tables>,
  { name, migrations }: PostgresSchema,
): Promise<void> {
  const schema = await presentSchema(db);
  await requireTables(db, schema, name);
  const { rows } = await sql<{ name: string }>`
    select name from ${sql.id(schema, `${name}_migration`)}`.execute(db);
  const done = new Set(rows.map((row) => row.name));
  const [newer] = [...done].filter((each) => !Object.hasOwn(migrations, each));
  if (newer !== undefined) {
    const message = `store: expected tables of this version or an older one, got migration ${newer} of a newer one`;
    throw new UsageError('store-unavailable', message, { field: 'store' });
  }
  const pending = Object.keys(migrations).filter((each) => !done.has(each));
  if (pending.length === 0) return;
  const message = `store: expected tables of this version, got ones that lack ${pending.join(', ')}`;
  throw new UsageError('store-outdated', message, { field: 'store' });
}

async function requireTables<Tables>(
  db: Kysely<Tables>,
  schema: string,
  name: string,
): Promise<void> {
  if (await hasTable(db, schema, `${name}_migration`)) return;
  const message = `store: expected the tables of a ${name}, got a database without them`;
  throw new UsageError('store-missing', message, { field: 'store' });
}

async function hasTable<Tables>(db: Kysely<Tables>, schema: string, table: string) {
  const { rows } = await sql`
    select 1 from pg_tables where schemaname = ${schema} and tablename = ${table}`.execute(db);
  return rows.length > 0;
}

/** Where unqualified tables are made: the migrator must look for its own there and nowhere else. */
async function presentSchema<Tables>(db: Kysely<Tables>): Promise<string> {
  const { rows } = await sql<{ schema: string | null }>`
    select current_schema() as schema`.execute(db);
  const schema = rows[0]?.schema;
  if (schema !== undefined && schema !== null) return schema;
  throw new UsageError('store-unavailable', 'store: the search path names no schema that exists', {
    field: 'store',
  });
}

/**
 * SQLSTATE classes that pass by themselves: connection, transaction rolled back, resources, not in the
 * right state (locked, idle for too long), operator's intervention.
 * @see PostgreSQL 15, appendix A.
 */
const PASSING = /^(08|25P|40|53|55|57)/;
/** Of our own making: integrity, data, syntax. All else is the set-up: password, database, rights. */
const OURS = /^(21|22|23|42(?!501))/;
const SQLSTATE = /^[0-9A-Z]{5}$/;

/** @returns what `error` of node-postgres means to whoever opened the store. */
export function storeError(error: unknown): unknown {
  const code = codeOf(error);
  const isBug = error instanceof TypeError || error instanceof RangeError;
  if (error instanceof OnlysumError || (isBug && code === '')) return error;
  const reason = reasonOf(error);
  if (OURS.test(code)) {
    return new InternalError('internal', `store: PostgreSQL: ${reason} (${code})`, {
      cause: error,
    });
  }
  return new UsageError('store-unavailable', `store: PostgreSQL: ${reason}`, {
    field: 'store',
    retryable: !SQLSTATE.test(code) || PASSING.test(code),
    cause: error,
  });
}

function codeOf(error: unknown): string {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === 'string' ? code : '';
}

function reasonOf(error: unknown): string {
  // No address of several answered: the error itself says nothing.
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ');
  return error instanceof Error ? error.message || error.name : String(error);
}
