/**
 * What the store said last of tokens that may stop a task, and of tasks: for the kill switch alone, while the
 * store does not answer.
 * Knows: the store, whether it answered last. Doesn't know: secrets, requests.
 * Invariant: while the store answers, nothing of this is used, but for the {@link REFRESH_MS} after it came back;
 * what it answered last is at most that and the patience for two questions old when it stops, and so is a
 * revocation that was missed.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isGranted, type TokenRecord } from '@onlysum/service';
import type { CoordinatorStore } from '../store/coordinator-store.js';
import type { KnownTasks } from './known-tasks.js';
import { isAway, Patience } from './patience.js';
import type { KnownTask } from './route.js';

const REFRESH_MS = 2_000;
/** For a reading. Longer than a store that answers takes. */
const READING_MS = 1_000;
/** The newest; a deployment has a handful. */
const MOST_TOKENS = 1_000;

export class LastKnown {
  readonly #store: CoordinatorStore;
  readonly #known: KnownTasks;
  readonly #now: () => number;
  #tokens: ReadonlyMap<string, TokenRecord> = new Map();
  #tasks: ReadonlyMap<string, KnownTask> = new Map();
  /** Whether the last reading got no answer. */
  #isAway = false;

  /** @param now - Unix ms. */
  constructor(store: CoordinatorStore, known: KnownTasks, now: () => number) {
    this.#store = store;
    this.#known = known;
    this.#now = now;
  }

  /** Reads it again every few seconds, one reading after the other. Never rejects. */
  async follow(until: AbortSignal): Promise<void> {
    while (!until.aborted) {
      // What was read before stands while the store does not answer.
      this.#isAway = !(await isAnswered(this.refreshTokens()));
      this.#isAway = !(await isAnswered(this.refreshTasks()));
      await sleep(REFRESH_MS, undefined, { ref: false, signal: until }).catch(() => undefined);
    }
  }

  /** @throws {UsageError} as the store does. */
  async refreshTokens(): Promise<void> {
    const tokens = await this.#store.tokens();
    const nowMs = this.#now();
    const stopping = tokens
      .filter(({ role }) => isGranted(role, 'task.kill'))
      .filter(({ revokedMs, expiresMs }) => revokedMs === undefined && nowMs < expiresMs)
      .sort((a, b) => b.createdMs - a.createdMs)
      .slice(0, MOST_TOKENS);
    this.#tokens = new Map(stopping.map((token) => [token.id, token]));
  }

  /** @throws {UsageError} as the store does, or for a manifest that does not hold. */
  async refreshTasks(): Promise<void> {
    const tasks = await this.#known.all();
    this.#tasks = new Map(tasks.map((task) => [task.record.taskId, task]));
  }

  /**
   * Both for one request. While the store is known to be away it is not waited for, unless for what is not known here.
   *
   * @returns, @throws as the store does, unless it does not answer and the token, or the task, was known.
   */
  within(patience: Patience) {
    return {
      token: (id: string) =>
        this.#answerOr(
          patience,
          () => this.#store.token(id),
          () => this.#tokens.get(id),
        ),
      task: (taskId: string) =>
        this.#answerOr(
          patience,
          () => this.#known.task(taskId),
          () => this.#tasks.get(taskId),
        ),
    };
  }

  /** @param instead - for a store that does not answer; undefined: then that is said. */
  async #answerOr<T>(
    patience: Patience,
    ask: () => Promise<T | undefined>,
    instead: () => T | undefined,
  ): Promise<T | undefined> {
    const known = this.#isAway ? instead() : undefined;
    if (known !== undefined) return known;
    try {
      return await patience.answer(ask());
    } catch (error) {
      const last = isAway(error) ? instead() : undefined;
      if (last === undefined) throw error;
      return last;
    }
  }
}

/** What fails otherwise is a bug of ours, and no store that is away. */
function isAnswered(reading: Promise<void>): Promise<boolean> {
  return new Patience(READING_MS).isDone(reading).catch(() => true);
}
