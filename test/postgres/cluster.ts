/**
 * A PostgreSQL server of the tests' own: a fresh cluster in a temporary folder, reached by a Unix socket
 * in it, gone afterwards. It shares nothing with a server that the machine may run.
 */
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface Cluster {
  /** Of the socket: the `host` of a connection as user `postgres`. */
  readonly directory: string;
  /** Resolves when it has been started; it takes connections a moment later. */
  readonly started: Promise<void>;
  /** Ends the server and every connection to it; its data stay. */
  halt(): Promise<void>;
  /** Starts it again after {@link halt}. */
  resume(): Promise<void>;
  stop(): Promise<void>;
}

export interface ClusterOptions {
  /** Whether it waits for the disk. Default false: tests kill their own processes, not the machine. */
  readonly fsync?: boolean;
}

/** @returns where initdb and postgres are, the newest version; undefined without PostgreSQL. */
export function postgresBinaries(): string | undefined {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian) : [];
  const newest = versions.toSorted((a, b) => Number(b) - Number(a));
  const folders = [...newest.map((version) => join(debian, version, 'bin')), ...pathFolders()];
  return folders.find((folder) =>
    ['initdb', 'postgres'].every((name) => existsSync(join(folder, name))),
  );
}

/** @param binaries - the folder of initdb and postgres. */
export function startCluster(binaries: string, { fsync = false }: ClusterOptions = {}): Cluster {
  const directory = mkdtempSync(join(tmpdir(), 'onlysum-postgres-'));
  const owner = unprivileged();
  if (owner !== undefined) chownSync(directory, owner.uid, owner.gid);
  const data = join(directory, 'data');
  const settings = { cwd: directory, ...owner };
  let server: ChildProcess | undefined;

  async function start(): Promise<void> {
    const initdb = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C'];
    await promisify(execFile)(join(binaries, 'initdb'), [...initdb, '--no-sync'], settings);
    await launch();
  }

  async function launch(): Promise<void> {
    const options = {
      listen_addresses: '',
      unix_socket_directories: directory,
      fsync: fsync ? 'on' : 'off',
      max_connections: '200',
      log_min_messages: 'fatal',
    };
    const flags = Object.entries(options).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    server = spawn(join(binaries, 'postgres'), ['-D', data, ...flags], {
      ...settings,
      stdio: 'ignore',
    });
    await once(server, 'spawn');
  }

  async function halt(): Promise<void> {
    if (server === undefined || server.exitCode !== null) return;
    const exit = once(server, 'exit');
    // Fast shutdown: it does not wait for connections that are still open.
    server.kill('SIGINT');
    await exit;
  }

  const started = start();
  // Whoever connects says so better.
  started.catch(() => undefined);
  return {
    directory,
    started,
    halt,
    resume: launch,
    stop: async () => {
      await started.catch(() => undefined);
      await halt();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function pathFolders(): string[] {
  return (process.env['PATH'] ?? '').split(':').filter((folder) => folder !== '');
}

/** initdb and postgres refuse to run as root. */
function unprivileged(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}
