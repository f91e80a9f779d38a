/** What is forgotten of windows long over, on lmdb; and that forgetting lets nothing happen twice. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LEAST_RETENTION_MS, expiredWindows } from '@onlysum/protocol';
import { afterAll, afterEach, expect, it } from 'vitest';
import {
  Coordinator,
  type Device,
  EPOCH_MS,
  START_MS,
  WINDOW_MS,
  askAttest,
  enrolDevices,
  makeTask,
  openRegistrar,
} from '../test/fleet.js';
import { type RegistrarStore, auditEntries, createRegistrar, lmdbStore } from './index.js';

const root = mkdtempSync(join(tmpdir(), 'onlysum-maintenance-'));
const open: RegistrarStore[] = [];
afterEach(async () => {
  for (const store of open.splice(0)) await store.close();
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

let stores = 0;
const DAY_MS = 86_400_000;
const ALL = [0, 1, 2, 3, 4, 5];

async function start() {
  const store = lmdbStore(join(root, String(stores++)));
  open.push(store);
  const task = makeTask();
  const { registrar, clock } = await openRegistrar([task], store);
  const coordinator = new Coordinator(task, clock, askAttest(registrar));
  const devices = await enrolDevices(registrar, 6);
  const keys = (prefix: string) => store.read((ledger) => [...ledger.keys(prefix)]);
  return { store, registrar, clock, coordinator, devices, keys };
}

async function wholeRound(coordinator: Coordinator, name: string, devices: readonly Device[]) {
  await coordinator.openWindow();
  const roster = await coordinator.roster(name, devices);
  await coordinator.set('shared-set', name, 6, ALL);
  const set = await coordinator.set('survivor-set', name, 6, ALL);
  return [roster.kind, set.kind];
}

const ROUND_RECORDS = ['window/', 'window-round/', 'round/', 'shared-set/', 'survivor-set/'];

it('removes all there is of a window, says so, and keeps enrolments', async () => {
  const { store, registrar, clock, coordinator, devices, keys } = await start();
  expect(await wholeRound(coordinator, 'a', devices)).toEqual(['roster', 'set']);
  expect(keys('participation/')).toHaveLength(6);
  const kept = ['pseudonym/', 'lineage/', 'code/', 'enrolled/', 'incarnation', 'sequence'];
  const before = kept.flatMap(keys);
  clock.nowMs = START_MS + WINDOW_MS / 2 + 30 * DAY_MS - 1;
  expect(await registrar.maintain()).toMatchObject({ windows: 0, rounds: 0 });
  expect(ROUND_RECORDS.map((prefix) => keys(prefix).length)).toEqual([1, 1, 1, 1, 1]);
  clock.nowMs += 1;
  expect(await registrar.maintain()).toMatchObject({ windows: 1, rounds: 1 });
  for (const prefix of [...ROUND_RECORDS, 'participation/']) expect(keys(prefix)).toEqual([]);
  expect(kept.flatMap(keys)).toEqual(before);
  expect(store.read((ledger) => auditEntries(ledger, 0, 100)).at(-1)).toMatchObject({
    action: 'window.pruned',
    actor: 'system',
    details: { rounds: 1, participations: 6 },
  });
  expect(await registrar.maintain()).toMatchObject({ windows: 0, rounds: 0 });
});

it('leaves windows alone that are open, or were open a day ago', async () => {
  const { registrar, clock, coordinator, devices, keys } = await start();
  expect(await wholeRound(coordinator, 'a', devices)).toEqual(['roster', 'set']);
  for (const laterMs of [0, WINDOW_MS, DAY_MS, 2 * DAY_MS]) {
    clock.nowMs = START_MS + laterMs;
    await registrar.maintain();
    expect(keys('participation/')).toHaveLength(6);
  }
});

it('never lets a pruned window begin again, even if the clock is set back', async () => {
  const { registrar, clock, coordinator, devices } = await start();
  expect(await wholeRound(coordinator, 'a', devices)).toEqual(['roster', 'set']);
  const { window } = coordinator;
  // A clock that was wrong for a while: by it, the window of before is long over.
  clock.nowMs = START_MS + 400 * DAY_MS;
  expect(await registrar.maintain()).toMatchObject({ windows: 1 });
  clock.nowMs = START_MS;
  const refused = { kind: 'refused', code: 'window-not-now' };
  expect(await coordinator.openWindow(window)).toMatchObject(refused);
  const again = await coordinator.roster('again', devices);
  expect(again).toMatchObject({ kind: 'refused', code: 'window-not-open' });
  const set = await coordinator.set('survivor-set', 'a', 6, [0, 1, 2, 3, 4]);
  expect(set).toMatchObject({ kind: 'refused', code: 'round-unknown' });
  // A new incarnation is no way around it.
  await registrar.newIncarnation();
  expect(await coordinator.openWindow(window)).toMatchObject(refused);
  // The next window is another one.
  clock.nowMs += WINDOW_MS;
  expect(await wholeRound(coordinator, 'b', devices)).toEqual(['roster', 'set']);
  const twice = await coordinator.roster('c', devices);
  expect(twice).toMatchObject({ kind: 'refused', code: 'members-refused' });
});

it('keeps what is younger when it prunes what is older', async () => {
  const { registrar, clock, coordinator, devices, keys } = await start();
  await wholeRound(coordinator, 'old', devices);
  clock.nowMs += WINDOW_MS;
  await wholeRound(coordinator, 'young', devices);
  clock.nowMs = START_MS + WINDOW_MS / 2 + 30 * DAY_MS;
  expect(await registrar.maintain()).toMatchObject({ windows: 1, rounds: 1 });
  expect(keys('round/')).toHaveLength(1);
  expect(keys('participation/')).toHaveLength(6);
});

it('refuses to keep less than a roster may be open', async () => {
  const { store } = await start();
  expect(() => store.read((ledger) => expiredWindows(ledger, LEAST_RETENTION_MS - 1, 0))).toThrow(
    /retentionMs/,
  );
  const options = { seed: new Uint8Array(32).fill(1), tasks: [], epochLengthMs: EPOCH_MS };
  for (const [name, days] of [
    ['ledgerRetentionDays', 1],
    ['auditRetentionDays', 0],
  ] as const) {
    await expect(createRegistrar({ ...options, store, [name]: days })).rejects.toMatchObject({
      code: 'argument-invalid',
      field: name,
    });
  }
});
