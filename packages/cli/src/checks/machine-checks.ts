/** The machine that the servers run on: Node, files that may be open, free disk, ports. */
import { spawnSync } from 'node:child_process';
import { existsSync, statfsSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import type { Configuration } from '../configuration.js';
import type { ServerProblem } from '../server-problem.js';
import { type Listener, listeners } from './address-checks.js';
import type { Deployment } from './deployment.js';
import { failure, type Finding, ok, orOk, warning } from './finding.js';

const LEAST_NODE = [20, 19] as const;
/** As in the coordinator's and the registrar's limits. */
const DEFAULT_CONNECTIONS = { coordinator: 10_000, registrar: 1000 } as const;
/** Refused devices that are being told so, files, threads, the registrar's connections. */
const OTHER_FILES = 512;
const MIB = 2 ** 20;
const LEAST_FREE_BYTES = 64 * MIB;
const LOW_FREE_BYTES = 1024 * MIB;

/** @param version - as in `process.versions.node`. */
export function checkNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [leastMajor, leastMinor] = LEAST_NODE;
  if (major > leastMajor || (major === leastMajor && minor >= leastMinor)) {
    return ok('node', `Node ${version}`);
  }
  const message = `Node ${version}, where ${LEAST_NODE.join('.')} or newer is needed`;
  return failure('node', message, 'install a newer Node');
}

export function checkOpenFiles({ configuration, at }: Deployment): Finding[] {
  const most = mostOpenFiles();
  if (most === undefined) return [ok('open-files', 'this system has no such limit to ask for')];
  const findings = (['coordinator', 'registrar'] as const).flatMap((role) => {
    if (Object.keys(configuration[role]).length === 0) return [];
    const connections = configuration[role].limits?.connections ?? DEFAULT_CONNECTIONS[role];
    const needed = connections + OTHER_FILES;
    if (needed <= most) return [];
    const field = `${role}.limits.connections`;
    const message = `${field}: ${connections} connections need ${needed} open files, and ${most} are allowed`;
    const mend = `raise the hard limit (ulimit -Hn, LimitNOFILE= of systemd), or write ${Math.max(1, most - OTHER_FILES)} at most`;
    return [warning('open-files', message, mend, at(field))];
  });
  return orOk(findings, 'open-files', `${most} files may be open at a time`);
}

/** Node raises its own soft limit to the hard one, and what it starts inherits that. */
function mostOpenFiles(): number | undefined {
  const { stdout } = spawnSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8', timeout: 5000 });
  const text = (stdout ?? '').trim();
  if (text === 'unlimited') return Number.POSITIVE_INFINITY;
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

export function checkDisk({ configuration, at }: Deployment): Finding[] {
  const findings = foldersOf(configuration).flatMap(({ field, path }) => {
    const { bavail, bsize } = statfsSync(existingPart(path));
    const free = bavail * bsize;
    if (free >= LOW_FREE_BYTES) return [];
    const message = `${field}: ${Math.floor(free / MIB)} MiB are free where ${path} lies`;
    const mend = 'free some space, or name a folder on another disk';
    const make = free < LEAST_FREE_BYTES ? failure : warning;
    return [make('disk', message, mend, at(field))];
  });
  return orOk(findings, 'disk', 'there is room for stores and results');
}

function foldersOf({ coordinator, registrar }: Configuration) {
  const folders: { readonly field: string; readonly path: string }[] = [];
  if (coordinator.resultsDir !== undefined) {
    folders.push({ field: 'coordinator.resultsDir', path: coordinator.resultsDir });
  }
  for (const [field, store] of [
    ['coordinator.store', coordinator.store],
    ['registrar.store', registrar.store],
  ] as const) {
    if (store !== undefined && 'lmdb' in store) folders.push({ field, path: store.lmdb });
  }
  return folders;
}

/** The folder itself may still have to be made. */
export function existingPart(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : existingPart(dirname(path));
}

/** @param isOurs - whether a server of this deployment answers there, or why that cannot be known. */
export async function checkPorts(
  { configuration, at }: Deployment,
  isOurs: (listener: Listener) => Promise<boolean | ServerProblem>,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const listener of listeners(configuration)) {
    const { field, host, port } = listener;
    const code = port === 0 ? undefined : await tryToListen(host, port);
    if (code === undefined) continue;
    const answer = code === 'EADDRINUSE' && (await isOurs(listener));
    if (answer === true) continue;
    const [what, mend] = answer === false ? [said(code), mendOf(code)] : inTheWay(answer);
    findings.push(failure('ports', `${field}: ${host}:${port}: ${what}`, mend, at(field)));
  }
  return orOk(findings, 'ports', 'each port is free, or held by the server that it is for');
}

/** A server of ours that hangs cannot be told from a stranger: nobody should end it unseen. */
function inTheWay({ problem, mend }: ServerProblem): readonly [what: string, mend: string] {
  if (mend !== undefined) return [`what listens there cannot be asked: ${problem}`, mend];
  return [
    `another program listens there, or a server that hangs: ${problem}`,
    'see which it is (ss -ltnp); restart the server, or end the other program or choose another port',
  ];
}

function tryToListen(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

const SAID: Readonly<Record<string, readonly [what: string, mend: string]>> = {
  EADDRINUSE: ['another program listens there', 'end it, or choose another port'],
  EACCES: ['listening there is not allowed', 'choose a port from 1024, or grant the right to it'],
  EADDRNOTAVAIL: ['this machine has no such address', 'name an address of this machine as host'],
  ENOTFOUND: ['the host is unknown', 'name an address of this machine as host'],
};

function said(code: string): string {
  return SAID[code]?.[0] ?? code;
}

function mendOf(code: string): string {
  return SAID[code]?.[1] ?? 'choose another host or port';
}
