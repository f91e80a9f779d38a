import { toHex } from '@onlysum/crypto';
import {
  type CoordinatorStore,
  lmdbCoordinatorStore,
  memoryCoordinatorStore,
  type PublishedResult,
} from '@onlysum/coordinator';
import { maskedInput, parseRequest, revealShares, shareKeys, unmasking } from '@onlysum/protocol';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { closedAfterEach } from './fleets.js';
import {
  type DeviceOptions,
  type Fleet,
  enrolDevice,
  enrolDevices,
  runDevice,
  runDevices,
  type StartOptions,
  until,
} from './wire-fleet.js';

const start = closedAfterEach();

/** A fleet whose rounds get stuck in one stage, and what its devices do so that they do. */
interface Stuck {
  readonly start?: StartOptions;
  readonly devices?: number;
  readonly device?: (i: number) => DeviceOptions;
}

function without(...types: number[]): DeviceOptions {
  return { tamper: (type, bytes) => (types.includes(type) ? [] : [bytes]) };
}

function unanswered(kind: string): StartOptions {
  return {
    port: (registrar) => ({
      attest: async (bytes, signal) => {
        if (parseRequest(bytes).kind !== kind) return registrar.attest(bytes);
        return new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(new Error('given up')));
        });
      },
    }),
  };
}

const STUCK: Readonly<Record<string, Stuck>> = {
  gathering: { devices: 2 },
  'attesting-roster': { start: unanswered('roster') },
  sharing: { device: (i) => (i === 0 ? without(shareKeys.type) : {}) },
  'attesting-shared-set': { start: unanswered('shared-set') },
  masking: { device: (i) => (i === 0 ? without(maskedInput.type) : {}) },
  'attesting-survivor-set': { start: unanswered('survivor-set') },
  unmasking: { device: (i) => (i === 0 ? without(unmasking.type) : {}) },
  recovering: {
    start: { coordinator: { durations: { unmaskingMs: 300 } } },
    device: (i) => (i === 0 ? without(unmasking.type) : without(revealShares.type)),
  },
};

function taskIdOf({ task }: Fleet): string {
  return toHex(task.taskId);
}

