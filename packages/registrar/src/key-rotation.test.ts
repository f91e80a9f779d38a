/** A change of the signing key, over HTTP and on lmdb, without a client. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LABELS, encodeLabelled, runDerive, toHex } from '@onlysum/crypto';
import { nativeSuite as suite } from '@onlysum/crypto/node';
import {
  type Certificate,
  announcementCheck,
  certificateCheck,
  population,
} from '@onlysum/protocol';
import { pino } from 'pino';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import {
  Coordinator,
  type Device,
  EPOCH_MS,
  REGISTRAR_SEED,
  START_MS,
  askHttp,
  deviceSeed,
  enrolDevices,
  makeTask,
} from '../test/fleet.js';
import {
  type RegistrarOptions,
  auditEntries,
  createRegistrar,
  lmdbStore,
  revocationsStatement,
  startRegistrar,
} from './index.js';

const EPOCH = Math.floor(START_MS / EPOCH_MS);
const NEW_SEED = new Uint8Array(32).fill(11);
const OLD_KEY = suite.ed25519PublicKey(REGISTRAR_SEED);
const NEW_KEY = suite.ed25519PublicKey(NEW_SEED);
const OLD_TASK = makeTask();
const NEW_TASK = makeTask({ name: 'acme', registrar: toHex(NEW_KEY) });

const root = mkdtempSync(join(tmpdir(), 'onlysum-rotation-'));
const ending: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

let stores = 0;
const freshPath = () => join(root, String(stores++));

/** On the store at `path`, which the one before must have closed. */
async function start(path: string, options: Partial<RegistrarOptions> = {}) {
  const store = lmdbStore(path);
  const clock = { nowMs: START_MS };
  ending.push(() => store.close());
  const server = await startRegistrar({
    seed: REGISTRAR_SEED,
    tasks: [OLD_TASK],
    epochLengthMs: EPOCH_MS,
    store,
    now: () => clock.nowMs,
    host: '127.0.0.1',
    port: 0,
    logger: pino({ level: 'silent' }),
    ...options,
  });
  ending.push(() => server.close());
  const post = async (path: string, body: Record<string, unknown>) => {
    const entries = Object.entries(body).map(([name, value]) => [
      name,
      value instanceof Uint8Array ? toHex(value) : value,
    ]);
    const answer = await fetch(server.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(Object.fromEntries(entries)),
    });
    const json = (await answer.json()) as Record<string, unknown> & { error?: { code: string } };
    return { status: answer.status, code: json.error?.code, json };
  };
  const actions = () =>
    store.read((ledger) => auditEntries(ledger, 0, 1000)).map(({ action }) => action);
  return { ...server, store, clock, post, actions };
}

async function stop() {
  for (const end of ending.splice(0).reverse()) await end();
}

const BOTH = {
  seed: NEW_SEED,
  previousSeeds: [REGISTRAR_SEED],
  tasks: [OLD_TASK, NEW_TASK],
} as const;

function recertifyBody(seed: Uint8Array, from = OLD_KEY, to = NEW_KEY) {
  const pseudonym = suite.ed25519PublicKey(seed);
  const statement = encodeLabelled(LABELS.keyChange, from, to, pseudonym);
  return { registrar: to, from, pseudonym, proof: suite.ed25519Sign(seed, statement) };
}

function isCertifiedBy(key: Uint8Array, json: Record<string, unknown>): boolean {
  const bytes = (name: string) => Buffer.from(String(json[name]), 'hex');
  const certificate = { ...json, pseudonym: bytes('pseudonym'), signature: bytes('signature') };
  const check = certificateCheck(key, certificate as unknown as Certificate);
  if (check.op !== 'ed25519-verify') throw new Error(check.op);
  return suite.ed25519Verify(check.publicKey, check.message, check.signature);
}

/** Under the new key, by the devices' own request. */
async function recertified(
  post: Awaited<ReturnType<typeof start>>['post'],
  devices: readonly Device[],
): Promise<Device[]> {
  return Promise.all(
    devices.map(async (device) => {
      const { status, json } = await post('/v1/recertify', recertifyBody(device.seed));
      expect(status).toBe(200);
      const signature = Buffer.from(String(json['signature']), 'hex');
      return { ...device, certificate: { ...device.certificate, signature } };
    }),
  );
}

async function rotated() {
  const path = freshPath();
  const before = await start(path);
  const devices = await enrolDevices(before.registrar, 6);
  await stop();
  return { devices, path, ...(await start(path, BOTH)) };
}

