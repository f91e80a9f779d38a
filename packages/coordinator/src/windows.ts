/**
 * Windows in the store: opened when they begin, decided when they have ended and their last round has.
 * Knows: tasks, their windows, sums of rounds. Doesn't know: devices, sockets.
 * Invariant: a window is decided once, and only then says anything but that it is open.
 */
import { OnlysumError, toHex, UsageError } from '@onlysum/crypto';
import { checkValidity, type Task, type Window, windowAt, windowByIndex } from '@onlysum/task';
import type { Logger } from 'pino';
import { errorFields } from './log.js';
import type { RoundSum } from './published-result.js';
import { SYSTEM } from './round-ledger.js';
import { openSum } from './sealed-sums.js';
import type { ResultSealing } from './sealing.js';
import type { CoordinatorStore } from './store/coordinator-store.js';
import type { OpenedRound, RoundRecord, WindowDecision, WindowName } from './store/records.js';
import { type WindowReport, windowTotal } from './window-report.js';

export interface WindowPorts {
  readonly store: CoordinatorStore;
  readonly sealing: ResultSealing;
  /** Served, and those that were once. By hex id. */
  readonly tasks: ReadonlyMap<string, Task>;
  readonly now: () => number;
  readonly log: Logger;
  readonly isStopped: (taskId: string) => boolean;
  /** Whether rounds of it are under way, or their ends are being written. */
  readonly isBusy: (name: WindowName) => boolean;
  readonly onDecided: (report: WindowReport) => Promise<void>;
}

export const WINDOW_DECIDED = 'window.decided';
const PAGE = 100;

export class Windows {
  readonly #ports: WindowPorts;
  /** Opened by this process or one before it, and not decided. */
  readonly #undecided = new Map<string, WindowName & { readonly deadlineMs: number }>();
  /** By task: the newest. */
  readonly #opening = new Map<string, { window: number; done: Promise<void> }>();

  constructor(ports: WindowPorts) {
    this.#ports = ports;
  }

  /** Takes over what earlier processes left undecided. */
  async load(): Promise<void> {
    const { store, tasks } = this.#ports;
    for (const taskId of tasks.keys()) {
      for await (const window of pages((before) =>
        store.windows(taskId, { limit: PAGE, ...before }),
      )) {
        if (window.state === 'open') this.#undecided.set(keyOf(window), window);
      }
    }
  }

