/** A server as a process of its own, killed and started again on the same port and the same store. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const START_MS = 30_000;

export class Server {
  readonly #script: string;
  readonly #options: object;
  readonly #listens: string;
  readonly #onLine: (line: string) => void;
  #child: ChildProcess | undefined;
  #watchers = new Set<(line: string) => void>();

  /** @param listens - what is in the line of its log by which it takes connections. */
  constructor(
    script: string,
    options: object,
    listens: string,
    onLine: (line: string) => void = () => {},
  ) {
    this.#script = fileURLToPath(new URL(script, import.meta.url));
    this.#options = options;
    this.#listens = listens;
    this.#onLine = onLine;
  }

  async start(): Promise<void> {
    const child = spawn(process.execPath, [this.#script, JSON.stringify(this.#options)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#child = child;
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.#onLine(line);
      for (const watch of this.#watchers) watch(line);
    });
    if (!(await this.says(this.#listens, START_MS))) throw new Error(`${this.#script}: no start`);
  }

  /** @returns whether a line with this text came within so much time. */
  says(text: string, withinMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (isSaid: boolean) => {
        clearTimeout(timer);
        this.#watchers.delete(watch);
        resolve(isSaid);
      };
      const watch = (line: string) => line.includes(text) && end(true);
      const timer = setTimeout(() => end(false), withinMs);
      this.#watchers.add(watch);
    });
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const closed = once(child, 'close');
    child.kill('SIGKILL');
    await closed;
  }
}
