/** Files that onlysum.yaml names: that they are there, and that no others can read what is secret. */
import { type Stats, statSync } from 'node:fs';
import type { Configuration, StoreSetting } from '../configuration.js';
import type { Deployment } from './deployment.js';
import { failure, type Finding, orOk } from './finding.js';

interface NamedFile {
  readonly field: string;
  readonly path: string;
  /** A folder may be made later, by the server that uses it. */
  readonly kind: 'public' | 'private' | 'folder';
}

const OTHERS = 0o077;

export function checkFiles(deployment: Deployment): Finding[] {
  const files = namedFiles(deployment.configuration);
  const findings = files.flatMap((file) => checkFile(deployment, file));
  const message = `${files.length} named files and folders are there or can be made, the secret ones private`;
  return orOk([...findings, ...checkOwnMode(deployment)], 'files', message);
}

function namedFiles({ coordinator, registrar, device }: Configuration): NamedFile[] {
  const files: NamedFile[] = [];
  const add = (kind: NamedFile['kind'], field: string, path: string | undefined) => {
    if (path !== undefined) files.push({ kind, field, path });
  };
  add('private', 'coordinator.key', coordinator.key);
  add('folder', 'coordinator.resultsDir', coordinator.resultsDir);
  add('folder', 'coordinator.store', lmdbOf(coordinator.store));
  for (const [field, tls] of [
    ['coordinator.tls', coordinator.tls],
    ['coordinator.admin.tls', coordinator.admin?.tls],
  ] as const) {
    add('public', `${field}.certificate`, tls?.certificate);
    add('private', `${field}.key`, tls?.key);
  }
  add('private', 'registrar.key', registrar.key);
  registrar.previousKeys?.forEach((path, i) => {
    add('private', `registrar.previousKeys[${i}]`, path);
  });
  add('folder', 'registrar.store', lmdbOf(registrar.store));
  registrar.tokens?.forEach(({ keys }, i) => add('public', `registrar.tokens[${i}].keys`, keys));
  add('public', 'device.manifest', device.manifest);
  add('folder', 'device.store', device.store);
  return files;
}

function lmdbOf(store: StoreSetting | undefined): string | undefined {
  return store !== undefined && 'lmdb' in store ? store.lmdb : undefined;
}

function checkFile(deployment: Deployment, { field, path, kind }: NamedFile): Finding[] {
  const stats = statsOf(path);
  const fail = (what: string, mend: string) => [
    failure('files', `${field}: ${path} ${what}`, mend, deployment.at(field)),
  ];
  if (kind === 'folder') {
    if (stats === undefined || stats.isDirectory()) return [];
    return fail('is a file, where a folder must be', 'move it away or name a folder');
  }
  if (stats === undefined) return fail('is not there', 'name the right file, or make it');
  if (stats.isDirectory()) return fail('is a folder, where a file must be', 'name the file in it');
  if (kind === 'private' && isOpenToOthers(stats)) {
    return fail('can be read by others than its owner', `chmod 600 ${path}`);
  }
  return [];
}

/** A password may stand in onlysum.yaml itself. */
function checkOwnMode({ file, configuration, at }: Deployment): Finding[] {
  const stats = statsOf(file);
  if (stats === undefined || !isOpenToOthers(stats)) return [];
  return (['coordinator', 'registrar'] as const).flatMap((role) => {
    const { store } = configuration[role];
    if (store === undefined || !('postgres' in store) || !('url' in store.postgres)) return [];
    if (!hasPassword(store.postgres.url)) return [];
    const field = `${role}.store.postgres.url`;
    const message = `${field}: ${file} holds a password and can be read by others than its owner`;
    const mend = `chmod 600 ${file}, or name an environment variable instead`;
    return [failure('files', message, mend, at(field))];
  });
}

function hasPassword(url: string): boolean {
  return /^[^:]+:\/\/[^/@]*:[^/@]+@/.test(url);
}

// Windows has no such modes.
function isOpenToOthers({ mode }: Stats): boolean {
  return process.platform !== 'win32' && (mode & OTHERS) !== 0;
}

function statsOf(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}
