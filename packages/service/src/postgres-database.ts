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
  /** Waits for what is under way. */
  close(): Promise<void>;
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
 *   newer version.
 */
export async function openPostgres<Tables>(
  connection: PostgresConnection,
  schema: PostgresSchema,
): Promise<PostgresDatabase<Tables>> {
  const pool = openPool(connection, schema.name);
  const db = new Kysely<Tables>({
    dialect: new PostgresDialect({
      pool,
      // A server may be set up to answer before its disk does.
      onCreateConnection: async (created) => {
        const query = sql`select set_config('synchronous_commit', 'on', false)
          where current_setting('synchronous_commit') = 'off'`.compile(db);
        await created.executeQuery(query);
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
    await told(() => migrate(db, schema));
  } catch (error) {
    await db.destroy().catch(() => undefined);
    throw error;
  }
  return {
    transact: (run) =>
      told(() => db.transaction().setIsolationLevel('read committed').execute(run)),
    query: (run) => told(() => run(db)),
    close: () => db.destroy(),
  };
}

function openPool(connection: PostgresConnection, name: string): pg.Pool {
  const given = typeof connection === 'string' ? { connectionString: connection } : connection;
  const pool = new pg.Pool({
    max: CONNECTIONS,
    connectionTimeoutMillis: PATIENCE_MS,
    idle_in_transaction_session_timeout: PATIENCE_MS,
    lock_timeout: PATIENCE_MS,
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
async function migrate<Tables>(db: Kysely<Tables>, { name, migrations }: PostgresSchema) {
  const migrator = new Migrator({
    db,
    provider: { getMigrations: async () => ({ ...migrations }) },
    migrationTableSchema: await presentSchema(db),
    migrationTableName: `${name}_migration`,
    migrationLockTableName: `${name}_migration_lock`,
  });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
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

function storeError(error: unknown): unknown {
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
