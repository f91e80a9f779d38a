/**
 * Stopping a task: no device is taken, no sum is opened, until it goes on.
 * Knows: which tasks are stopped, here and in the store. Doesn't know: rounds, sockets.
 * Invariant: a task that is stopped in the store is stopped here within a second, and from the start.
 */
import { invalidField, UsageError } from '@onlysum/crypto';
import type { CoordinatorStore, Written } from './store/coordinator-store.js';

/** Devices are told it within a message that has room for 512. */
export const MOST_REASON_CHARACTERS = 300;

export class KillSwitch {
  readonly #store: CoordinatorStore;
  readonly #onStop: (taskId: string, detail: string) => void;
  /** Why, by task. */
  readonly #stopped = new Map<string, string>();
  /** Stops that the store does not know yet. */
  readonly #unwritten = new Map<string, { readonly reason: string; readonly actor: string }>();
  /** Changes begun and ended here: what the store said in between may be older. */
  #revision = 0;
  #underWay = 0;

  /** @param onStop - ends what is under way of a task. */
  constructor(store: CoordinatorStore, onStop: (taskId: string, detail: string) => void) {
    this.#store = store;
    this.#onStop = onStop;
  }

  /** @returns what devices are told, undefined while the task is open. */
  reasonFor(taskId: string): string | undefined {
    return this.#stopped.get(taskId);
  }

  /**
   * Stops it at once, then durably. If that fails it stays stopped, and {@link refresh} tries again.
   *
   * @throws {UsageError} `argument-invalid`, `record-missing`, `store-unavailable`.
   */
  async stop(taskId: string, reason: string, actor: string): Promise<void> {
    checkReason(reason);
    this.#markStopped(taskId, reason);
    this.#unwritten.set(taskId, { reason, actor });
    await this.#writeStop(taskId, reason, actor);
  }

  /** @throws {UsageError} as {@link resumeTaskIn}: then it stays stopped. */
  async resume(taskId: string, reason: string, actor: string): Promise<void> {
    await this.#change(() => resumeTaskIn(this.#store, taskId, reason, actor));
    this.#unwritten.delete(taskId);
    this.#stopped.delete(taskId);
  }

  /** Takes over what the store says: another process may have stopped a task. */
  async refresh(): Promise<void> {
    for (const [taskId, { reason, actor }] of this.#unwritten) {
      if (this.#underWay === 0) await this.#writeStop(taskId, reason, actor);
    }
    const revision = this.#revision;
    const tasks = await this.#store.tasks();
    if (this.#underWay > 0 || this.#revision !== revision) return;
    for (const task of tasks) {
      if (task.state === 'open') this.#stopped.delete(task.taskId);
      else if (!this.#stopped.has(task.taskId)) this.#markStopped(task.taskId, task.reason);
    }
  }

  #markStopped(taskId: string, reason: string): void {
    const detail = `the operator stopped this task: ${reason}`;
    this.#stopped.set(taskId, detail);
    this.#onStop(taskId, detail);
  }

  async #writeStop(taskId: string, reason: string, actor: string): Promise<void> {
    try {
      await this.#change(() => stopTaskIn(this.#store, taskId, reason, actor));
      this.#unwritten.delete(taskId);
    } catch (error) {
      if (error instanceof UsageError && error.code === 'record-missing') {
        this.#unwritten.delete(taskId);
        this.#stopped.delete(taskId);
      }
      throw error;
    }
  }

  async #change(run: () => Promise<unknown>): Promise<void> {
    this.#underWay++;
    try {
      await run();
    } finally {
      this.#underWay--;
      this.#revision++;
    }
  }
}

/**
 * Stops a task in the store alone: a coordinator that runs on it takes it over within a second.
 *
 * @param reason - one line, which devices are told.
 * @returns `known` if it was stopped for the same reason.
 * @throws {UsageError} `argument-invalid`, `record-missing`, `store-unavailable`.
 */
export async function stopTaskIn(
  store: CoordinatorStore,
  taskId: string,
  reason: string,
  actor: string,
): Promise<Written> {
  checkReason(reason);
  const audit = { action: 'task.stopped', actor, subject: taskId, outcome: 'done' } as const;
  const details = { reason };
  return store.setTaskState(taskId, { state: 'stopped', reason }, [{ ...audit, details }]);
}

/** Lets it go on. @param reason - for the audit log. @returns, @throws as {@link stopTaskIn}. */
export async function resumeTaskIn(
  store: CoordinatorStore,
  taskId: string,
  reason: string,
  actor: string,
): Promise<Written> {
  checkReason(reason);
  const audit = { action: 'task.resumed', actor, subject: taskId, outcome: 'done' } as const;
  return store.setTaskState(taskId, { state: 'open' }, [{ ...audit, details: { reason } }]);
}

function checkReason(reason: unknown): void {
  const isText = typeof reason === 'string' && reason !== '';
  if (isText && reason.length <= MOST_REASON_CHARACTERS && !/[\p{Cc}\p{Cs}]/u.test(reason)) return;
  const expected = `one line of 1 to ${MOST_REASON_CHARACTERS} characters`;
  throw invalidField(UsageError, 'argument-invalid', 'reason', expected, reason);
}
