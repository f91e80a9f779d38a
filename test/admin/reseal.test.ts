/** Changing the key that results are sealed with: real keys in files, rounds over sockets, the API. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemRng, toHex } from '@onlysum/crypto';
import {
  type CoordinatorOptions,
  type CoordinatorStore,
  createToken,
  keyedSealing,
  lmdbCoordinatorStore,
  memoryCoordinatorStore,
  type RunningCoordinator,
  startCoordinator,
} from '@onlysum/coordinator';
import { verifyChain } from '@onlysum/service';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSum } from '../../packages/coordinator/src/sealed-sums.js';
import { closedAfterEach } from '../coordinator/fleets.js';
import {
  enrolDevices,
  type Fleet,
  type Identity,
  lanesOf,
  runDevice,
  suite,
  until,
} from '../coordinator/wire-fleet.js';

const start = closedAfterEach();
const WINDOW_MS = 3_600_000;

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'onlysum-reseal-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function keyFile(name: string): Promise<{ readonly file: string }> {
  const file = join(directory, name);
  await writeFile(file, toHex(systemRng(32)), { mode: 0o600 });
  return { file };
}

async function tokenOf(store: CoordinatorStore): Promise<string> {
  const context = { store, suite, rng: systemRng, nowMs: Date.now(), actor: 'test' };
  const facts = { name: 'an operator', role: 'operator', tasks: 'all', days: 1 } as const;
  return (await createToken(context, facts)).token;
}

async function reseal({ adminUrl }: Pick<RunningCoordinator, 'adminUrl'>, token: string) {
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(`${adminUrl}/api/v1/results/reseal`, { method: 'POST', headers });
  // oxlint-disable-next-line typescript/no-explicit-any
  return { status: response.status, json: (await response.json()) as any };
}

/** As if the fleet's coordinator had been started again. */
function startAgain(
  { task, keys, registrar, log }: Fleet,
  options: Partial<CoordinatorOptions>,
): Promise<RunningCoordinator> {
  return startCoordinator({
    ...{ tasks: [task], seed: keys.coordinator, registrar, host: '127.0.0.1', port: 0 },
    ...{ logger: log.logger, admin: { port: 0 } },
    ...options,
  });
}

async function runRound(
  { task }: Fleet,
  coordinator: RunningCoordinator,
  identities: readonly Identity[],
): Promise<void> {
  const reports = await Promise.all(
    identities.map((identity, i) =>
      runDevice({ task, coordinator }, identity, { lanes: lanesOf(task, i) }),
    ),
  );
  for (const { receipt } of reports) expect(receipt?.opened).toBe(true);
}

describe.each([
  ['in memory', () => memoryCoordinatorStore()],
  ['on lmdb', () => lmdbCoordinatorStore(join(directory, 'store'))],
])('the key of results %s', (_, open: () => CoordinatorStore) => {
  it('is changed while a coordinator runs: it seals under the first key and opens by the others', async () => {
    const inner = open();
    const held = { isReached: false, release: (): void => undefined };
    const gate = new Promise<void>((resolve) => (held.release = resolve));
    const store: CoordinatorStore = {
      ...inner,
      reseal: async (...args) => {
        held.isReached = true;
        await gate;
        return inner.reseal(...args);
      },
    };
    const [older, present] = [await keyFile('older'), await keyFile('present')];
    const [underOlder, underPresent] = [await keyedSealing([older]), await keyedSealing([present])];
    const fleet = await start({
      window: WINDOW_MS,
      coordinator: { store, sealing: await keyedSealing([older]) },
    });
    const identities = await enrolDevices(fleet, 10);
    await runRound(fleet, fleet.coordinator, identities.slice(0, 5));
    await fleet.coordinator.close();

    const clock = { offsetMs: 0 };
    const coordinator = await startAgain(fleet, {
      store,
      sealing: await keyedSealing([present, older]),
      now: () => Date.now() + clock.offsetMs,
    });
    await runRound(fleet, coordinator, identities.slice(5));
    const taskId = toHex(fleet.task.taskId);
    const [newer, first] = await store.results(taskId);
    expect([first?.keyId, newer?.keyId]).toEqual([underOlder.keyId, underPresent.keyId]);
    expect(openSum(underPresent, newer!).survivors).toBe(5);
    expect(() => openSum(underPresent, first!)).toThrow(
      expect.objectContaining({ code: 'seal-key-unknown' }),
    );
    // Its window's total needs both.
    const window = newer!.window;
    clock.offsetMs = WINDOW_MS;
    await expect
      .poll(() => coordinator.windowResult(taskId, window), { timeout: 10_000 })
      .toMatchObject({ state: 'closed', survivors: 10 });

    const token = await tokenOf(store);
    const { sequence: after } = await store.auditHead();
    const { keyId } = underPresent;
    const running = reseal(coordinator, token);
    await until(() => held.isReached);
    const meanwhile = await reseal(coordinator, token);
    expect([meanwhile.status, meanwhile.json.error.code]).toEqual([409, 'reseal-running']);
    held.release();
    const done = { keyId, resealed: 1, isDone: true };
    expect(await running).toEqual({ status: 200, json: done });
    expect(await reseal(coordinator, token)).toMatchObject({ json: { resealed: 0, isDone: true } });
    const entries = await store.auditEntries({ after });
    expect(entries).toMatchObject([
      { action: 'key.rotation-began', details: { keyId } },
      {
        action: 'key.rotate',
        subject: first?.round,
        details: { from: underOlder.keyId, to: keyId },
      },
      { action: 'key.rotation-ended', details: { keyId, resealed: 1, isDone: true } },
      { action: 'key.rotation-began' },
      { action: 'key.rotation-ended', details: { resealed: 0 } },
    ]);
    expect(verifyChain(suite, await store.auditEntries({ limit: 1_000 })).fault).toBeUndefined();
    for (const result of await store.results(taskId)) {
      expect(openSum(underPresent, result).survivors).toBe(5);
    }
    await coordinator.close();
    await store.close();
  });
});

it('is not changed where there is none, or without that of an older result; the log says so', async () => {
  const store = memoryCoordinatorStore();
  const fleet = await start({ window: WINDOW_MS, coordinator: { store, admin: { port: 0 } } });
  const sealing = await keyedSealing([await keyFile('another')]);
  // Two processes on one store, and each has keys of its own.
  const coordinator = await startAgain(fleet, { store, sealing });
  await runRound(fleet, fleet.coordinator, await enrolDevices(fleet, 5));
  const token = await tokenOf(store);
  const none = await reseal(fleet.coordinator, token);
  expect([none.status, none.json.error.code]).toEqual([409, 'seal-key-missing']);
  await fleet.coordinator.close();
  const { sequence: after } = await store.auditHead();
  const unknown = await reseal(coordinator, token);
  expect([unknown.status, unknown.json.error.code]).toEqual([503, 'seal-key-unknown']);
  expect(await store.auditEntries({ after })).toMatchObject([
    { action: 'key.rotation-began', outcome: 'done' },
    { action: 'key.rotation-ended', outcome: 'failed', details: { code: 'seal-key-unknown' } },
  ]);
  // What failed does not stand in the way of the next.
  expect((await reseal(coordinator, token)).json.error.code).toBe('seal-key-unknown');
  await coordinator.close();
});
