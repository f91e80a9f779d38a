/**
 * A registrar's store, opened as its setting says.
 * Knows: kinds of stores, the environment. Doesn't know: what is in it.
 * Invariant: the URL of a database, which may hold a password, is in no error.
 */
import { UsageError } from '@onlysum/crypto';
import type { RegistrarStore } from '@onlysum/registrar';
import type { StoreSetting } from './configuration.js';
import type { Terminal } from './terminal.js';

export interface OpenStoreOptions {
  /** Whether a store that is not there is made. Default true. */
  readonly create?: boolean;
}

/**
 * @param line - that says which, e.g. `registrar.store`.
 * @throws {UsageError} `store-missing`, `store-unavailable`; `setting-missing` or `config-invalid` for what
 *   an environment variable holds.
 */
export async function openStore(
  line: string,
  store: StoreSetting,
  terminal: Terminal,
  options: OpenStoreOptions = {},
): Promise<RegistrarStore> {
  const { lmdbStore, postgresStore } = await import('@onlysum/registrar');
  if ('lmdb' in store) return lmdbStore(store.lmdb, options);
  return postgresStore(databaseUrl(`${line}.postgres`, store.postgres, terminal), options);
}

/** For messages. */
export function storeName(store: StoreSetting): string {
  if ('lmdb' in store) return store.lmdb;
  const { postgres } = store;
  return 'environment' in postgres ? `PostgreSQL (${postgres.environment})` : 'PostgreSQL';
}

type Postgres = Extract<StoreSetting, { readonly postgres: unknown }>['postgres'];

function databaseUrl(line: string, postgres: Postgres, { env }: Terminal): string {
  if ('url' in postgres) return postgres.url;
  const url = env[postgres.environment] ?? '';
  if (/^postgres(ql)?:\/\/./.test(url)) return url;
  const field = `${line}.environment`;
  const expected = `a URL of the form postgres://… in ${postgres.environment}`;
  const [code, got] = url === '' ? ['setting-missing', 'nothing'] : ['config-invalid', 'a text'];
  return refuse(code, field, expected, got);
}

function refuse(code: string, field: string, expected: string, got: string): never {
  const message = `${field}: expected ${expected}, got ${got}`;
  throw new UsageError(code, message, { field, expected, got });
}
