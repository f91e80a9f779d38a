/**
 * A store in PostgreSQL, tried as its server would: that it is reached and lets us in, and what is in it.
 * Knows: what to ask. Doesn't know: SQL. Invariant: changes nothing; the URL, which may hold a password, is
 * in no finding.
 */
import { OnlysumError, UsageError } from '@onlysum/crypto';
import { askPostgres, postgresPlace, type PostgresFacts } from '@onlysum/service';
import { databaseUrl, type Postgres } from '../open-store.js';
import type { Deployment } from './deployment.js';
import { failure, type Finding, ok, warning } from './finding.js';

type Role = 'coordinator' | 'registrar';

const PATIENCE_MS = 3000;
const FORM = 'postgres://USER@HOST:PORT/DATABASE';
export const OWNER_MEND =
  'name the store that belongs to this key, or the key that it was made with';

/** @param ownerProblem - of a registrar's store, by its key. */
export async function checkPostgres(
  deployment: Deployment,
  role: Role,
  postgres: Postgres,
  ownerProblem: (owner: Uint8Array | undefined) => string | undefined,
): Promise<Finding[]> {
  const field = `${role}.store.postgres`;
  const at = deployment.at(field);
  const fail = (message: string, mend: string) => [
    failure('stores', `${field}: ${message}`, mend, at),
  ];
  let url: string;
  try {
    url = databaseUrl(role, postgres, deployment.terminal);
  } catch (error) {
    if (!(error instanceof UsageError) || !('environment' in postgres)) throw error;
    const { environment } = postgres;
    if (error.code !== 'setting-missing') {
      return fail(`${environment} holds no URL of the form postgres://…`, `write ${FORM}`);
    }
    const message = `${field}: ${environment} is not set here`;
    return [warning('stores', message, `set ${environment} as for the server`, at)];
  }
  const place = postgresPlace(url);
  if (place === undefined) return fail('not a URL that PostgreSQL takes', `write ${FORM}`);
  try {
    const facts = await askPostgres(url, [role, otherOf(role)], PATIENCE_MS);
    const problem = factProblem(facts, role, place);
    if (problem !== undefined) return fail(...problem);
    const said = `${field}: PostgreSQL ${facts.version} lets in ${place}`;
    const found = await storeFindings(said, role, url, facts, ownerProblem, fail);
    return [...found, ...sharedFindings(facts, role, field, at)];
  } catch (error) {
    if (!(error instanceof OnlysumError)) throw error;
    return fail(...connectionProblem(error, place));
  }
}

function otherOf(role: Role): Role {
  return role === 'coordinator' ? 'registrar' : 'coordinator';
}

type Problem = readonly [message: string, mend: string];

function factProblem(
  { isReadOnly, mayCreate, stores }: PostgresFacts,
  role: Role,
  place: string,
): Problem | undefined {
  const other = otherOf(role);
  if (isReadOnly) {
    return [
      `${place} is a standby, or set to read only`,
      'name the primary, or let the user write: default_transaction_read_only = off',
    ];
  }
  const own = stores.get(role);
  if (own === undefined && stores.has(other)) {
    return [
      `${place} is the store of a ${other}, and holds none of a ${role}`,
      `name the ${role}'s database: each role has its own`,
    ];
  }
  if (own === undefined && !mayCreate) {
    return [`this user may make no tables in ${place}`, 'grant create on schema … to this user'];
  }
  if (own?.mayWrite === false) {
    const mend = 'let the server use the user that made the tables, or grant it the same rights';
    return [`this user may not write the ${role}'s tables in ${place}`, mend];
  }
  return undefined;
}

/** The tables, as the server's own code takes them. */
async function storeFindings(
  said: string,
  role: Role,
  url: string,
  { stores }: PostgresFacts,
  ownerProblem: (owner: Uint8Array | undefined) => string | undefined,
  fail: (message: string, mend: string) => Finding[],
): Promise<Finding[]> {
  if (!stores.has(role)) {
    return [ok('stores', `${said}; the ${role} makes its tables when it first starts`)];
  }
  try {
    const problem = ownerProblem(await openForLooking(role, url));
    if (problem !== undefined) return fail(problem, OWNER_MEND);
    return [ok('stores', `${said}; its tables are of this version`)];
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    if (error.code === 'store-outdated') {
      return [
        ok('stores', `${said}; the ${role} brings its older tables up to date when it starts`),
      ];
    }
    return fail(
      error.message,
      'run the version that made these tables, or restore them from a backup',
    );
  }
}

/** @returns the registrar's key, if it is its store. @throws {UsageError} as `openPostgres`. */
async function openForLooking(role: Role, url: string): Promise<Uint8Array | undefined> {
  const options = { create: false, readOnly: true, patienceMs: PATIENCE_MS };
  if (role === 'coordinator') {
    const { postgresCoordinatorStore } = await import('@onlysum/coordinator');
    await (await postgresCoordinatorStore(url, {}, options)).close();
    return undefined;
  }
  const { postgresStore, storeOwner } = await import('@onlysum/registrar');
  const store = await postgresStore(url, options);
  try {
    return store.read(storeOwner);
  } finally {
    await store.close();
  }
}

function sharedFindings(facts: PostgresFacts, role: Role, field: string, at: string): Finding[] {
  const other = otherOf(role);
  if (!facts.stores.has(other)) return [];
  const message = `${field}: the database holds the store of a ${other} as well: whoever has it can be both`;
  return [warning('stores', message, 'give each role a database and a user of its own', at)];
}

/**
 * SQLSTATE of what sets connections up.
 *
 * @see PostgreSQL 15, appendix A.
 */
const REFUSED: Readonly<Record<string, readonly [what: string, mend: string]>> = {
  '28000': ['does not let in', 'mend pg_hba.conf, or name another user'],
  '28P01': ['does not take the password of', 'correct the password in the URL'],
  '3D000': ['has no such database', 'make it, or name another: createdb DATABASE'],
  '42501': ['gives too few rights to', 'grant the user connect, and usage of its schema'],
};

function connectionProblem({ message, cause }: OnlysumError, place: string): Problem {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const refused = REFUSED[code];
  const reason = message.replace(/^store: (PostgreSQL: )?/, '');
  if (refused !== undefined) return [`PostgreSQL ${refused[0]} ${place}: ${reason}`, refused[1]];
  // A system's code such as EPIPE is no SQLSTATE.
  if (/^[0-9A-DF-Z][0-9A-Z]{4}$/.test(code)) {
    return [
      `PostgreSQL refuses ${place}: ${reason} (${code})`,
      'mend what it says; its log says more',
    ];
  }
  const mend = 'start the database, or name another host, port or socket folder';
  return [`${place} does not answer: ${reason}`, mend];
}
