/**
 * A registrar changes its signing key while a fleet runs: real servers, real clients, one lmdb store. The
 * devices are enrolled once, before.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Client, type ClientStore, createClient, memoryStore } from '@onlysum/client/node';
import { nodeTransport } from '../../packages/client/src/node/ws-transport.js';
import { type PublishedResult, startCoordinator } from '@onlysum/coordinator';
import { toHex } from '@onlysum/crypto';
import { population } from '@onlysum/protocol';
import { lmdbStore, startRegistrar } from '@onlysum/registrar';
import { type Task, signManifest, verifySignedManifest } from '@onlysum/task';
import { pino } from 'pino';
import { afterAll, afterEach, expect, it } from 'vitest';
import { freshKeys, makeTask, suite } from '../coordinator/wire-task.js';

const FLOOR = { minHonest: 2, maxDevices: 1000, minCorrupt: 1, minPopulation: 0 };
const DAY_MS = 86_400_000;
const silent = pino({ level: 'silent' });
const root = mkdtempSync(join(tmpdir(), 'onlysum-rotation-e2e-'));
const ending: (() => Promise<unknown>)[] = [];
afterEach(stop);
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function stop(): Promise<void> {
  for (const end of ending.splice(0).reverse()) await end();
}

const keys = freshKeys();
const nextKey = freshKeys().registrar;
const first = makeTask(keys, { cohort: { min: 3, target: 3, max: 3 }, dropout: 0 });
const second = successor(first, 2);
/** In the middle of an hour. */
const clock = { nowMs: Math.floor(Date.now() / DAY_MS) * DAY_MS + 12 * 3_600_000 + 1_800_000 };

function successor({ manifest }: Task, version: number, name = manifest.name): Task {
  const registrar = toHex(suite.ed25519PublicKey(nextKey));
  const changed = { ...manifest, name, version, registrar };
  return verifySignedManifest(suite, signManifest(suite, changed, keys.publisher));
}

/** Registrar and coordinator for some tasks. */
async function serve(seed: Uint8Array, previousSeeds: Uint8Array[], tasks: readonly Task[]) {
  const at = { host: '127.0.0.1', port: 0, logger: silent, now: () => clock.nowMs };
  const store = lmdbStore(join(root, 'store'));
  ending.push(() => store.close());
  const epochLengthMs = first.manifest.epoch.lengthMs;
  const running = await startRegistrar({
    ...at,
    seed,
    previousSeeds,
    tasks,
    epochLengthMs,
    store,
  });
  ending.push(() => running.close());
  const results: PublishedResult[] = [];
  const coordinator = await startCoordinator({
    ...at,
    tasks,
    seed: keys.coordinator,
    registrar: running.registrar,
    onResult: (result) => void results.push(result),
  });
  ending.push(() => coordinator.close({ graceMs: 0 }));
  const client = async (task: Task, record: ClientStore): Promise<Client> => {
    const made = await createClient({
      manifest: { manifest: task.manifest, signature: toHex(task.signature) },
      publisherKey: task.manifest.publisher,
      registrarUrl: running.url,
      store: record,
      floor: FLOOR,
      now: () => clock.nowMs,
      // The manifests name no port: each start has another.
      transport: { connect: (_, options) => nodeTransport.connect(coordinator.url, options) },
    });
    return made;
  };
  return { running, store, results, client };
}

async function submitAll(clients: readonly Client[]) {
  const receipts = await Promise.all(
    clients.map((client) => {
      client.record('crashes', 1);
      return client.submit({ timeoutMs: 40_000 });
    }),
  );
  return receipts.map(({ included, survivors }) => ({ included, survivors }));
}

const INCLUDED = Array.from({ length: 3 }, () => ({ included: true, survivors: 3 }));

