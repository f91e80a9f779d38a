/**
 * The kill switch while the store does not answer: with a PostgreSQL that crashes in the middle of a round,
 * and with stores that fail or say nothing.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { UsageError } from '@onlysum/crypto';
import {
  type CoordinatorStore,
  memoryCoordinatorStore,
  postgresCoordinatorStore,
} from '@onlysum/coordinator';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { KnownTasks } from '../../packages/coordinator/src/admin/known-tasks.js';
import { LastKnown } from '../../packages/coordinator/src/admin/last-known.js';
import { Patience } from '../../packages/coordinator/src/admin/patience.js';
import { enrolDevices, runDevices, suite, until } from '../coordinator/wire-fleet.js';
import { type Cluster, postgresBinaries, startCluster } from '../postgres/cluster.js';
import { type AdminFleet, startAdminFleet } from './admin-fleet.js';

let admin: AdminFleet | undefined;
let cluster: Cluster | undefined;
afterEach(async () => {
  await admin?.close();
  await cluster?.stop();
  admin = cluster = undefined;
});

/** Longer than what was read last may be old. */
const READ_AGAIN_MS = 2_500;

const binaries = postgresBinaries();
const skips = binaries === undefined && process.env['CI'] !== 'true';
const title = `on PostgreSQL${skips ? ' (skipped: it is missing)' : ''}`;

describe.skipIf(skips)(title, () => {
  it('stops a round at once while the server is down, and writes it when it is back', async () => {
    cluster = startCluster(binaries ?? '');
    await cluster.started;
    const connection = { host: cluster.directory, user: 'postgres', database: 'postgres' };
    const store = await vi.waitFor(() => postgresCoordinatorStore(connection), 10_000);
    const started = await startAdminFleet({ store, withRound: false });
    admin = started;
    const { fleet, taskId, tokens, clock } = admin;
    const call: AdminFleet['call'] = (...given) => started.call(...given);
    const { token, id } = await admin.makeToken({
      role: 'privacy-officer',
      tasks: ['acme-desktop'],
    });
    const ended = await admin.makeToken({ role: 'operator', days: 1 });
    const revoked = await admin.makeToken({ role: 'operator' });
    await store.revokeToken(revoked.id, Date.now(), [
      { action: 'token.revoked', actor: 'test', outcome: 'done' },
    ]);
    await sleep(READ_AGAIN_MS);
    const waiting = runDevices(fleet, await enrolDevices(fleet, 3));
    await until(() => fleet.coordinator.health().connections === 3);
    await cluster.halt();

    const stop = (given: string, of = taskId) => {
      const body = { reason: 'leak' };
      return call(`/tasks/${of}/stop`, { token: given, method: 'POST', body });
    };
    // What does not hold stops nothing, whether the store answers or not.
    for (const [given, status, code] of [
      [tokens.analyst, 503, 'store-unavailable'],
      [revoked.token, 503, 'store-unavailable'],
      [`${tokens.operator.slice(0, -4)}ffff`, 401, 'token-invalid'],
    ] as const) {
      const { status: got, json } = await stop(given);
      expect([got, json.error.code]).toEqual([status, code]);
    }
    expect((await stop(token, admin.otherTaskId)).json.error.code).toBe('scope-denied');
    clock.offsetMs = 25 * 3_600_000;
    expect((await stop(ended.token)).json.error.code).toBe('token-expired');
    clock.offsetMs = 0;
    expect(fleet.coordinator.health().gathering).toBe(1);

    const { status, json } = await stop(token);
    expect([status, json.state, json.reason, json.isDurable]).toEqual([
      200,
      'stopped',
      'leak',
      false,
    ]);
    for (const { droppedCode, droppedDetail } of await waiting) {
      expect(droppedCode).toBe('task-stopped');
      expect(droppedDetail).toContain('leak');
    }
    const { operator, auditor, analyst } = tokens;
    const body = { reason: 'mended' };
    for (const [path, given, more] of [
      [`/tasks/${taskId}/resume`, operator, { method: 'POST', body }],
      [`/tasks/${taskId}/results`, analyst, {}],
      ['/tasks', operator, {}],
      ['/live', operator, {}],
      ['/audit', auditor, {}],
      ['/me', operator, {}],
    ] as const) {
      const answer = await call(path, { token: given, ...more });
      expect([path, answer.status, answer.json.error.code]).toEqual([
        ...[path, 503, 'store-unavailable'],
      ]);
    }
    const newcomers = await runDevices(fleet, await enrolDevices(fleet, 1));
    expect(newcomers[0]?.droppedCode).toBe('task-stopped');

    await cluster.resume();
    const record = await vi.waitFor(async () => {
      const stored = await store.task(taskId);
      expect(stored?.state).toBe('stopped');
      return stored;
    }, 20_000);
    expect(record).toMatchObject({ state: 'stopped', reason: 'leak' });
    const entries = await store.latestAuditEntries({ limit: 10 });
    expect(entries.filter(({ action }) => action === 'task.stopped')).toMatchObject([
      { actor: id, subject: taskId, outcome: 'done', details: { reason: 'leak' } },
    ]);
    expect((await call('/tasks', { token: operator })).json).toContainEqual(
      expect.objectContaining({ taskId, state: 'stopped', reason: 'leak' }),
    );
    expect((await stop(operator)).json).toMatchObject({ state: 'stopped', isDurable: true });
  });
});

