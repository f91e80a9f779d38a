/**
 * A recorded round played to a server over real sockets, from other processes, so that what the server
 * reports is its own cost and no device's.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { FromDevices, FromServer, ServerCost } from './messages.js';
import { readService } from './recorded-files.js';

/** `coordinator`: as shipped; `bare`: ws with the same bytes and signature checks. */
export type Server = 'coordinator' | 'bare';

const DEVICE_PROCESSES = 2;
/** A replay that takes longer is stuck. */
const MOST_MS = 600_000;

/**
 * Plays a recording to server processes in turn, round by round, so that what one machine does to one of
 * them it does to the other.
 *
 * @param folder - of the recording.
 * @param rounds - how often each server gets it; the first ones also compile code.
 * @returns by server: the cost of each round.
 * @throws {Error} if any process fails, or a sum is another one than was recorded.
 */
export async function replayRounds<S extends Server>(
  folder: string,
  servers: readonly S[],
  rounds: number,
): Promise<Record<S, ServerCost[]>> {
  const children: ChildProcess[] = [];
  const start = async (name: string, ...args: string[]): Promise<ChildProcess> => {
    const child = fork(await builtProcess(name), [folder, ...args], { execArgv: [] });
    // Every wait listens for its end.
    child.setMaxListeners(0);
    children.push(child);
    return child;
  };
  try {
    const { devices } = readService(folder).result;
    const bound = (at: number): string => String(Math.round((at * devices) / DEVICE_PROCESSES));
    const parts = [];
    for (let part = 0; part < DEVICE_PROCESSES; part++) {
      parts.push(await start('device', bound(part), bound(part + 1)));
    }
    const serving = [];
    for (const name of servers) {
      const child = await start(name);
      const { url } = await next<FromServer, 'listening'>(child, 'listening');
      serving.push({ name, child, url, costs: new Array<ServerCost>() });
    }
    for (let round = 0; round < rounds; round++) {
      for (const { url, child, costs } of serving) costs.push(await playOne(url, child, parts));
    }
    const byName = serving.map(({ name, costs }) => [name, costs] as const);
    return Object.fromEntries(byName) as Record<S, ServerCost[]>;
  } finally {
    for (const child of children) child.kill();
  }
}

async function playOne(
  url: string,
  serving: ChildProcess,
  parts: readonly ChildProcess[],
): Promise<ServerCost> {
  // One after the other: the roster stands in the order in which devices come.
  for (const part of parts) {
    part.send({ kind: 'connect', url });
    await next<FromDevices, 'connected'>(part, 'connected');
  }
  const finished = next<FromServer, 'finished'>(serving, 'finished');
  const done = parts.map((part) => next<FromDevices, 'done'>(part, 'done'));
  serving.send({ kind: 'go' });
  for (const part of parts) part.send({ kind: 'go' });
  const [{ kind: _, ...cost }] = await Promise.all([finished, ...done]);
  return cost;
}

/**
 * Built, so that a process holds and compiles what a shipped one does and no TypeScript loader beside it.
 *
 * @returns the file, in a folder from which packages are found.
 */
async function builtProcess(name: string): Promise<string> {
  const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
  const outfile = path(`../../node_modules/.cache/onlysum-bench/${name}-process.mjs`);
  await build({
    entryPoints: [path(`./${name}-process.ts`)],
    outfile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
  });
  return outfile;
}

type Message = FromServer | FromDevices;

/** @returns the next message of this kind. */
async function next<M extends Message, K extends M['kind']>(
  child: ChildProcess,
  kind: K,
): Promise<Extract<M, { kind: K }>> {
  const signal = AbortSignal.timeout(MOST_MS);
  const ended = once(child, 'exit', { signal }).then(([code]): never => {
    throw new Error(`a process of the replay ended with ${String(code)}`);
  });
  const said = async (): Promise<Extract<M, { kind: K }>> => {
    for (;;) {
      const [message] = (await once(child, 'message', { signal })) as [M];
      if (message.kind === 'failed') throw new Error(message.detail);
      if (message.kind === kind) return message as Extract<M, { kind: K }>;
    }
  };
  return await Promise.race([said(), ended]);
}
