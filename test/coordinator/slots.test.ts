import { createClient, memoryStore as deviceStore } from '@onlysum/client/node';
import { type PublishedResult, startCoordinator } from '@onlysum/coordinator';
import { toHex } from '@onlysum/crypto';
import { poolCount, poolOf } from '@onlysum/protocol';
import { memoryStore, startRegistrar } from '@onlysum/registrar';
import { signManifest, verifySignedManifest, windowAt } from '@onlysum/task';
import { expect, it } from 'vitest';
import { freePort } from '../e2e/free-port.js';
import { captureLog, freshKeys, makeTask, suite, until } from './wire-fleet.js';
import { EPOCH_MS } from './wire-task.js';

const DEVICES = 36;
const WINDOW_MS = 8_000;
const COHORT = { min: 4, target: 4, max: 4 };
const FLOOR = { minHonest: 2, maxDevices: 1000, minCorrupt: 1, minPopulation: 0 };

/**
 * Nobody closes a cohort that is not full, and no stage ends before the window: whatever opens was filled by
 * devices that came to the same slot.
 *
 * Slots are seconds of real time here: on a machine that stands still for one, devices come late. What is
 * wrong is wrong each time.
 */
it('fills the cohorts of every pool at its slot', { retry: 2 }, async () => {
  const keys = freshKeys();
  const port = await freePort();
  const { manifest: plain } = makeTask(keys, { cohort: COHORT, window: WINDOW_MS });
  const url = `ws://127.0.0.1:${port}/v1/devices`;
  const signed = signManifest(
    suite,
    { ...plain, coordinator: { ...plain.coordinator, url } },
    keys.publisher,
  );
  const task = verifySignedManifest(suite, signed);
  const { logger } = captureLog();
  const {
    url: registrarUrl,
    registrar,
    ...server
  } = await startRegistrar({
    ...{ seed: keys.registrar, tasks: [task], epochLengthMs: EPOCH_MS, store: memoryStore() },
    ...{ host: '127.0.0.1', port: 0, logger },
  });
  const results: PublishedResult[] = [];
  const coordinator = await startCoordinator({
    ...{ tasks: [task], seed: keys.coordinator, registrar, host: '127.0.0.1', port, logger },
    durations: { gatherMs: 10 * WINDOW_MS },
    onResult: (result) => void results.push(result),
  });
  const problems: string[] = [];
  const present = () => windowAt(task.manifest, Date.now()).index;
  let index = Number.POSITIVE_INFINITY;
  const stores = Array.from({ length: DEVICES }, () => deviceStore());
  /** Devices in the order in which they came in the window that counts. */
  const came: number[] = [];
  const clients = await Promise.all(
    stores.map(async (store, device) => {
      const client = await createClient<{ crashes: number }>({
        ...{ manifest: signed, publisherKey: task.manifest.publisher, registrarUrl },
        ...{ floor: FLOOR, store, onProblem: ({ code }) => problems.push(code) },
        onProgress: ({ stage }) => {
          if (stage === 'advertised' && present() === index) came.push(device);
        },
      });
      const [code = ''] = await registrar.makeCodes(1, 60_000);
      await client.enrol(code);
      client.record('crashes', 1);
      return client;
    }),
  );
  const pseudonyms = await Promise.all(
    stores.map(async (store) => {
      const [own] = Object.values((await store.read()).registrars);
      return Buffer.from(own?.pseudonyms[0]?.publicKey ?? '', 'hex');
    }),
  );
  index = present() + 1;
  for (const client of clients) client.start();
  await until(() => present() === index);
  const { enrolled, pools, value } = await registrar.announcement(toHex(task.taskId));
  expect(enrolled).toBe(DEVICES);
  expect(pools).toBe(poolCount(DEVICES, COHORT.max));
  expect(pools).toBeGreaterThan(1);
  const sizes = new Array<number>(pools).fill(0);
  const poolOfDevice = pseudonyms.map((pseudonym) => poolOf(suite, value, pseudonym, pools));
  for (const pool of poolOfDevice) sizes[pool]!++;
  const full = sizes.reduce((sum, size) => sum + Math.floor(size / COHORT.target), 0);
  await until(() => present() > index, 2 * WINDOW_MS);
  const opened = results.filter(({ window }) => window.index === index);
  expect(opened.length).toBe(full);
  for (const { devices } of opened) expect(devices).toBe(COHORT.target);
  // One pool after the other.
  // A device that was late for the window before may be sent away from it first.
  const inOrder = [...new Set(came.toReversed())].toReversed();
  const pooled = inOrder.map((device) => poolOfDevice[device] ?? -1);
  expect(pooled.length).toBe(DEVICES);
  expect(pooled).toEqual(pooled.toSorted((a, b) => a - b));
  for (const client of clients) client.stop();
  await Promise.all(clients.map((client) => client.close()));
  expect(problems.filter((code) => code === 'announcement-signature')).toEqual([]);
  await coordinator.close({ graceMs: 0 });
  await server.close();
});