describe('a store that', () => {
  const NAMES = ['token', 'task', 'setTaskState'] as const;

  /**
   * @param answer - of the methods that the kill switch needs, while `isAway`.
   * @param onAsked - is told of each that gets it.
   */
  function store(answer: () => Promise<never>, onAsked: (name: string) => void = () => undefined) {
    const inner = memoryCoordinatorStore();
    const state = { isAway: false };
    const away = NAMES.map((name) => {
      const method = inner[name] as (...given: unknown[]) => Promise<unknown>;
      const asked = (...given: unknown[]) => {
        if (!state.isAway) return method(...given);
        onAsked(name);
        return answer();
      };
      return [name, asked];
    });
    return { state, store: { ...inner, ...Object.fromEntries(away) } as CoordinatorStore };
  }

  it('says nothing does not hold up the stop, nor for long its answer', async () => {
    const asked: (readonly [string, number])[] = [];
    const silent = store(
      () => new Promise(() => undefined),
      (name) => asked.push([name, admin?.fleet.coordinator.health().gathering ?? -1]),
    );
    admin = await startAdminFleet({ store: silent.store, withRound: false });
    const { fleet } = admin;
    const waiting = runDevices(fleet, await enrolDevices(fleet, 3));
    await until(() => fleet.coordinator.health().gathering === 1);
    await sleep(READ_AGAIN_MS);
    silent.state.isAway = true;
    const request = { token: admin.tokens.operator, method: 'POST', body: { reason: 'leak' } };
    const { status, json } = await admin.call(`/tasks/${admin.taskId}/stop`, request);
    expect([status, json.isDurable]).toEqual([200, false]);
    // When the store is asked to write it, the round is over already.
    expect(asked.slice(0, 3)).toEqual([
      ['token', 1],
      ['task', 1],
      ['setTaskState', 0],
    ]);
    for (const { droppedCode } of await waiting) expect(droppedCode).toBe('task-stopped');
  });

  it('fails by a bug of ours is no store that is away', async () => {
    const faulty = store(() => Promise.reject(new TypeError('a bug')));
    admin = await startAdminFleet({ store: faulty.store, withRound: false });
    await sleep(READ_AGAIN_MS);
    faulty.state.isAway = true;
    const request = { token: admin.tokens.operator, method: 'POST', body: { reason: 'leak' } };
    const { status } = await admin.call(`/tasks/${admin.taskId}/stop`, request);
    expect(status).toBe(500);
  });
});

