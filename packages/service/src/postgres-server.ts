/**
 * What a PostgreSQL server says of itself to whoever may connect, before any store is opened.
 * Knows: one connection, the names of stores' tables. Doesn't know: what is in them.
 * Invariant: changes nothing; no password is in what it returns or throws.
 */
import { UsageError } from '@onlysum/crypto';
import pg from 'pg';
import { storeError } from './postgres-database.js';

export interface PostgresFacts {
  /** As the server gives it, e.g. `15.14`. */
  readonly version: string;
  /** A standby, or set to read only: nothing can be written. */
  readonly isReadOnly: boolean;
  /** Whether the user may make tables where they would be made. */
  readonly mayCreate: boolean;
  /** Those of `names` that have tables there, each with whether the user may change them. */
  readonly stores: ReadonlyMap<string, { readonly mayWrite: boolean }>;
}

/** @returns user, database and server of a connection string; undefined if it is none. */
export function postgresPlace(url: string): string | undefined {
  try {
    const { user, database, host, port } = new pg.Client({ connectionString: url });
    return `${user ?? ''}@${host.startsWith('/') ? host : `${host}:${port}`}/${database ?? ''}`;
  } catch {
    return undefined;
  }
}

/**
 * Connects once, and asks.
 *
 * @param names - of stores.
 * @param patienceMs - longest wait for the connection, and for each answer.
 * @throws {UsageError} `store-unavailable`; its `cause` is the error of node-postgres.
 */
export async function askPostgres(
  url: string,
  names: readonly string[],
  patienceMs: number,
): Promise<PostgresFacts> {
  try {
    const client = new pg.Client({
      connectionString: url,
      connectionTimeoutMillis: patienceMs,
      query_timeout: patienceMs,
      application_name: 'onlysum-doctor',
    });
    // One that breaks later fails the query; unheard, it would end the process.
    client.on('error', () => undefined);
    try {
      await client.connect();
      return await facts(client, names);
    } finally {
      await client.end().catch(() => undefined);
    }
  } catch (error) {
    throw storeError(error);
  }
}

async function facts(client: pg.Client, names: readonly string[]): Promise<PostgresFacts> {
  const server = await client.query<
    Record<'version' | 'schema', string> & Record<string, boolean>
  >(`
    select current_setting('server_version') as version, current_schema() as schema,
      pg_is_in_recovery() or current_setting('default_transaction_read_only') = 'on' as read_only,
      has_schema_privilege(current_schema(), 'create') as may_create`);
  const [row] = server.rows;
  if (row?.schema === undefined || row.schema === null) {
    const message = 'store: the search path names no schema that exists';
    throw new UsageError('store-unavailable', message, { field: 'store' });
  }
  const heads = await client.query<{ name: string; may_write: boolean }>(
    `select tablename as name,
       has_table_privilege(quote_ident(schemaname) || '.' || quote_ident(tablename), 'update') as may_write
     from pg_tables where schemaname = $1 and tablename = any($2)`,
    [row.schema, names.map((name) => `${name}_head`)],
  );
  const stores = heads.rows.map(({ name, may_write }) => {
    return [name.replace(/_head$/, ''), { mayWrite: may_write }] as const;
  });
  return {
    version: row.version,
    isReadOnly: row['read_only'] === true,
    mayCreate: row['may_create'] === true,
    stores: new Map(stores),
  };
}
