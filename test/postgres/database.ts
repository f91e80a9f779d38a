/** What a test takes of the run's PostgreSQL cluster: a schema of its own. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { inject } from 'vitest';

const host = inject('postgres');

/** False where PostgreSQL is missing: skip. */
export const hasPostgres = host !== '';

/** A connection to an empty schema, as JSON: other processes may have it too. */
export interface TestConnection {
  readonly host: string;
  readonly user: string;
  readonly database: string;
  /** Of the server: its search path is the schema. */
  readonly options: string;
}

export async function emptySchema(): Promise<TestConnection> {
  const schema = `test_${randomBytes(8).toString('hex')}`;
  await asAdministrator((client) => client.query(`create schema ${schema}`));
  return { host, user: 'postgres', database: 'postgres', options: `-c search_path=${schema}` };
}

/** The same as a URL. */
export function urlOf({ user, database, host: folder, options }: TestConnection): string {
  return `postgres://${user}@/${database}?${new URLSearchParams({ host: folder, options })}`;
}

/** Runs SQL of a test's own, with the same search path if `connection` is given. */
export async function asAdministrator<T>(
  run: (client: pg.Client) => Promise<T>,
  connection: pg.ClientConfig = { host, user: 'postgres', database: 'postgres' },
): Promise<T> {
  const client = await connected(connection);
  try {
    return await run(client);
  } finally {
    await client.end();
  }
}

const ATTEMPTS = 300;

/** The cluster may still be starting. */
async function connected(connection: pg.ClientConfig): Promise<pg.Client> {
  for (let attempt = 1; ; attempt++) {
    const client = new pg.Client(connection);
    try {
      await client.connect();
      return client;
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
      await sleep(100);
    }
  }
}