describe('the kill switch', () => {
  it.each(Object.entries(STUCK))('ends a round that is %s', async (stage, stuck) => {
    const store = memoryCoordinatorStore();
    const { coordinator: more, ...rest } = stuck.start ?? {};
    const fleet = await start({ ...rest, coordinator: { ...more, store } });
    const { coordinator, log } = fleet;
    const identities = await enrolDevices(fleet, stuck.devices ?? 5);
    const running = runDevices(fleet, identities, stuck.device);
    await until(() => log.lines.some((line) => line.includes(`"stage":"${stage}"`)));
    if (stage === 'gathering') {
      await until(() => coordinator.health().connections === identities.length);
    }
    const beganMs = Date.now();
    await coordinator.stopTask(taskIdOf(fleet), 'wrong manifest', 'ops');
    for (const { receipt, droppedCode, droppedDetail, closeCode, retryInMs } of await running) {
      expect(receipt?.opened ?? false).toBe(false);
      // Whom the unmasking stage had given up on is gone already.
      if (droppedCode === 'deadline-missed') continue;
      expect({ droppedCode, closeCode, retryInMs }).toEqual({
        droppedCode: 'task-stopped',
        closeCode: 4024,
        retryInMs: -1,
      });
      expect(droppedDetail).toContain('wrong manifest');
    }
    expect(Date.now() - beganMs).toBeLessThan(5_000);
    expect(coordinator.health()).toMatchObject({ gathering: 0, running: 0, opened: 0 });
    expect(fleet.results).toEqual([]);
    await until(() => coordinator.health().aborted === 1);
    const [round] = await store.rounds(taskIdOf(fleet));
    expect(round).toMatchObject({ state: 'aborted', reason: 'task-stopped', hasResult: false });
    const newcomer = await runDevice(fleet, await enrolDevice(fleet));
    expect(newcomer).toMatchObject({ droppedCode: 'task-stopped', closeCode: 4024 });
  });

  it('throws away a sum that is just being opened', async () => {
    const running: Fleet[] = [];
    let stopped: Promise<void> | undefined;
    const logger = pino(
      { level: 'trace' },
      {
        write: (line: string) => {
          if (!line.includes('"stage":"opening"')) return;
          stopped = running[0]?.coordinator.stopTask(taskIdOf(running[0]), 'leak', 'ops');
        },
      },
    );
    const store = memoryCoordinatorStore();
    const fleet = await start({ coordinator: { logger, store } });
    running.push(fleet);
    const reports = await runDevices(fleet, await enrolDevices(fleet, 5));
    await stopped;
    for (const report of reports) expect(report.droppedCode).toBe('task-stopped');
    expect(await store.results(taskIdOf(fleet))).toEqual([]);
    expect(fleet.results).toEqual([]);
    expect(fleet.coordinator.health().opened).toBe(0);
  });

  it('throws away a sum that is open and not yet kept', async () => {
    const inner = memoryCoordinatorStore();
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let isHeld = false;
    const store: CoordinatorStore = {
      ...inner,
      closeRound: async (close, audit) => {
        isHeld ||= close.outcome.state === 'opened';
        await held;
        return inner.closeRound(close, audit);
      },
    };
    const fleet = await start({ coordinator: { store } });
    const running = runDevices(fleet, await enrolDevices(fleet, 5));
    await until(() => isHeld);
    await fleet.coordinator.stopTask(taskIdOf(fleet), 'leak', 'ops');
    release();
    for (const report of await running) {
      expect(report.droppedCode).toBe('task-stopped');
      // The survivors are attested, but nobody says that the sum is open.
      expect(report.receipt?.opened ?? false).toBe(false);
    }
    expect(await inner.results(taskIdOf(fleet))).toEqual([]);
    expect(fleet.results).toEqual([]);
  });

  it('hides nothing that opened before: a window that ends meanwhile is decided', async () => {
    const store = memoryCoordinatorStore();
    const fleet = await start({ window: 4_000, coordinator: { store } });
    const { coordinator, log } = fleet;
    await runDevices(fleet, await enrolDevices(fleet, 5));
    await until(() => fleet.results.length === 1);
    const [{ window, lanes }] = fleet.results as [PublishedResult];
    await coordinator.stopTask(taskIdOf(fleet), 'leak', 'ops');
    await until(() => log.lines.some((line) => line.includes('window decided')));
    const report = await coordinator.windowResult(taskIdOf(fleet), window.index);
    expect(report).toMatchObject({ state: 'closed', survivors: 5, lanes });
    expect((await store.task(taskIdOf(fleet)))?.state).toBe('stopped');
    // None begins meanwhile.
    expect(
      await store.window({ taskId: taskIdOf(fleet), window: window.index + 1 }),
    ).toBeUndefined();
  });

  it('publishes a sum that the store took before the stop', async () => {
    const inner = memoryCoordinatorStore();
    const store: CoordinatorStore = {
      ...inner,
      closeRound: async (...close) => {
        const written = await inner.closeRound(...close);
        await fleet.coordinator.stopTask(taskIdOf(fleet), 'leak', 'ops');
        return written;
      },
    };
    const fleet: Fleet = await start({ coordinator: { store } });
    const reports = await runDevices(fleet, await enrolDevices(fleet, 5));
    for (const { receipt } of reports) expect(receipt?.opened).toBe(true);
    expect(fleet.results).toHaveLength(1);
  });

  it('is let go again, and both are in the audit log', async () => {
    const store = memoryCoordinatorStore();
    const fleet = await start({ coordinator: { store } });
    const { coordinator } = fleet;
    await coordinator.stopTask(taskIdOf(fleet), 'trial', 'alice');
    await coordinator.resumeTask(taskIdOf(fleet), 'mended', 'bob');
    const reports = await runDevices(fleet, await enrolDevices(fleet, 5));
    for (const { receipt } of reports) expect(receipt?.opened).toBe(true);
    const entries = await store.auditEntries();
    const switched = entries.filter(({ action }) => /^task\.(stopped|resumed)$/.test(action));
    expect(switched).toMatchObject([
      { action: 'task.stopped', actor: 'alice', details: { reason: 'trial' } },
      { action: 'task.resumed', actor: 'bob' },
    ]);
  });

  it('stays stopped while the store cannot be written, and is written later', async () => {
    const inner = memoryCoordinatorStore();
    let isBroken = true;
    const store: CoordinatorStore = {
      ...inner,
      setTaskState: (...change) =>
        isBroken ? Promise.reject(new Error('disk full')) : inner.setTaskState(...change),
    };
    const fleet = await start({ coordinator: { store } });
    const id = taskIdOf(fleet);
    await expect(fleet.coordinator.stopTask(id, 'leak', 'ops')).rejects.toThrow('disk full');
    await until(() => fleet.log.lines.filter((line) => line.includes('not known')).length > 1);
    const identity = await enrolDevice(fleet);
    expect((await runDevice(fleet, identity)).droppedCode).toBe('task-stopped');
    isBroken = false;
    await vi.waitFor(async () => expect((await inner.task(id))?.state).toBe('stopped'), 5_000);
  });

  it('stops one task and not the others', async () => {
    const fleet = await start({ moreTasks: [{ name: 'other' }] });
    const { coordinator } = fleet;
    const [, other] = coordinator.health().tasks;
    await coordinator.stopTask(other?.taskId ?? '', 'not this one', 'ops');
    const reports = await runDevices(fleet, await enrolDevices(fleet, 5));
    for (const { receipt } of reports) expect(receipt?.opened).toBe(true);
  });

  it.each([
    ['an unknown task', 'ab'.repeat(32), 'x', 'record-missing'],
    ['no reason', undefined, '', 'argument-invalid'],
  ])('refuses %s', async (_, id, reason, code) => {
    const fleet = await start();
    const stopping = fleet.coordinator.stopTask(id ?? taskIdOf(fleet), reason, 'ops');
    await expect(stopping).rejects.toMatchObject({ code });
    const reports = await runDevices(fleet, await enrolDevices(fleet, 5));
    for (const { receipt } of reports) expect(receipt?.opened).toBe(true);
  });
});