it('and devices go on under the new key, without codes, each as one device', async () => {
  const records = Array.from({ length: 3 }, () => memoryStore());
  const before = await serve(keys.registrar, [], [first]);
  const clients = await Promise.all(records.map((record) => before.client(first, record)));
  const codes = await before.running.registrar.makeCodes(3, 60_000);
  await Promise.all(clients.map((client, i) => client.enrol(codes[i] ?? '')));
  expect(await submitAll(clients)).toEqual(INCLUDED);
  await stop();

  // The overlap: both keys, both manifests, and a twin of the old task that stays behind.
  const both = await serve(nextKey, [keys.registrar], [first, second]);
  const late = await Promise.all(records.map((record) => both.client(first, record)));
  await expect(late[0]!.submit({ attempts: 1 })).rejects.toMatchObject({
    code: 'already-contributed',
  });
  const moved = await Promise.all(records.map((record) => both.client(second, record)));
  expect(moved.map(({ isEnrolled }) => isEnrolled)).toEqual([true, true, true]);
  // A window once is a window once, under whichever key: the device's own record.
  await expect(moved[0]!.submit({ attempts: 1 })).rejects.toMatchObject({
    code: 'already-contributed',
  });
  clock.nowMs += 3_600_000;
  expect(await submitAll(moved)).toEqual(INCLUDED);
  expect(both.results.map(({ task }) => task.version)).toEqual([2]);
  expect(both.store.read(population)).toBe(3);
  expect(both.running.registrar.health().enrolled).toBe(3);
  // A code that the device was enrolled by is still that code.
  await moved[0]!.enrol(codes[0] ?? '');
  // Nor does a device go back.
  await expect(both.client(first, records[0]!)).rejects.toMatchObject({
    code: 'manifest-rollback',
  });
  await stop();

  // The old key is gone. Next epoch: renewed under the new one alone.
  clock.nowMs += DAY_MS;
  const after = await serve(nextKey, [], [second]);
  const again = await Promise.all(records.map((record) => after.client(second, record)));
  expect(await submitAll(again)).toEqual(INCLUDED);
  expect(after.running.registrar.health().enrolled).toBe(3);
  expect(after.store.read(population)).toBe(3);
});

it('and a device that slept through the overlap, or has a task under each key, goes on', async () => {
  rmSync(join(root, 'store'), { recursive: true });
  const other = makeTask(keys, { ...cohortOf(first), name: 'other' });
  const records = Array.from({ length: 3 }, () => memoryStore());
  const before = await serve(keys.registrar, [], [first, other]);
  const clients = await Promise.all(records.map((record) => before.client(first, record)));
  const codes = await before.running.registrar.makeCodes(3, 60_000);
  await Promise.all(clients.map((client, i) => client.enrol(codes[i] ?? '')));
  await Promise.all(records.map((record) => before.client(other, record)));
  await stop();

  // Three epochs later, one task has moved and the other has not.
  clock.nowMs += 3 * DAY_MS;
  const both = await serve(nextKey, [keys.registrar], [second, other]);
  const moved = await Promise.all(records.map((record) => both.client(second, record)));
  const stayed = await Promise.all(records.map((record) => both.client(other, record)));
  expect(await submitAll(moved)).toEqual(INCLUDED);
  clock.nowMs += DAY_MS;
  // Renewed under the old key now, for the other task; and carried to the new one.
  expect(await submitAll(stayed)).toEqual(INCLUDED);
  clock.nowMs += 3_600_000;
  expect(await submitAll(moved)).toEqual(INCLUDED);
  expect(both.running.registrar.health().enrolled).toBe(3);
  expect(both.store.read(population)).toBe(3);
  const seen = await Promise.all(records.map((record) => record.read()));
  for (const { registrars } of seen) {
    const pseudonyms = Object.values(registrars).map((r) => r.pseudonyms.at(-1)?.publicKey);
    expect(new Set(pseudonyms).size).toBe(1);
  }
});

it('and a device whose registrar does not know it says that it is not enrolled', async () => {
  rmSync(join(root, 'store'), { recursive: true });
  const record = memoryStore();
  const before = await serve(keys.registrar, [], [first]);
  const [code = ''] = await before.running.registrar.makeCodes(1, 60_000);
  await (await before.client(first, record)).enrol(code);
  await stop();
  // Another registrar altogether, on a store of its own.
  rmSync(join(root, 'store'), { recursive: true });
  const stranger = await serve(nextKey, [], [second]);
  const client = await stranger.client(second, record);
  await expect(client.submit({ attempts: 1 })).rejects.toMatchObject({ code: 'not-enrolled' });
  const [fresh = ''] = await stranger.running.registrar.makeCodes(1, 60_000);
  await client.enrol(fresh);
  expect(stranger.running.registrar.health().enrolled).toBe(1);
});

function cohortOf({ manifest: { cohort } }: Task) {
  return { cohort, dropout: 0 };
}
