/** Results under a key that a coordinator does not have: at its start, and when they come up later. */
import { toHex } from '@onlysum/crypto';
import {
  type CoordinatorStore,
  freshSealing,
  memoryCoordinatorStore,
  type Readiness,
  type ResultSealing,
  startCoordinator,
  type StoredResult,
} from '@onlysum/coordinator';
import { afterEach, expect, it, vi } from 'vitest';
import { closedAfterEach } from './fleets.js';
import { enrolDevices, type Fleet, runDevices, suite, until } from './wire-fleet.js';

const start = closedAfterEach();
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
afterEach(() => vi.restoreAllMocks());

const port = (registrar: Fleet['registrar']) => ({
  attest: (bytes: Uint8Array) => registrar.attest(bytes),
  greet: () => Promise.resolve(),
});

async function reseal(
  store: CoordinatorStore,
  { round, taskId: task, window, keyId, sealed }: StoredResult,
  from: ResultSealing,
  to: ResultSealing,
): Promise<void> {
  const place = { kind: 'result', task, window, round };
  const next = { keyId: to.keyId, sealed: to.seal(from.open(sealed, place), place) };
  const event = { action: 'key.rotate', actor: 'test', outcome: 'done' } as const;
  await store.reseal(round, keyId, next, [event]);
}

it('does not start beside results that none of its keys opens', async () => {
  const kept = { store: memoryCoordinatorStore(), sealing: freshSealing() };
  const fleet = await start({ coordinator: kept });
  const { task, keys, registrar, coordinator, log } = fleet;
  await runDevices(fleet, await enrolDevices(fleet, 5));
  await until(() => fleet.results.length === 1);
  await coordinator.close();
  const before = await kept.store.auditHead();
  const other = freshSealing();
  const options = { tasks: [task], seed: keys.coordinator, registrar, host: '127.0.0.1', port: 0 };
  const starting = startCoordinator({
    ...{ ...options, ...kept, sealing: other, logger: log.logger },
  });
  await expect(starting).rejects.toMatchObject({
    code: 'seal-key-unknown',
    field: 'resultsKey',
    expected: `the key of the 1 results that are sealed under ${kept.sealing.keyId}`,
    got: other.keyId,
  });
  expect(await kept.store.auditHead()).toEqual(before);
});

it('says in the audit log what it starts with', async () => {
  const store = memoryCoordinatorStore();
  const [present, older] = [freshSealing(), freshSealing()];
  const keyIds = [present.keyId, older.keyId];
  const sealing: ResultSealing = {
    ...{ keyId: present.keyId, keyIds },
    seal: (...what) => present.seal(...what),
    open: (...what) => present.open(...what),
  };
  const { task, keys } = await start({
    ...{ moreTasks: [{ name: 'other' }] },
    coordinator: { store, sealing, overSelection: false },
  });
  const entries = await store.auditEntries();
  const { name, version } = task.manifest;
  expect(entries.find(({ action }) => action === 'coordinator.started')).toMatchObject({
    actor: 'coordinator',
    details: {
      publicKey: toHex(suite.ed25519PublicKey(keys.coordinator)),
      tasks: `${name} v${version}, other v1`,
      keyId: present.keyId,
      olderKeyIds: older.keyId,
      resultFiles: false,
      exportRounds: false,
      overSelection: false,
    },
  });
});

it('goes on with the retention of all that it can open, and says what it cannot', async () => {
  const hourly: (() => void)[] = [];
  const real = globalThis.setInterval;
  vi.spyOn(globalThis, 'setInterval').mockImplementation(((run: () => void, ms: number) => {
    if (ms === HOUR_MS) hourly.push(run);
    return real(run, ms);
  }) as typeof setInterval);
  const [store, sealing, other] = [memoryCoordinatorStore(), freshSealing(), freshSealing()];
  let shiftMs = 0;
  const fleet = await start({
    ...{ port, retentionDays: 30 },
    coordinator: { store, sealing, metrics: true, now: () => Date.now() + shiftMs },
  });
  const url = `http://127.0.0.1:${fleet.coordinator.port}`;
  const readiness = async () => (await (await fetch(`${url}/readyz`)).json()) as Readiness;
  const actions = async () => {
    const entries = await store.auditEntries({ limit: 1_000 });
    return entries
      .filter(({ action }) => action === 'result.trimmed')
      .map(({ subject }) => subject);
  };
  const identities = await enrolDevices(fleet, 10);
  await runDevices(fleet, identities.slice(0, 5));
  await runDevices(fleet, identities.slice(5));
  await until(() => fleet.results.length === 2);
  // Looked at first.
  const [sealedAway, openable] = await store.results(toHex(fleet.task.taskId));
  await reseal(store, sealedAway!, sealing, other);
  expect(await readiness()).toEqual({ status: 'ready', reasons: [] });

  // Before the time of any metric is over.
  for (const run of hourly) run();
  await until(() => fleet.coordinator.health().unopenableResults === 1);
  shiftMs = 30.1 * DAY_MS;
  for (const run of hourly) run();
  await vi.waitFor(async () => expect(await actions()).toEqual([openable!.round]), 10_000);
  const { reasons } = await readiness();
  expect(reasons).toContain(`results are sealed under keys that are not given: ${other.keyId}`);
  const metrics = await (await fetch(`${url}/metrics`)).text();
  expect(metrics).toContain('onlysum_coordinator_unopenable_results 1');
  const logged = fleet.log.lines.filter((line) => line.includes('retention failed'));
  // Of each run one, however many results.
  expect(logged).toHaveLength(2);
  expect(logged[1]).toContain('"code":"seal-key-unknown"');

  const [stored] = await store.results(toHex(fleet.task.taskId));
  await reseal(store, stored!, other, sealing);
  for (const run of hourly) run();
  await until(() => fleet.coordinator.health().unopenableResults === 0);
  expect(await actions()).toEqual([openable!.round, stored!.round]);
});
