/**
 * What the store said last of tokens that may stop a task, and of tasks: for the kill switch alone, while the
 * store does not answer.
 * Knows: the store, how long to wait for it. Doesn't know: secrets, requests.
 * Invariant: while the store answers, nothing of this is used; what it answered last is at most
 * {@link REFRESH_MS} and the patience for two questions old when it stops, and so is a revocation that was missed.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { UsageError } from '@onlysum/crypto';
import { isGranted, type TokenRecord } from '@onlysum/service';
import type { CoordinatorStore } from '../store/coordinator-store.js';
import { answerWithin } from '../store-patience.js';
import type { KnownTasks } from './known-tasks.js';
import type { KnownTask } from './route.js';

const REFRESH_MS = 2_000;
/** Longer than a store that answers takes. */
const PATIENCE_MS = 1_000;
/** The newest; a deployment has a handful. */
const MOST_TOKENS = 1_000;

export class LastKnown {
  readonly #store: CoordinatorStore;
  readonly #known: KnownTasks;
  readonly #now: () => number;
  #tokens: ReadonlyMap<string, TokenRecord> = new Map();
  #tasks: ReadonlyMap<string, KnownTask> = new Map();

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
      await isDone(this.refreshTokens()).catch(() => undefined);
      await isDone(this.refreshTasks()).catch(() => undefined);
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

  /** @returns, @throws as the store does, unless it does not answer and the token was known. */
  token(id: string): Promise<TokenRecord | undefined> {
    return answerOr(this.#store.token(id), () => this.#tokens.get(id));
  }

  /** The same for a task. */
  task(taskId: string): Promise<KnownTask | undefined> {
    return answerOr(this.#known.task(taskId), () => this.#tasks.get(taskId));
  }
}

/**
 * Whether what was asked of the store is done; false if the store does not answer.
 *
 * @throws what it rejects with otherwise.
 */
export function isDone(asked: Promise<unknown>): Promise<boolean> {
  return answerOr(
    asked.then(() => true),
    () => false,
  );
}

/** @param instead - for a store that does not answer; undefined: then that is said. */
async function answerOr<T>(asked: Promise<T>, instead: () => T | undefined): Promise<T> {
  try {
    return await answerWithin(PATIENCE_MS, asked);
  } catch (error) {
    const isAway = error instanceof UsageError && error.code === 'store-unavailable';
    const known = isAway ? instead() : undefined;
    if (known === undefined) throw error;
    return known;
  }
}