describe('a stopped task, on disk', () => {
  let directory = '';
  afterEach(() => rm(directory, { recursive: true, force: true }));

  it('stays stopped over a restart, and is stopped by another process within a second', async () => {
    directory = await mkdtemp(join(tmpdir(), 'onlysum-stopped-'));
    const store = lmdbCoordinatorStore(directory);
    const fleet = await start({ coordinator: { store } });
    await fleet.coordinator.stopTask(taskIdOf(fleet), 'for good', 'ops');
    await fleet.coordinator.close({ graceMs: 0 });
    await store.close();

    const again = lmdbCoordinatorStore(directory);
    const { keys, task, registrar } = fleet;
    const { startCoordinator } = await import('@onlysum/coordinator');
    const coordinator = await startCoordinator({
      ...{ tasks: [task], seed: keys.coordinator, registrar, host: '127.0.0.1', port: 0 },
      logger: fleet.log.logger,
      store: again,
    });
    const identity = await enrolDevice(fleet);
    const restarted = { task, coordinator };
    expect((await runDevice(restarted, identity)).droppedCode).toBe('task-stopped');

    const other = lmdbCoordinatorStore(directory);
    const event = { actor: 'ops', subject: taskIdOf(fleet), outcome: 'done' } as const;
    await other.setTaskState(taskIdOf(fleet), { state: 'open' }, [
      { action: 'task.resumed', ...event },
    ]);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const waiting = runDevice(restarted, identity);
    await until(() => coordinator.health().gathering === 1);
    await other.setTaskState(taskIdOf(fleet), { state: 'stopped', reason: 'again' }, [
      { action: 'task.stopped', ...event },
    ]);
    expect((await waiting).droppedCode).toBe('task-stopped');
    await coordinator.close({ graceMs: 0 });
    await other.close();
    await again.close();
  });
});
