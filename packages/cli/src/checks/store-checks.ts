/** That stores answer and can be written, and that results can. */
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { equalBytes, OnlysumError } from '@onlysum/crypto';
import type { StoreSetting } from '../configuration.js';
import type { Deployment, NamedTask } from './deployment.js';
import { previousKeys } from './key-checks.js';
import { failure, type Finding, orOk } from './finding.js';
import { existingPart } from './machine-checks.js';
import { checkPostgres, OWNER_MEND } from './postgres-checks.js';

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
  if ('postgres' in store) {
    return checkPostgres(deployment, role, store.postgres, (owner) =>
      ownerProblem(deployment, owner, tasks),
    );
  }
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
  deployment: Deployment,
  path: string,
  tasks: readonly NamedTask[],
  fail: (what: string, mend: string) => Finding[],
): Promise<Finding[]> {
  const { lmdbStore, storeOwner } = await import('@onlysum/registrar');
  try {
    const opened = lmdbStore(path, { create: false });
    try {
      // A transaction that puts nothing: the lock of writers can be had, and nothing changes.
      const problem = ownerProblem(deployment, await opened.transact(storeOwner), tasks);
      return problem === undefined ? [] : fail(problem, OWNER_MEND);
    } finally {
      await opened.close();
    }
  } catch (error) {
    if (!(error instanceof OnlysumError)) throw error;
    const mend = 'restore it from a backup, then: onlysum registrar new-incarnation';
    return [failure('stores', error.message, mend, deployment.at('registrar.store'))];
  }
}

/** @returns what is wrong with the owner of a registrar's store; undefined before its first start. */
function ownerProblem(
  deployment: Deployment,
  owner: Uint8Array | undefined,
  tasks: readonly NamedTask[],
): string | undefined {
  const [task] = tasks.filter(({ role }) => role === 'registrar');
  const keys = ownKeys(deployment, tasks);
  if (owner === undefined || task === undefined || keys === undefined) return undefined;
  if (keys.some((key) => equalBytes(key, owner))) return undefined;
  return `is the store of another registrar than ${task.path} names`;
}

/** @returns undefined if a key of before a rotation cannot be read here. */
function ownKeys(
  { configuration, terminal }: Deployment,
  tasks: readonly NamedTask[],
): readonly Uint8Array[] | undefined {
  const named = tasks.filter(({ role }) => role === 'registrar');
  const previous = previousKeys(configuration, terminal);
  return previous && [...named.map(({ task }) => task.registrarKey), ...previous];
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
