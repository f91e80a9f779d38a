/**
 * The demo's processes: started, watched, and ended by their ids, whatever happens.
 * Knows: process ids, standard streams. Doesn't know: what a process does.
 * Invariant: after `endAll` none of them is alive.
 */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { InternalError, RoundError } from '@onlysum/crypto';

export interface Child {
  readonly name: string;
  readonly process: ChildProcess;
  /** From now on its end is no failure. */
  release(): void;
}

export interface Command {
  /** Absolute path of the `onlysum` command. */
  readonly cliPath: string;
  readonly args: readonly string[];
  readonly cwd: string;
}

/** How long a process may take to end by itself after SIGTERM. */
const GRACE_MS = 3000;
/** Of what it says on standard error, for the message if it fails. */
const TAIL_CHARACTERS = 1500;

export class Children {
  readonly #children: Child[] = [];
  readonly #onFailure: (error: Error) => void;

  /** @param onFailure - called when a process ends that should not. */
  constructor(onFailure: (error: Error) => void) {
    this.#onFailure = onFailure;
  }

  /** The `onlysum` command as a process of its own, which is to stay. */
  server(name: string, command: Command): Child {
    return this.#watch(name, run(command), () => false);
  }

  /** The `onlysum` command as a process of its own, which does one thing and ends. */
  task(name: string, command: Command): Child {
    return this.#watch(name, run(command), (code) => code === 0);
  }

  worker(name: string, module: URL): Child {
    return this.#watch(
      name,
      fork(module, { serialization: 'advanced', stdio: ['ignore', 'ignore', 'pipe', 'ipc'] }),
      () => false,
    );
  }

  /** SIGTERM to those alive, SIGKILL to those that stay. */
  async endAll(): Promise<void> {
    for (const child of this.#children) child.release();
    await Promise.all(this.#children.map((child) => end(child.process)));
  }

  #watch(name: string, started: ChildProcess, mayEnd: (code: number | null) => boolean): Child {
    let isReleased = false;
    let tail = '';
    started.stderr?.setEncoding('utf8').on('data', (text: string) => {
      tail = (tail + text).slice(-TAIL_CHARACTERS);
    });
    const failed = (why: string): void => {
      if (isReleased) return;
      const said = tail.trim() === '' ? '' : `; it said last:\n${tail.trim()}`;
      this.#onFailure(new RoundError('demo-failed', `${name} ${why}${said}`));
    };
    started.on('error', (error) => failed(`could not be started or told: ${error.message}`));
    started.once('close', (code, signal) => {
      if (!mayEnd(code)) failed(`ended early, with ${signal ?? code}`);
    });
    const child: Child = { name, process: started, release: () => (isReleased = true) };
    this.#children.push(child);
    return child;
  }
}

/**
 * The first line on its standard output, as JSON. Waits for ever: wrap it in `within`.
 *
 * @throws {RoundError} `demo-failed` if it is something else.
 */
export async function firstJson({ name, process: { stdout } }: Child): Promise<unknown> {
  if (stdout === null) throw new InternalError('internal', `${name} has no standard output`);
  const lines = createInterface({ input: stdout });
  const [line] = (await once(lines, 'line')) as [string];
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new RoundError('demo-failed', `${name} answered something else than JSON`, { cause });
  }
}

function run({ cliPath, args, cwd }: Command): ChildProcess {
  const stdio = ['ignore', 'pipe', 'pipe'] as const;
  return spawn(process.execPath, [cliPath, ...args], { cwd, stdio: [...stdio] });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const grace = new AbortController();
  const late = sleep(GRACE_MS, undefined, { signal: grace.signal }).then(
    () => child.kill('SIGKILL'),
    () => undefined,
  );
  await ended;
  grace.abort();
  await late;
}
