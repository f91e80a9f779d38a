import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toHex, UsageError } from '@onlysum/crypto';
import {
  type CoordinatorStore,
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
    const file = `acme-desktop-v1-w${String(window).padStart(12, '0')}-window.json`;
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

  it('say that none of their rounds opened, and nothing else', async () => {
    const store = open();
    const fleet = await start({
      cohort: { min: 4, target: 4, max: 4 },
      dropout: 250,
      window: WINDOW_MS,
      coordinator: { store, durations: { maskedInputMs: 500 } },
    });
    const identities = await enrolDevices(fleet, 4);
    const silent = (type: number, bytes: Uint8Array) => (type === maskedInput.type ? [] : [bytes]);
    const window = await freshWindow(fleet.task);
    await runDevices(fleet, identities, (i) => (i < 2 ? { tamper: silent } : {}));
    expect(fleet.results).toEqual([]);
    const few = await decided(fleet, window);
    expect(few).toEqual({ task: few.task, window: few.window, state: 'too-few' });
    const none = await decided(fleet, window + 1);
    expect(none).toEqual({ task: none.task, window: none.window, state: 'too-few' });

    // Fewer than `cohort.min`, and as many as the manifest's `minSurvivors`: what devices were told.
    const next = await freshWindow(fleet.task);
    await runDevices(fleet, identities, (i) => (i === 0 ? { tamper: silent } : {}));
    expect(await decided(fleet, next)).toMatchObject({ state: 'closed', survivors: 3 });
    await fleet.coordinator.close();
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
          ? Promise.reject(new UsageError('store-conflict', 'store: it ended otherwise'))
          : inner.closeRound(close, audit),
    };
    const fleet = await start({ coordinator: { store } });
    const reports = await runDevices(fleet, await enrolDevices(fleet, 5));
    for (const { receipt, droppedCode } of reports) {
      expect(droppedCode).toBe('not-kept');
      expect(receipt?.opened).toBeUndefined();
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
