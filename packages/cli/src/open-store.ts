/**
 * A server's store, opened as its setting says.
 * Knows: kinds of stores, the environment. Doesn't know: what is in it.
 * Invariant: the URL of a database, which may hold a password, is in no error.
 */
import type { CoordinatorStore } from '@onlysum/coordinator';
import { UsageError } from '@onlysum/crypto';
import type { RegistrarStore } from '@onlysum/registrar';
import { lmdbIsAt, type PostgresOptions } from '@onlysum/service';
import type { StoreSetting } from './configuration.js';
import type { Terminal } from './terminal.js';

export interface OpenStoreOptions {
  /** Whether a store that is not there is made. Default true. */
  readonly create?: boolean;
}

/**
 * @throws {UsageError} `store-missing`, `store-unavailable`; `setting-missing` or `config-invalid` for what
 *   an environment variable holds.
 */
export async function openRegistrarStore(
  store: StoreSetting,
  terminal: Terminal,
  options: OpenStoreOptions = {},
): Promise<RegistrarStore> {
  const { lmdbStore, postgresStore } = await import('@onlysum/registrar');
  if ('lmdb' in store) return lmdbStore(store.lmdb, options);
  return postgresStore(databaseUrl('registrar', store.postgres, terminal), options);
}

/**
 * @param options - but for `create`, of PostgreSQL alone.
 * @throws {UsageError} as {@link openRegistrarStore}.
 */
export async function openCoordinatorStore(
  store: StoreSetting,
  terminal: Terminal,
  options: PostgresOptions = {},
): Promise<CoordinatorStore> {
  const { lmdbCoordinatorStore, postgresCoordinatorStore } = await import('@onlysum/coordinator');
  if ('postgres' in store) {
    const url = databaseUrl('coordinator', store.postgres, terminal);
    return postgresCoordinatorStore(url, {}, options);
  }
  if (options.create === false && !lmdbIsAt(store.lmdb)) {
    const expected = 'the store of a coordinator that has been started once';
    throw refusal('store-missing', store.lmdb, expected, 'no store', '--store');
  }
  return lmdbCoordinatorStore(store.lmdb);
}

/** For messages. */
export function storeName(store: StoreSetting): string {
  if ('lmdb' in store) return store.lmdb;
  const { postgres } = store;
  return 'environment' in postgres ? `PostgreSQL (${postgres.environment})` : 'PostgreSQL';
}

export type Postgres = Extract<StoreSetting, { readonly postgres: unknown }>['postgres'];

/** @throws {UsageError} `setting-missing`, `config-invalid`, for an environment variable. */
export function databaseUrl(
  role: 'coordinator' | 'registrar',
  postgres: Postgres,
  { env }: Terminal,
) {
  if ('url' in postgres) return postgres.url;
  const url = env[postgres.environment] ?? '';
  if (/^postgres(ql)?:\/\/./.test(url)) return url;
  const field = `${role}.store.postgres.environment`;
  const expected = `a URL of the form postgres://… in ${postgres.environment}`;
  const [code, got] = url === '' ? ['setting-missing', 'nothing'] : ['config-invalid', 'a text'];
  throw refusal(code, field, expected, got);
}

/** @param name - in the message. */
function refusal(
  code: string,
  name: string,
  expected: string,
  got: string,
  field = name,
): UsageError {
  const message = `${name}: expected ${expected}, got ${got}`;
  return new UsageError(code, message, { field, expected, got });
}
