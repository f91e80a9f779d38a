/**
 * A recorded round played to a server over real sockets, from other processes, so that what the server
 * reports is its own cost and no device's.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { FromDevices, FromServer, ServerCost } from './messages.js';
import { readService } from './recorded-files.js';

/** `coordinator`: as shipped; `bare`: ws with the same bytes and signature checks. */
export type Server = 'coordinator' | 'bare';

const DEVICE_PROCESSES = 2;
/** A replay that takes longer is stuck. */
const MOST_MS = 600_000;

/**
 * @param folder - of the recording.
 * @param rounds - how often it is played to the same server process, one after another.
 * @returns the cost of each; the first one also compiles code.
 * @throws {Error} if any process fails, or a sum is another one than was recorded.
 */
export async function replayRounds(
  folder: string,
  server: Server,
  rounds: number,
): Promise<ServerCost[]> {
  const children: ChildProcess[] = [];
  const start = (name: string, ...args: string[]): ChildProcess => {
    const file = fileURLToPath(new URL(`./${name}-process.ts`, import.meta.url));
    const child = fork(file, [folder, ...args], {
      execArgv: ['--import', 'tsx'],
    });
    children.push(child);
    return child;
  };
  try {
    const { devices } = readService(folder).result;
    const parts = Array.from({ length: DEVICE_PROCESSES }, (_, part) => {
      const bound = (at: number): string => String(Math.round((at * devices) / DEVICE_PROCESSES));
      return start('device', bound(part), bound(part + 1));
    });
    const serving = start(server);
    const { url } = await next<FromServer, 'listening'>(serving, 'listening');
    const costs: ServerCost[] = [];
    for (let round = 0; round < rounds; round++) costs.push(await playOne(url, serving, parts));
    return costs;
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
