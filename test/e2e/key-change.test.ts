/** What a device keeps, and asks for, while its registrar changes its key: without rounds. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ClientStore, memoryStore } from '@onlysum/client/node';
import { systemRng, toHex } from '@onlysum/crypto';
import { population } from '@onlysum/protocol';
import { type RunningRegistrar, lmdbStore, startRegistrar } from '@onlysum/registrar';
import { type Task, signManifest, verifySignedManifest } from '@onlysum/task';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { enrolWith, pseudonymFor } from '../../packages/client/src/enrolment.js';
import { takeRegistrar } from '../../packages/client/src/key-change.js';
import { EPOCH_MS, freshKeys, makeTask, suite } from '../coordinator/wire-task.js';

const keys = freshKeys();
const nextKey = freshKeys().registrar;
const first = makeTask(keys);
const other = makeTask(keys, { name: 'other' });
const second = (() => {
  const registrar = toHex(suite.ed25519PublicKey(nextKey));
  const manifest = { ...first.manifest, version: 2, registrar };
  return verifySignedManifest(suite, signManifest(suite, manifest, keys.publisher));
})();

const EPOCH = 20_000;
let nowMs: number;
let root: string;
let lmdb: ReturnType<typeof lmdbStore>;
let running: RunningRegistrar;
let record: ClientStore;

beforeEach(async () => {
  nowMs = EPOCH * EPOCH_MS + EPOCH_MS / 2;
  root = mkdtempSync(join(tmpdir(), 'onlysum-key-change-'));
  lmdb = lmdbStore(root);
  record = memoryStore();
  const options = { epochLengthMs: EPOCH_MS, store: lmdb, now: () => nowMs };
  const at = { host: '127.0.0.1', port: 0, logger: pino({ level: 'silent' }) };
  const before = await startRegistrar({
    ...options,
    ...at,
    seed: keys.registrar,
    tasks: [first, other],
  });
  await before.close();
  running = await startRegistrar({
    ...options,
    ...at,
    seed: nextKey,
    previousSeeds: [keys.registrar],
    tasks: [first, other, second],
  });
});
afterEach(async () => {
  await running.close();
  await lmdb.close();
  rmSync(root, { recursive: true });
});

/** @param losing - path whose answers get lost. */
async function ports(task: Task, losing?: string) {
  await record.update((before) => [takeRegistrar(before, task), undefined]);
  const lossy = async (url: string, init: RequestInit) => {
    const answer = await fetch(url, init);
    if (losing !== undefined && url.endsWith(losing)) throw new TypeError('connection reset');
    return answer;
  };
  const call = { fetch: lossy, url: running.url, holdsProcess: true };
  return { task, store: record, suite, rng: systemRng, call: call as never };
}

async function enrol(task: Task, replace = false): Promise<void> {
  const [code = ''] = await running.registrar.makeCodes(1, 60_000);
  await enrolWith(await ports(task), code, { replace });
}

async function pseudonym(task: Task, epoch: number, losing?: string): Promise<string> {
  const { certificate } = await pseudonymFor(await ports(task, losing), epoch);
  return toHex(certificate.pseudonym);
}

function enrolled(): number | null {
  return running.registrar.health().enrolled;
}

it('asks on with a key whose answer was lost under the old one', async () => {
  await enrol(first);
  const lost = pseudonym(first, EPOCH + 1, '/v1/renew');
  await expect(lost).rejects.toMatchObject({ code: 'registrar-unavailable' });
  nowMs += EPOCH_MS;
  const renewed = await pseudonym(second, EPOCH + 1);
  expect(enrolled()).toBe(1);
  nowMs += EPOCH_MS;
  expect(await pseudonym(second, EPOCH + 2)).not.toBe(renewed);
  expect(lmdb.read(population)).toBe(1);
});

it('asks no more with a key that another task of the device has had answered', async () => {
  await enrol(first);
  await ports(other);
  const lost = pseudonym(other, EPOCH + 1, '/v1/renew');
  await expect(lost).rejects.toMatchObject({ code: 'registrar-unavailable' });
  // Carried over with the key that was asked for.
  const present = await pseudonym(second, EPOCH);
  expect(await pseudonym(other, EPOCH)).toBe(present);
  nowMs += EPOCH_MS;
  const answered = await pseudonym(other, EPOCH + 1);
  expect(await pseudonym(second, EPOCH + 1)).toBe(answered);
  nowMs += EPOCH_MS;
  expect(await pseudonym(second, EPOCH + 2)).not.toBe(answered);
  expect(enrolled()).toBe(1);
  expect(lmdb.read(population)).toBe(1);
});

it('takes no second enrolment for a device that has one under the old key', async () => {
  await enrol(first);
  await expect(enrol(second)).rejects.toMatchObject({ code: 'already-enrolled' });
  expect(lmdb.read(population)).toBe(1);
});

it('gives an enrolment up under all keys', async () => {
  await enrol(first);
  const ahead = await pseudonym(first, EPOCH + 1);
  await enrol(second, true);
  expect(lmdb.read(population)).toBe(2);
  nowMs += EPOCH_MS;
  const own = await pseudonym(second, EPOCH + 1);
  expect(own).not.toBe(ahead);
  expect(enrolled()).toBe(2);
});

it('follows a registrar only for a task that has moved', async () => {
  await enrol(first);
  // Another publisher's task, or one that was never under the old key, says nothing about it.
  const stranger = freshKeys();
  const manifest = { ...second.manifest, publisher: publisherOf(stranger.publisher) };
  const foreign = verifySignedManifest(suite, signManifest(suite, manifest, stranger.publisher));
  const named = { ...second.manifest, name: 'new' };
  const fresh = verifySignedManifest(suite, signManifest(suite, named, keys.publisher));
  for (const task of [foreign, fresh]) {
    await expect(pseudonym(task, EPOCH)).rejects.toMatchObject({ code: 'not-enrolled' });
  }
  await expect(pseudonym(second, EPOCH)).resolves.toMatch(/^[0-9a-f]{64}$/);
});

function publisherOf(seed: Uint8Array): string {
  return toHex(suite.ed25519PublicKey(seed));
}
