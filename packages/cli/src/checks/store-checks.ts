/** That stores answer and can be written, and that results can. */
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { equalBytes, OnlysumError } from '@onlysum/crypto';
import type { StoreSetting } from '../configuration.js';
import type { Deployment, NamedTask } from './deployment.js';
import { failure, type Finding, ok, orOk, warning } from './finding.js';
import { existingPart } from './machine-checks.js';

const CONNECT_MS = 3000;
const POSTGRES_PORT = 5432;

export async function checkStores(
  deployment: Deployment,
  tasks: readonly NamedTask[],
): Promise<Finding[]> {
  const { coordinator, registrar } = deployment.configuration;
  const findings = [
    ...(registrar.store === undefined
      ? []
      : await checkStore(deployment, 'registrar', registrar.store, tasks)),
    ...(coordinator.store === undefined
      ? []
      : await checkStore(deployment, 'coordinator', coordinator.store, tasks)),
  ];
  const { resultsDir } = coordinator;
  if (resultsDir !== undefined && !canBeWritten(resultsDir)) {
    const message = `coordinator.resultsDir: ${resultsDir} cannot be written by this user`;
    const mend = `give it to the coordinator's user: chown -R USER ${resultsDir}`;
    findings.push(failure('stores', message, mend, deployment.at('coordinator.resultsDir')));
  }
  return orOk(findings, 'stores', 'stores and results can be written');
}

async function checkStore(
  deployment: Deployment,
  role: NamedTask['role'],
  store: StoreSetting,
  tasks: readonly NamedTask[],
): Promise<Finding[]> {
  const field = `${role}.store`;
  if ('postgres' in store) return [await checkPostgres(deployment, field, store.postgres)];
  const fail = (what: string, mend: string) => [
    failure('stores', `${field}: ${store.lmdb} ${what}`, mend, deployment.at(field)),
  ];
  if (!canBeWritten(store.lmdb)) {
    const mend = `give it to the server's user: chown -R USER ${store.lmdb}`;
    return fail('cannot be written by this user', mend);
  }
  if (role !== 'registrar' || !existsSync(join(store.lmdb, 'data.mdb'))) return [];
  return checkRegistrarStore(deployment, store.lmdb, tasks, fail);
}

async function checkRegistrarStore(
  { at }: Deployment,
  path: string,
  tasks: readonly NamedTask[],
  fail: (what: string, mend: string) => Finding[],
): Promise<Finding[]> {
  const { lmdbStore, storeOwner } = await import('@onlysum/registrar');
  try {
    const opened = lmdbStore(path, { create: false });
    try {
      // A transaction that puts nothing: the lock of writers can be had, and nothing changes.
      const owner = await opened.transact(storeOwner);
      const stranger = tasks.find(
        ({ role, task }) =>
          role === 'registrar' && owner !== undefined && !equalBytes(owner, task.registrarKey),
      );
      if (stranger === undefined) return [];
      const mend = 'name the store that belongs to this key, or the key that it was made with';
      return fail(`is the store of another registrar than ${stranger.path} names`, mend);
    } finally {
      await opened.close();
    }
  } catch (error) {
    if (!(error instanceof OnlysumError)) throw error;
    const mend = 'restore it from a backup, then: onlysum registrar new-incarnation';
    return [failure('stores', error.message, mend, at('registrar.store'))];
  }
}

/** That something listens; what it is, and whether it lets us in, its server will find out. */
async function checkPostgres(
  { terminal, at }: Deployment,
  field: string,
  postgres: { readonly url: string } | { readonly environment: string },
): Promise<Finding> {
  const place = at(`${field}.postgres`);
  const text = 'url' in postgres ? postgres.url : (terminal.env[postgres.environment] ?? '');
  if (text === '' && 'environment' in postgres) {
    const message = `${field}.postgres: ${postgres.environment} is not set here`;
    return warning('stores', message, `set ${postgres.environment} as for the server`, place);
  }
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.hostname === '') {
    const mend = 'write postgres://USER@HOST:PORT/DATABASE';
    return failure('stores', `${field}.postgres: not a URL with a host`, mend, place);
  }
  const port = Number(url.port || POSTGRES_PORT);
  const code = await tryToConnect(url.hostname, port);
  if (code === undefined) return ok('stores', `${field}: ${url.hostname}:${port} answers`);
  const message = `${field}: ${url.hostname}:${port} does not answer: ${code}`;
  return failure('stores', message, 'start the database, or name another host and port', place);
}

function tryToConnect(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: CONNECT_MS });
    const end = (code: string | undefined) => {
      socket.destroy();
      resolve(code);
    };
    socket.once('connect', () => end(undefined));
    socket.once('timeout', () => end(`no answer within ${CONNECT_MS} ms`));
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
  });
}

/** The folder, and what is in it if it is a store; or the folder in which it would be made. */
function canBeWritten(path: string): boolean {
  const present = existingPart(path);
  const files = ['data.mdb', 'lock.mdb'].map((name) => join(path, name)).filter(existsSync);
  try {
    if (!statSync(present).isDirectory()) return false;
    for (const each of [present, ...files]) accessSync(each, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
