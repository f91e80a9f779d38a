/** The registrar's audit log, on lmdb. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toHex } from '@onlysum/crypto';
import { nativeSuite as suite } from '@onlysum/crypto/node';
import { EMPTY_HEAD, verifyChain } from '@onlysum/service';
import { afterAll, afterEach, expect, it } from 'vitest';
import {
  Coordinator,
  askAttest,
  enrolDevices,
  enrolRequest,
  deviceSeed,
  makeTask,
  openRegistrar,
  roundId,
  signRequest,
} from '../test/fleet.js';
import { type RegistrarStore, auditBase, auditEntries, auditHead, lmdbStore } from './index.js';

const root = mkdtempSync(join(tmpdir(), 'onlysum-audit-'));
const open: RegistrarStore[] = [];
afterEach(async () => {
  for (const store of open.splice(0)) await store.close();
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

let stores = 0;

async function start() {
  const store = lmdbStore(join(root, String(stores++)));
  open.push(store);
  const task = makeTask();
  const { registrar, clock } = await openRegistrar([task], store);
  const coordinator = new Coordinator(task, clock, askAttest(registrar));
  const entries = () => store.read((ledger) => auditEntries(ledger, 0, 1000));
  const actions = () => entries().map(({ action, outcome }) => `${action} ${outcome}`);
  return { store, task, registrar, clock, coordinator, entries, actions };
}

it('tells what was done, in order, and holds together', async () => {
  const { store, task, registrar, coordinator, entries } = await start();
  const devices = await enrolDevices(registrar, 6);
  await coordinator.openWindow();
  await coordinator.roster('a', devices);
  await coordinator.set('shared-set', 'a', 6, [0, 1, 2, 3, 4, 5]);
  await coordinator.set('survivor-set', 'a', 6, [0, 1, 2, 3, 4]);
  await coordinator.close('a');
  await registrar.revoke(toHex(devices[0]!.pseudonym));
  await registrar.newIncarnation();
  const round = toHex(roundId('a'));
  const acme = { task: 'acme', version: 1 };
  const done = { outcome: 'done' };
  const enrolled = (count: number) => {
    const details = { by: 'code', epoch: 20_833, enrolled: count };
    return { ...done, action: 'enrolment.made', actor: 'device', details };
  };
  expect(entries()).toMatchObject([
    { ...done, action: 'registrar.started', actor: 'system', details: { previousKeys: '' } },
    { ...done, action: 'codes.made', actor: 'operator', details: { count: 6 } },
    ...[1, 2, 3, 4, 5, 6].map(enrolled),
    {
      ...done,
      action: 'window.announced',
      actor: 'coordinator',
      subject: toHex(task.taskId),
      details: { ...acme, window: coordinator.window, enrolled: 6, population: 6, pools: 1 },
    },
    { ...done, action: 'roster.attested', subject: round, details: { ...acme, devices: 6 } },
    { ...done, action: 'shared-set.attested', subject: round, details: { ...acme, devices: 6 } },
    { ...done, action: 'survivor-set.attested', subject: round, details: { ...acme, devices: 5 } },
    { ...done, action: 'enrolment.revoked', actor: 'operator', details: { pseudonyms: 1 } },
    { ...done, action: 'incarnation.begun', actor: 'operator' },
  ]);
  const all = entries();
  const { head, fault } = verifyChain(suite, all);
  expect(fault).toBeUndefined();
  expect(head).toEqual(store.read(auditHead));
  expect(registrar.health().audit).toEqual(head);
  const text = JSON.stringify(all);
  for (const { pseudonym, certificate } of devices) {
    expect(text).not.toContain(toHex(pseudonym));
    expect(text).not.toContain(toHex(certificate.signature));
  }
  const edited = all.map((entry, i) => (i === 9 ? { ...entry, details: { devices: 7 } } : entry));
  expect(verifyChain(suite, edited).fault).toEqual({ sequence: 10, reason: 'edited' });
});

it('tells of a window that a device was the first to ask for, once', async () => {
  const { task, registrar, coordinator, entries } = await start();
  const { window } = await registrar.announcement(toHex(task.taskId));
  await coordinator.openWindow();
  await registrar.announcement(toHex(task.taskId));
  expect(entries().filter(({ action }) => action === 'window.announced')).toMatchObject([
    {
      actor: 'device',
      subject: toHex(task.taskId),
      outcome: 'done',
      details: { task: 'acme', version: 1, window, enrolled: 0, population: 0, pools: 1 },
    },
  ]);
});

it('tells of refusals to the coordinator, and of nothing that anybody else can cause', async () => {
  const { registrar, coordinator, actions, entries } = await start();
  const devices = await enrolDevices(registrar, 6);
  await coordinator.openWindow();
  const before = actions().length;
  // Again: nothing new.
  await coordinator.openWindow();
  const request = coordinator.rosterRequest('a', coordinator.members('a', devices));
  const [first, second] = [await coordinator.ask(request), await coordinator.ask(request)];
  expect(second).toEqual(first);
  expect(actions().slice(before)).toEqual(['roster.attested done']);
  // Another roster of the same devices.
  await coordinator.roster('b', devices);
  expect(entries().at(-1)).toMatchObject({
    action: 'roster.attested',
    actor: 'coordinator',
    subject: toHex(roundId('b')),
    outcome: 'refused',
    details: { code: 'members-refused', members: 6, devices: 6 },
  });
  const after = actions().length;
  const stranger = new Uint8Array(32).fill(77);
  const members = Uint8Array.of(0b111111);
  await coordinator.ask(
    signRequest({ kind: 'shared-set', round: roundId('a'), members }, stranger),
  );
  await coordinator.ask(signRequest({ kind: 'close', round: roundId('none') }));
  const window = { kind: 'window', taskId: coordinator.task.taskId, window: 1 } as const;
  await coordinator.ask(signRequest(window, stranger));
  await expect(
    registrar.enrol(enrolRequest(registrar.publicKey, 'a-guess', deviceSeed('x'))),
  ).rejects.toMatchObject({ code: 'code-invalid' });
  expect(actions()).toHaveLength(after);
});

it('keeps an entry and what it tells together, or neither', async () => {
  const { store, registrar, actions } = await start();
  const [code = ''] = await registrar.makeCodes(1, 60_000);
  const before = actions();
  const request = enrolRequest(registrar.publicKey, code, deviceSeed('a'));
  await registrar.enrol(request);
  await registrar.enrol(request);
  expect(actions()).toEqual([...before, 'enrolment.made done']);
  // A revocation that fails leaves no entry.
  await expect(registrar.revoke('0'.repeat(64))).rejects.toMatchObject({
    code: 'pseudonym-unknown',
  });
  expect(actions()).toEqual([...before, 'enrolment.made done']);
  expect(store.read(auditHead).sequence).toBe(before.length + 1);
});

it('forgets old entries, says so, and what is left follows the head that is kept', async () => {
  const { store, registrar, clock, entries, actions } = await start();
  const day = 86_400_000;
  for (let i = 0; i < 3; i++) await registrar.makeCodes(1, 1000);
  const old = entries();
  clock.nowMs += 200 * day;
  for (let i = 0; i < 2; i++) await registrar.makeCodes(1, 1000);
  expect((await registrar.maintain()).auditEntries).toBe(0);
  clock.nowMs += 165 * day + 1;
  expect(await registrar.maintain()).toMatchObject({ auditEntries: old.length });
  expect(actions()).toEqual(['codes.made done', 'codes.made done', 'audit.pruned done']);
  const base = store.read(auditBase);
  expect(base).toEqual({ sequence: 4, digest: old.at(-1)!.digest });
  expect(entries().at(-1)!.details).toEqual({ entries: 4, through: 4, digest: base.digest });
  expect(verifyChain(suite, entries(), base).fault).toBeUndefined();
  // Beginning anywhere else, it does not hold.
  expect(verifyChain(suite, entries(), EMPTY_HEAD).fault?.reason).toBe('missing-or-moved');
  expect(verifyChain(suite, entries().slice(1), base).fault?.reason).toBe('missing-or-moved');
  expect((await registrar.maintain()).auditEntries).toBe(0);
});

it('forgets thousands in steps', async () => {
  const { store, registrar, clock, entries } = await start();
  for (let i = 0; i < 1201; i++) await registrar.makeCodes(1, 1000);
  clock.nowMs += 366 * 86_400_000;
  expect((await registrar.maintain()).auditEntries).toBe(1202);
  expect(entries().map(({ action }) => action)).toEqual(Array(3).fill('audit.pruned'));
  expect(verifyChain(suite, entries(), store.read(auditBase)).fault).toBeUndefined();
});
