/**
 * API tokens in the store: made, listed, revoked, by whoever may: the API and the command line.
 * Knows: records, the audit log. Doesn't know: requests.
 * Invariant: the token itself is returned once, and is nowhere else.
 */
import { invalidField, type Rng, type Suite, UsageError } from '@onlysum/crypto';
import { makeToken, type TokenRecord } from '@onlysum/service';
import { ROLES, type Role } from '@onlysum/task';
import type { CoordinatorStore } from '../store/coordinator-store.js';

/** What may be told of a token. */
export type TokenView = Omit<TokenRecord, 'hash'>;

export interface NewToken {
  readonly name: string;
  readonly role: Role;
  /** Names of tasks. */
  readonly tasks: 'all' | readonly string[];
  /** 1…{@link MOST_TOKEN_DAYS}. */
  readonly days: number;
}

export interface TokenContext {
  readonly store: CoordinatorStore;
  readonly suite: Suite;
  readonly rng: Rng;
  readonly nowMs: number;
  /** For the audit log: a token's id, or what makes it otherwise. */
  readonly actor: string;
}

export const MOST_TOKEN_DAYS = 366;
export const MOST_TOKEN_TASKS = 100;
const DAY_MS = 24 * 3_600_000;

/** @throws {UsageError} `argument-invalid`, also for a task that the coordinator never served. */
export async function createToken(
  { store, suite, rng, nowMs, actor }: TokenContext,
  { name, role, tasks, days }: NewToken,
): Promise<{ readonly token: string; readonly view: TokenView }> {
  if (typeof name !== 'string' || !/^[^\p{Cc}\p{Cs}]{1,100}$/u.test(name)) {
    throw invalid('name', 'a text of 1 to 100 characters without control characters', name);
  }
  if (!ROLES.includes(role)) throw invalid('role', `one of ${ROLES.join(', ')}`, role);
  if (!Number.isSafeInteger(days) || days < 1 || days > MOST_TOKEN_DAYS) {
    throw invalid('days', `an integer from 1 to ${MOST_TOKEN_DAYS}`, days);
  }
  await checkTasks(store, tasks);
  const scope = { role, name, tasks, createdMs: nowMs, expiresMs: nowMs + days * DAY_MS };
  const { token, record } = makeToken(suite, rng, scope);
  await store.putToken(record, [
    {
      action: 'token.created',
      actor,
      subject: record.id,
      outcome: 'done',
      details: { name, role, days, tasks: tasks === 'all' ? tasks : tasks.join(' ') },
    },
  ]);
  return { token, view: tokenView(record) };
}

/** The newest first. */
export async function listTokens(store: CoordinatorStore): Promise<readonly TokenView[]> {
  const stored = await store.tokens();
  const newestFirst = [...stored].sort((a, b) => b.createdMs - a.createdMs);
  return newestFirst.map(tokenView);
}

/** The first revocation stands. @throws {UsageError} `record-missing`. */
export async function revokeToken(
  { store, nowMs, actor }: Omit<TokenContext, 'suite' | 'rng'>,
  id: string,
): Promise<TokenView> {
  await store.revokeToken(id, nowMs, [
    { action: 'token.revoked', actor, subject: id, outcome: 'done' },
  ]);
  const stored = await store.token(id);
  if (stored === undefined) throw missing(id);
  return tokenView(stored);
}

function tokenView(record: TokenRecord): TokenView {
  const { hash: _, ...view } = record;
  return view;
}

/** A misspelt task makes a token that opens nothing. */
async function checkTasks(store: CoordinatorStore, tasks: NewToken['tasks']): Promise<void> {
  if (tasks === 'all') return;
  const isList = Array.isArray(tasks) && tasks.length >= 1 && tasks.length <= MOST_TOKEN_TASKS;
  if (!isList) throw invalid('tasks', `"all", or 1 to ${MOST_TOKEN_TASKS} names of tasks`, tasks);
  const names = new Set((await store.tasks()).map(({ name }) => name));
  for (const task of tasks) {
    if (names.has(task)) continue;
    const known = names.size === 0 ? 'the coordinator has served none yet' : [...names].join(', ');
    throw invalid('tasks', `names of tasks that this coordinator has served (${known})`, task);
  }
}

function missing(id: string): UsageError {
  return new UsageError('record-missing', `token: there is none with the id ${id}`, {
    field: 'token',
  });
}

function invalid(field: string, expected: string, got: unknown): UsageError {
  return invalidField(UsageError, 'argument-invalid', field, expected, got);
}
