import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemRng, toHex } from '@onlysum/crypto';
import {
  type CoordinatorStore,
  createToken,
  freshSealing,
  lmdbCoordinatorStore,
  memoryCoordinatorStore,
  startCoordinator,
} from '@onlysum/coordinator';
import { verifyChain } from '@onlysum/service';
import { type Task, windowAt } from '@onlysum/task';
import { maskedInput } from '@onlysum/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { closedAfterEach } from './fleets.js';
import {
  captureLog,
  type DeviceOptions,
  type Fleet,
  enrolDevices,
  lanesOf,
  makeTask,
  runDevice,
  runDevices,
  suite,
  sumLanes,
  until,
} from './wire-fleet.js';

const start = closedAfterEach();
const WINDOW_MS = 4_000;

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'onlysum-windows-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** Waits for a window that has nearly all of its time left. @returns its index. */
async function freshWindow({ manifest }: Task): Promise<number> {
  const { endMs } = windowAt(manifest, Date.now());
  await new Promise((resolve) => setTimeout(resolve, endMs + 20 - Date.now()));
  return windowAt(manifest, Date.now()).index;
}

async function decided({ coordinator, task }: Fleet, window: number) {
  const taskId = toHex(task.taskId);
  for (let tries = 0; tries < 200; tries++) {
    const report = await coordinator.windowResult(taskId, window);
    if (report !== undefined && report.state !== 'open') return report;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('the window was not decided');
}

const digits = (window: number): string => String(window).padStart(12, '0');

/** Of a cohort, device `at` is gone before its masked input. */
function vanishing(at: number): (i: number) => DeviceOptions {
  const tamper = (type: number, bytes: Uint8Array) => (type === maskedInput.type ? [] : [bytes]);
  return (i) => (i === at ? { tamper } : {});
}

/** @returns what the API gives to an analyst. */
async function analyst({ coordinator }: Fleet, store: CoordinatorStore) {
  const context = { store, suite, rng: systemRng, nowMs: Date.now(), actor: 'test' };
  const facts = { name: 'an analyst', role: 'analyst', tasks: 'all', days: 1 } as const;
  const { token } = await createToken(context, facts);
  const headers = { authorization: `Bearer ${token}` };
  return async (path: string) => {
    const response = await fetch(`${coordinator.adminUrl}/api/v1${path}`, { headers });
    expect(response.status).toBe(200);
    // oxlint-disable-next-line typescript/no-explicit-any
    return (await response.json()) as any;
  };
}

describe.each([
  ['in memory', () => memoryCoordinatorStore()],
  ['on lmdb', () => lmdbCoordinatorStore(join(directory, 'store'))],
])('windows %s', (_, open: () => CoordinatorStore) => {
  it('say one total over their rounds once they have ended', async () => {
    const store = open();
    const resultsDir = join(directory, 'results');
    const cohort = { min: 3, target: 4, max: 4 };
    const fleet = await start({ cohort, window: WINDOW_MS, coordinator: { store, resultsDir } });
    const identities = await enrolDevices(fleet, 8);
    const window = await freshWindow(fleet.task);
    const taskId = toHex(fleet.task.taskId);
    const reports = await runDevices(fleet, identities);
    for (const { receipt } of reports) expect(receipt?.opened).toBe(true);
    expect(await fleet.coordinator.windowResult(taskId, window)).toMatchObject({ state: 'open' });
    const report = await decided(fleet, window);
    const lanes = sumLanes(identities.map((_identity, i) => lanesOf(fleet.task, i)));
    expect(report).toMatchObject({ state: 'closed', devices: 8, survivors: 8, lanes });
    if (report.state !== 'closed') return;
    expect(new Set(report.rounds)).toEqual(new Set(fleet.results.map(({ round }) => round)));
    expect(report.estimates.metrics['crashes']).toMatchObject({ total: { value: 28 } });
    const file = `acme-desktop-v1-w${digits(window)}-window.json`;
    await until(() => fleet.log.lines.some((line) => line.includes(file)));
    expect(await readdir(resultsDir)).toContain(file);
    expect(JSON.parse(await readFile(join(resultsDir, file), 'utf8'))).toEqual(report);
    await fleet.coordinator.close();
    const entries = await store.auditEntries({ limit: 1000 });
    expect(verifyChain(suite, entries).fault).toBeUndefined();
    const actions = entries.map(({ action }) => action);
    expect(new Set(actions)).toEqual(
      new Set([
        'task.recorded',
        'coordinator.started',
        'window.opened',
        'round.began',
        'round.opened',
        'result.stored',
        'window.decided',
        'coordinator.closed',
      ]),
    );
    await store.close();
  });

  it('say nothing of fewer than a cohort, or of no round: no total, no file, no record, no result', async () => {
    const store = open();
    const resultsDir = join(directory, 'results');
    const fleet = await start({
      cohort: { min: 4, target: 4, max: 4 },
      dropout: 250,
      window: WINDOW_MS,
      coordinator: {
        ...{ store, resultsDir, exportRounds: true, admin: { port: 0 } },
        durations: { maskedInputMs: 500 },
      },
    });
    const identities = await enrolDevices(fleet, 4);
    const window = await freshWindow(fleet.task);
    const taskId = toHex(fleet.task.taskId);
    const reports = await runDevices(fleet, identities, vanishing(0));
    expect(reports.filter(({ receipt }) => receipt?.opened === true)).toHaveLength(3);
    expect(await store.rounds(taskId)).toMatchObject([{ state: 'opened', survivors: 3 }]);
    const report = await decided(fleet, window);
    const silent = { task: report.task, state: 'too-few' };
    expect(report).toEqual({ ...silent, window: report.window });
    const next = await decided(fleet, window + 1);
    expect(next).toEqual({ ...silent, window: next.window });
    const get = await analyst(fleet, store);
    const own = await get(`/tasks/${taskId}/windows/${window}/result`);
    expect(own).toMatchObject({ state: 'too-few' });
    for (const field of ['estimates', 'devices', 'survivors'])
      expect(own).not.toHaveProperty(field);
    const rows = await get(`/tasks/${taskId}/results`);
    expect(rows.find((row: { window: number }) => row.window === window)).toMatchObject({
      ...{ state: 'too-few', value: null, suppressed: true },
    });
    await fleet.coordinator.close();
    expect(fleet.results).toEqual([]);
    const files = await readdir(resultsDir);
    expect(files.filter((name) => !name.endsWith('-window.json'))).toEqual([]);
    const written = files.find((name) => name.includes(`w${digits(window)}-window`)) ?? '';
    expect(JSON.parse(await readFile(join(resultsDir, written), 'utf8'))).toEqual(report);
    await store.close();
  });

  it('leave a round out whose sum would follow from the total and the others', async () => {
    const store = open();
    const resultsDir = join(directory, 'results');
    const fleet = await start({
      cohort: { min: 4, target: 4, max: 4 },
      dropout: 250,
      window: WINDOW_MS,
      coordinator: { store, resultsDir, durations: { maskedInputMs: 500 } },
    });
    const identities = await enrolDevices(fleet, 8);
    const window = await freshWindow(fleet.task);
    await runDevices(fleet, identities.slice(0, 4));
    await runDevices(fleet, identities.slice(4), vanishing(0));
    const report = await decided(fleet, window);
    const lanes = sumLanes(identities.slice(0, 4).map((_, i) => lanesOf(fleet.task, i)));
    expect(report).toMatchObject({ state: 'closed', devices: 4, survivors: 4, lanes });
    const rounds = await store.rounds(toHex(fleet.task.taskId));
    expect(rounds.map((round) => 'survivors' in round && round.survivors)).toEqual([3, 4]);
    await fleet.coordinator.close();
    expect(fleet.results).toMatchObject([{ round: rounds[1]?.round, survivors: 4 }]);
    expect((await readdir(resultsDir)).join(' ')).not.toContain(rounds[0]?.round);
    await store.close();
  });

  it('of several tasks are apart', async () => {
    const store = open();
    const fleet = await start({
      window: WINDOW_MS,
      moreTasks: [{ name: 'slow', window: 2 * WINDOW_MS }],
      coordinator: { store },
    });
    const slow = makeTask(fleet.keys, { name: 'slow', window: 2 * WINDOW_MS });
    const identities = await enrolDevices(fleet, 5);
    const window = await freshWindow(slow);
    const both = await Promise.all([
      runDevices(fleet, identities),
      runDevices(fleet, identities, () => ({ task: slow })),
    ]);
    for (const { receipt } of both.flat()) expect(receipt?.opened).toBe(true);
    const quick = await decided(fleet, 2 * window);
    expect(quick).toMatchObject({ state: 'closed', survivors: 5, task: { name: 'acme-desktop' } });
    const id = toHex(slow.taskId);
    expect(await fleet.coordinator.windowResult(id, window)).toMatchObject({ state: 'open' });
    expect(await decided({ ...fleet, task: slow }, window)).toMatchObject({
      state: 'closed',
      survivors: 5,
      task: { name: 'slow' },
    });
    expect((await store.rounds(id)).length).toBe(1);
    await fleet.coordinator.close();
    await store.close();
  });
});

describe('a coordinator that starts again', () => {
  it('ends rounds that the last one lost, and decides its windows with what was kept', async () => {
    const store = memoryCoordinatorStore();
    const sealing = freshSealing();
    const fleet = await start({ window: WINDOW_MS, coordinator: { store, sealing } });
    const { task, keys, registrar } = fleet;
    const taskId = toHex(task.taskId);
    const identities = await enrolDevices(fleet, 10);
    const window = await freshWindow(task);
    const first = await runDevices(fleet, identities.slice(0, 5));
    for (const { receipt } of first) expect(receipt?.opened).toBe(true);
    // One that began in a process which is no more.
    const round = 'cd'.repeat(16);
    await store.appendAudit([
      {
        ...{ action: 'round.began', actor: 'coordinator', subject: round, outcome: 'done' },
        details: { taskId, window, devices: 5 },
      },
    ]);
    // A crash: what this coordinator still writes comes from nobody.
    const { logger, lines } = captureLog();
    const again = await startCoordinator({
      ...{ tasks: [task], seed: keys.coordinator, registrar, host: '127.0.0.1', port: 0 },
      ...{ store, sealing, logger },
    });
    expect(await store.round(round)).toMatchObject({
      state: 'aborted',
      reason: 'coordinator-restarted',
      devices: 5,
    });
    const second = await Promise.all(
      identities
        .slice(5)
        .map((identity, i) =>
          runDevice({ task, coordinator: again }, identity, { lanes: lanesOf(task, 5 + i) }),
        ),
    );
    for (const { receipt } of second) expect(receipt?.opened).toBe(true);
    const report = await decided({ ...fleet, coordinator: again }, window);
    const lanes = sumLanes(identities.map((_, i) => lanesOf(task, i)));
    expect(report).toMatchObject({ state: 'closed', survivors: 10, lanes });
    expect(lines.join('')).toContain('rounds were lost');
    await again.close();
  });

  it('tells devices nothing that it could not keep', async () => {
    const inner = memoryCoordinatorStore();
    const store: CoordinatorStore = {
      ...inner,
      closeRound: (close, audit) =>
        close.outcome.state === 'opened'
          ? Promise.reject(new Error('disk full'))
          : inner.closeRound(close, audit),
    };
    const fleet = await start({ coordinator: { store } });
    const reports = await runDevices(fleet, await enrolDevices(fleet, 5));
    for (const { receipt, droppedCode } of reports) {
      expect(droppedCode).toBe('round-aborted');
      expect(receipt?.opened ?? false).toBe(false);
    }
    expect(fleet.results).toEqual([]);
    expect(fleet.coordinator.health().opened).toBe(0);
  });
});

describe('over-selection', () => {
  it('closes a cohort larger by what recent rounds lost, if it is on', async () => {
    const cohort = { min: 3, target: 5, max: 8 };
    for (const [overSelection, size] of [
      [true, 6],
      [false, 5],
    ] as const) {
      const fleet = await start({
        ...{ cohort, dropout: 200 },
        coordinator: { overSelection, durations: { maskedInputMs: 300, gatherMs: 1_000 } },
      });
      const identities = await enrolDevices(fleet, 11);
      const silent = (type: number, bytes: Uint8Array) =>
        type === maskedInput.type ? [] : [bytes];
      await runDevices(fleet, identities.slice(0, 5), (i) => (i < 1 ? { tamper: silent } : {}));
      expect(fleet.results[0]).toMatchObject({ devices: 5, survivors: 4 });
      await runDevices(fleet, identities.slice(5));
      expect(fleet.results[1]).toMatchObject({ devices: size });
    }
  });
});