  /**
   * Before a round of it begins.
   *
   * @throws {UsageError} `task-stopped`; `window-decided` if the clock was set back; `store-unavailable`.
   */
  open(task: Task, window: Window): Promise<void> {
    const id = toHex(task.taskId);
    const known = this.#opening.get(id);
    if (known?.window === window.index) return known.done;
    const entry = { window: window.index, done: this.#open(id, window) };
    this.#opening.set(id, entry);
    entry.done.catch(() => {
      if (this.#opening.get(id) === entry) this.#opening.delete(id);
    });
    return entry.done;
  }

  /**
   * Opens what has begun and decides what is over, of a stopped task as well: what opened before the stop
   * counts. Failures are logged, and tried again.
   */
  async tick(served: readonly Task[]): Promise<void> {
    for (const task of served) {
      await this.#carefully(toHex(task.taskId), () => this.#openPresent(task));
    }
    for (const name of [...this.#undecided.values()]) {
      if (this.#ports.now() < name.deadlineMs) continue;
      if (!this.#ports.isBusy(name)) await this.#carefully(name.taskId, () => this.#decide(name));
    }
  }

  /** @returns undefined for a window that never opened. @throws {UsageError} `seal-key-unknown`, …. */
  async report(name: WindowName): Promise<WindowReport | undefined> {
    const { store, tasks } = this.#ports;
    const record = await store.window(name);
    const task = tasks.get(name.taskId);
    if (record === undefined || task === undefined) return undefined;
    const { manifest } = task;
    const head = {
      task: { name: manifest.name, version: manifest.version, taskId: name.taskId },
      window: windowByIndex(manifest, name.window),
    };
    if (record.state !== 'closed') return { ...head, state: record.state };
    const sums = await this.#sums(await this.#openedRounds(name));
    if (sums === undefined) return { ...head, state: 'deleted' };
    return { ...head, state: 'closed', ...windowTotal(task, sums) };
  }

  async #open(taskId: string, window: Window): Promise<void> {
    const name = { taskId, window: window.index, deadlineMs: window.endMs };
    await this.#ports.store.openWindow(name, [event('window.opened', name, {})]);
    this.#undecided.set(keyOf(name), name);
  }

  async #openPresent(task: Task): Promise<void> {
    const window = windowAt(task.manifest, this.#ports.now());
    if (this.#ports.isStopped(toHex(task.taskId)) || !isValid(task, window)) return;
    await this.open(task, window);
  }

  async #decide(name: WindowName): Promise<void> {
    const { store, tasks, log, onDecided } = this.#ports;
    const least = tasks.get(name.taskId)?.manifest.minSurvivors ?? Number.POSITIVE_INFINITY;
    const rounds = await this.#openedRounds(name);
    const survivors = rounds.reduce((sum, round) => sum + round.survivors, 0);
    const decision: WindowDecision = survivors >= least ? 'closed' : 'too-few';
    const audit = event(WINDOW_DECIDED, name, { decision, rounds: rounds.length });
    await store.decideWindow(name, decision, [audit]);
    this.#undecided.delete(keyOf(name));
    log.info({ ...name, decision, rounds: rounds.length }, 'window decided');
    const report = await this.report(name);
    if (report !== undefined) await onDecided(report);
  }

  async #openedRounds({ taskId, window }: WindowName): Promise<(RoundRecord & OpenedRound)[]> {
    const { store } = this.#ports;
    const opened: (RoundRecord & OpenedRound)[] = [];
    let page: readonly RoundRecord[];
    let before: RoundRecord | undefined;
    do {
      page = await store.rounds(taskId, { window, limit: PAGE, ...(before && { before }) });
      for (const round of page) if (round.state === 'opened') opened.push(round);
      before = page.at(-1);
    } while (page.length === PAGE);
    return opened.reverse();
  }

  /** @returns undefined if one of them was deleted. */
  async #sums(rounds: readonly RoundRecord[]): Promise<RoundSum[] | undefined> {
    const sums: RoundSum[] = [];
    for (const { round } of rounds) {
      const result = await this.#ports.store.result(round);
      if (result === undefined) return undefined;
      sums.push(openSum(this.#ports.sealing, result));
    }
    return sums;
  }

  async #carefully(taskId: string, run: () => Promise<void>): Promise<void> {
    try {
      await run();
    } catch (error) {
      if (error instanceof UsageError && error.code === 'task-stopped') return;
      this.#ports.log.error({ taskId, ...errorFields(error) }, 'window not recorded');
    }
  }
}

async function* pages<T extends { readonly window: number }>(
  read: (page: { before?: number }) => Promise<readonly T[]>,
): AsyncIterable<T> {
  let page = await read({});
  while (page.length > 0) {
    yield* page;
    const last = page.at(-1);
    page = page.length < PAGE || last === undefined ? [] : await read({ before: last.window });
  }
}

function isValid({ manifest }: Task, window: Window): boolean {
  try {
    checkValidity(manifest, window);
    return true;
  } catch (error) {
    if (error instanceof OnlysumError) return false;
    throw error;
  }
}

function event(
  action: string,
  { taskId, window }: WindowName,
  details: Record<string, string | number>,
) {
  const outcome = 'done' as const;
  return { action, actor: SYSTEM, subject: taskId, outcome, details: { window, ...details } };
}

function keyOf({ taskId, window }: WindowName): string {
  return `${taskId} ${window}`;
}