it('waits for a silent store once in all, not once a question', async () => {
  const patience = new Patience(200);
  const silent = new Promise(() => undefined);
  expect(await patience.isDone(sleep(1))).toBe(true);
  expect(await patience.isDone(silent)).toBe(false);
  // It would be done within a patience of its own.
  expect(await patience.isDone(sleep(100))).toBe(false);
  expect(await patience.isDone(Promise.resolve())).toBe(true);
  await expect(patience.answer(silent)).rejects.toMatchObject({ code: 'store-unavailable' });
});

it('asks a store that let the last reading hang for nothing that it said before', async () => {
  const inner = memoryCoordinatorStore();
  const scope = { name: 'x', tasks: 'all', createdMs: 0, expiresMs: 10 } as const;
  const record = { ...scope, id: 'b'.repeat(16), hash: '0'.repeat(64), role: 'operator' } as const;
  const event = { action: 'token.created', actor: 'test', outcome: 'done' } as const;
  await inner.putToken(record, [event]);
  let isAway = false;
  const asked: string[] = [];
  const hang = (name: 'token' | 'tokens' | 'tasks') => {
    const method = inner[name] as (...given: unknown[]) => Promise<unknown>;
    const answer = (...given: unknown[]) => {
      asked.push(name);
      return isAway ? new Promise(() => undefined) : method(...given);
    };
    return [name, answer];
  };
  const names = ['token', 'tokens', 'tasks'] as const;
  const store = { ...inner, ...Object.fromEntries(names.map(hang)) } as CoordinatorStore;
  const lastKnown = new LastKnown(store, new KnownTasks(store, suite), () => 1);
  await lastKnown.refreshTokens();
  isAway = true;
  const ended = new AbortController();
  const following = lastKnown.follow(ended.signal);
  // Of its readings the first hung.
  await vi.waitFor(() => expect(asked.at(-1)).toBe('tasks'), 10_000);
  asked.length = 0;
  const within = lastKnown.within(new Patience(100));
  expect(await within.token(record.id)).toEqual(record);
  expect(asked).not.toContain('token');
  // What it never said may be known to it by now.
  await expect(within.token('c'.repeat(16))).rejects.toMatchObject({ code: 'store-unavailable' });
  expect(asked).toContain('token');
  isAway = false;
  await vi.waitFor(() => expect(asked.slice(-2)).toEqual(['tokens', 'tasks']), 10_000);
  await sleep(1);
  asked.length = 0;
  expect(await within.token(record.id)).toEqual(record);
  expect(asked).toEqual(['token']);
  ended.abort();
  await following;
});

it('keeps no more than the newest thousand tokens, of roles that may stop', async () => {
  const store = memoryCoordinatorStore();
  const scope = { name: 'x', tasks: 'all', createdMs: 0, expiresMs: 10 } as const;
  const event = { action: 'token.created', actor: 'test', outcome: 'done' } as const;
  const idOf = (i: number) => i.toString(16).padStart(16, '0');
  for (let i = 0; i <= 1_000; i++) {
    const record = { ...scope, id: idOf(i), hash: '0'.repeat(64), createdMs: i };
    await store.putToken({ ...record, role: 'operator', expiresMs: 2_000 }, [event]);
  }
  const analyst = { ...scope, id: 'a'.repeat(16), hash: '0'.repeat(64), role: 'analyst' } as const;
  await store.putToken({ ...analyst, createdMs: 1_500, expiresMs: 2_000 }, [event]);
  let isAway = false;
  const away = new UsageError('store-unavailable', 'store: away');
  const token: CoordinatorStore['token'] = (id) =>
    isAway ? Promise.reject(away) : store.token(id);
  const changed = { ...store, token };
  const lastKnown = new LastKnown(changed, new KnownTasks(changed, suite), () => 1_600);
  await lastKnown.refreshTokens();
  await lastKnown.refreshTasks();
  isAway = true;
  const within = lastKnown.within(new Patience(100));
  expect((await within.token(idOf(1_000)))?.id).toBe(idOf(1_000));
  await expect(within.token(idOf(0))).rejects.toBe(away);
  await expect(within.token(analyst.id)).rejects.toBe(away);
});