describe('a new signing key', () => {
  it('takes the store over once, with both seeds, and says so', async () => {
    const { url, path, registrar, actions } = await rotated();
    expect(registrar.health().keys).toEqual([toHex(NEW_KEY), toHex(OLD_KEY)]);
    expect(await (await fetch(`${url}/v1/key`)).json()).toMatchObject({
      publicKey: toHex(NEW_KEY),
      previousKeys: [toHex(OLD_KEY)],
    });
    const handedOver = ['registrar.closed', 'key.rotated', 'registrar.started'];
    expect(actions().slice(-3)).toEqual(handedOver);
    await stop();
    // Again is nothing new, and in the end without the old seed.
    expect((await start(path, BOTH)).actions().slice(-3)).toEqual([
      'registrar.started',
      'registrar.closed',
      'registrar.started',
    ]);
    await stop();
    const alone = await start(path, { seed: NEW_SEED, tasks: [NEW_TASK] });
    expect(alone.registrar.health().keys).toEqual([toHex(NEW_KEY)]);
  });

  it('cannot take it over alone, and the old one cannot take it back', async () => {
    const { path } = await rotated();
    await stop();
    const other = freshPath();
    await start(other);
    await stop();
    const options = { tasks: [], epochLengthMs: EPOCH_MS };
    for (const [at, seed] of [
      [other, NEW_SEED],
      [path, REGISTRAR_SEED],
    ] as const) {
      const store = lmdbStore(at);
      const opening = createRegistrar({ ...options, seed, store });
      await expect(opening).rejects.toMatchObject({ code: 'store-mismatch' });
      await store.close();
    }
    const store = lmdbStore(freshPath());
    const opening = createRegistrar({ ...options, seed: NEW_SEED, tasks: [OLD_TASK], store });
    await expect(opening).rejects.toMatchObject({ code: 'task-mismatch' });
    await store.close();
  });

  it('certifies what is enrolled under it, without making anybody two', async () => {
    const { devices, store, post, registrar } = await rotated();
    const [device] = devices;
    const first = await post('/v1/recertify', recertifyBody(device!.seed));
    expect(first).toMatchObject({ status: 200, json: { epoch: EPOCH } });
    expect(first.json['pseudonym']).toBe(toHex(device!.pseudonym));
    expect(isCertifiedBy(NEW_KEY, first.json)).toBe(true);
    expect(isCertifiedBy(OLD_KEY, first.json)).toBe(false);
    expect(await post('/v1/recertify', recertifyBody(device!.seed))).toEqual(first);
    expect(registrar.health().enrolled).toBe(6);
    expect(store.read(population)).toBe(6);
    // And back: a device may have tasks under either.
    const back = await post('/v1/recertify', recertifyBody(device!.seed, NEW_KEY, OLD_KEY));
    expect(isCertifiedBy(OLD_KEY, back.json)).toBe(true);
  });

  it('lets an enrolment have one pseudonym an epoch, under both keys together', async () => {
    const { devices, post, registrar } = await rotated();
    const [device] = devices;
    const renew = (name: string, key: Uint8Array, epoch: number) => {
      const seed = deviceSeed(name);
      const pseudonym = suite.ed25519PublicKey(seed);
      const fields = [key, device!.pseudonym, pseudonym, epoch];
      const statement = encodeLabelled(LABELS.renewal, ...fields);
      return post('/v1/renew', {
        registrar: key,
        previous: device!.pseudonym,
        pseudonym,
        epoch,
        authorisation: suite.ed25519Sign(device!.seed, statement),
        proof: suite.ed25519Sign(seed, statement),
      });
    };
    // Not for the same epoch, and for the next one under one key or the other.
    expect(await renew('now', NEW_KEY, EPOCH)).toMatchObject({ code: 'epoch-invalid' });
    const next = await renew('next', OLD_KEY, EPOCH + 1);
    expect(isCertifiedBy(OLD_KEY, next.json)).toBe(true);
    expect(await renew('twin', NEW_KEY, EPOCH + 1)).toMatchObject({ code: 'already-renewed' });
    const carried = await post('/v1/recertify', recertifyBody(deviceSeed('next')));
    expect(isCertifiedBy(NEW_KEY, carried.json)).toBe(true);
    expect(registrar.health().enrolled).toBe(6);
  });

  it('attests each task with the key it names, and counts a device once in each', async () => {
    const { devices, post, url, clock, store } = await rotated();
    const fresh = await recertified(post, devices);
    const old = new Coordinator(OLD_TASK, clock, askHttp(url));
    const next = new Coordinator(NEW_TASK, clock, askHttp(url));
    const windows = [await old.openWindow(), await next.openWindow()];
    // One fleet, whichever task asks.
    for (const answer of windows) {
      expect(answer).toMatchObject({ announcement: { enrolled: 6, population: 6 } });
    }
    const wrong = await next.roster('wrong', devices);
    expect(wrong).toMatchObject({ kind: 'refused', code: 'members-refused' });
    for (const [coordinator, members, name] of [
      [old, devices, 'a'],
      [next, fresh, 'b'],
    ] as const) {
      expect(await coordinator.roster(name, members)).toMatchObject({ kind: 'roster' });
      const all = [0, 1, 2, 3, 4, 5];
      expect(await coordinator.set('shared-set', name, 6, all)).toMatchObject({ kind: 'set' });
      expect(await coordinator.set('survivor-set', name, 6, all)).toMatchObject({ kind: 'set' });
      const again = await coordinator.roster(`${name} again`, members);
      expect(again).toMatchObject({ kind: 'refused', code: 'members-refused' });
    }
    expect(store.read(population)).toBe(6);
  });

  it('revokes under all keys, and signs the list with the one asked for', async () => {
    const { devices, post, url, registrar } = await rotated();
    await registrar.revoke(toHex(devices[0]!.pseudonym));
    const refused = await post('/v1/recertify', recertifyBody(devices[0]!.seed));
    expect(refused).toMatchObject({ status: 403, code: 'revoked' });
    for (const [query, key] of [
      ['', NEW_KEY],
      [`?registrar=${toHex(OLD_KEY)}`, OLD_KEY],
    ] as const) {
      const answer = await fetch(`${url}/v1/revocations${query}`);
      const list = (await answer.json()) as Parameters<typeof revocationsStatement>[0];
      const { signature } = list as unknown as { signature: string };
      const statement = revocationsStatement(list);
      expect(suite.ed25519Verify(key, statement, Buffer.from(signature, 'hex'))).toBe(true);
    }
    const unknown = await fetch(`${url}/v1/revocations?registrar=${'ab'.repeat(32)}`);
    expect(await unknown.json()).toMatchObject({ error: { code: 'registrar-key-unknown' } });
  });

  it('refuses strangers, wrong proofs and keys that are not its own', async () => {
    const { devices, post } = await rotated();
    const good = recertifyBody(devices[0]!.seed);
    const other = suite.ed25519PublicKey(deviceSeed('other registrar'));
    const cases: [Record<string, unknown>, string][] = [
      [recertifyBody(deviceSeed('stranger')), 'pseudonym-unknown'],
      [{ ...good, proof: recertifyBody(deviceSeed('stranger')).proof }, 'proof-invalid'],
      [recertifyBody(devices[0]!.seed, other), 'registrar-key-unknown'],
      [recertifyBody(devices[0]!.seed, NEW_KEY), 'registrar-key-unknown'],
      [recertifyBody(devices[0]!.seed, OLD_KEY, other), 'registrar-key-unknown'],
      // Signed for the way back.
      [
        { ...good, proof: recertifyBody(devices[0]!.seed, NEW_KEY, OLD_KEY).proof },
        'proof-invalid',
      ],
    ];
    for (const [body, code] of cases) {
      expect((await post('/v1/recertify', body)).code).toBe(code);
    }
  });

  it('certifies what was enrolled under a key that signs no more', async () => {
    const { devices, path } = await rotated();
    await stop();
    const alone = await start(path, { seed: NEW_SEED, tasks: [NEW_TASK] });
    const answer = await alone.post('/v1/recertify', recertifyBody(devices[0]!.seed));
    expect(isCertifiedBy(NEW_KEY, answer.json)).toBe(true);
    const back = recertifyBody(devices[0]!.seed, NEW_KEY, OLD_KEY);
    expect((await alone.post('/v1/recertify', back)).code).toBe('registrar-key-unknown');
  });
});

it('announces a window under the key that the task names', async () => {
  const { registrar } = await start(freshPath(), {
    seed: NEW_SEED,
    previousSeeds: [REGISTRAR_SEED],
    tasks: [OLD_TASK, NEW_TASK],
  });
  for (const [task, key] of [
    [OLD_TASK, OLD_KEY],
    [NEW_TASK, NEW_KEY],
  ] as const) {
    const announcement = await registrar.announcement(toHex(task.taskId));
    const check = announcementCheck(key, task.taskId, announcement);
    expect(runDerive(suite, [check])).toEqual([true]);
  }
});
