/** The `onlysum` command as real processes, through the shim that npm links. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';

export const SHIM = fileURLToPath(new URL('../../packages/cli/bin/onlysum.js', import.meta.url));
/** Of a command that ends by itself; a server runs for as long as its tests do. */
const COMMAND_LIMIT_MS = 50_000;
const SERVER_LIMIT_MS = 300_000;

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  readonly cwd: string;
  readonly passphrase?: string;
}

export function onlysum(args: readonly string[], options: RunOptions): Promise<Ended> {
  return new Running(args, options, COMMAND_LIMIT_MS).ended;
}

/** The one JSON value of a command that succeeds; standard output must hold nothing else. */
export async function onlysumJson<T>(args: readonly string[], options: RunOptions): Promise<T> {
  const { code, out, err } = await onlysum([...args, '--json'], options);
  expect({ args, code, err: code === 0 ? '' : err }).toEqual({ args, code: 0, err: '' });
  expect(out.indexOf('\n')).toBe(out.length - 1);
  return JSON.parse(out) as T;
}

export interface Listening {
  readonly listening: string;
  readonly publicKey: string;
  readonly registrar?: { readonly listening: string; readonly publicKey: string };
}

/** A server of the command. Invariant: ended at the latest by {@link endAll}. */
export class Running {
  static readonly all = new Set<Running>();
  readonly #child: ChildProcess;
  #out = '';
  #err = '';
  readonly ended: Promise<Ended>;

  constructor(args: readonly string[], { cwd, passphrase }: RunOptions, limitMs = SERVER_LIMIT_MS) {
    const { ONLYSUM_PASSPHRASE: _, ...env } = process.env;
    this.#child = spawn(process.execPath, [SHIM, ...args], {
      cwd,
      env: passphrase === undefined ? env : { ...env, ONLYSUM_PASSPHRASE: passphrase },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.stdout?.on('data', (chunk: Buffer) => (this.#out += chunk.toString()));
    this.#child.stderr?.on('data', (chunk: Buffer) => (this.#err += chunk.toString()));
    Running.all.add(this);
    this.ended = new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#child.kill('SIGKILL');
        reject(new Error(`onlysum ${args.join(' ')} did not end: ${this.#out}${this.#err}`));
      }, limitMs);
      this.#child.on('close', (code) => {
        clearTimeout(timer);
        Running.all.delete(this);
        resolve({ code, out: this.#out, err: this.#err });
      });
    });
    // Whoever awaits it is told; a test that has failed before then must not fail twice.
    this.ended.catch(() => undefined);
  }

  /** The JSON line that a server prints when it listens. */
  async listening(): Promise<Listening> {
    await this.#until('a line', () => this.#out.includes('\n'));
    return JSON.parse(this.#out) as Listening;
  }

  /** Waits for a text on standard error. */
  says(text: string): Promise<void> {
    return this.#until(text, () => this.#err.includes(text));
  }

  get errors(): string {
    return this.#err;
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  async #until(what: string, isSo: () => boolean): Promise<void> {
    const gone = async () => {
      const { err } = await this.ended;
      if (!isSo()) throw new Error(`it ended before ${what} came: ${err}`);
    };
    const come = new Promise<void>((resolve) => {
      const look = () => isSo() && resolve();
      this.#child.stdout?.on('data', look);
      this.#child.stderr?.on('data', look);
      look();
    });
    await Promise.race([come, gone()]);
  }
}

export async function endAll(): Promise<void> {
  const left = [...Running.all];
  for (const running of left) running.signal('SIGKILL');
  await Promise.allSettled(left.map((running) => running.ended));
}
