/** A stolen store, without the key file, does not say who took part in which round: every store, after one. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toHex } from '@onlysum/crypto';
import { nativeSuite as suite } from '@onlysum/crypto/node';
import { type LedgerValue, findParticipant } from '@onlysum/protocol';
import { afterAll, expect, it } from 'vitest';
import { asAdministrator, emptySchema, hasPostgres } from '../../../test/postgres/database.js';
import {
  Coordinator,
  type Device,
  REGISTRAR_SEED,
  WINDOW_MS,
  askAttest,
  enrolDevices,
  makeTask,
  openRegistrar,
  roundId,
} from '../test/fleet.js';
import { type RegistrarStore, lmdbStore, memoryStore, postgresStore } from './index.js';

const root = mkdtempSync(join(tmpdir(), 'onlysum-who-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const ALL = [0, 1, 2, 3, 4, 5];
/** What must name pseudonyms: enrolments and revocations. */
const NAMED = ['pseudonym/', 'lineage/', 'revoked/', 'code/'];

/** Two windows: a round that was attested whole, and one that ended after its roster. */
async function takePart(store: RegistrarStore): Promise<readonly Device[]> {
  const task = makeTask();
  const { registrar, clock } = await openRegistrar([task], store);
  const coordinator = new Coordinator(task, clock, askAttest(registrar));
  const devices = await enrolDevices(registrar, 6);
  await coordinator.openWindow();
  await coordinator.roster('a', devices);
  await coordinator.set('shared-set', 'a', 6, ALL);
  expect(await coordinator.set('survivor-set', 'a', 6, ALL)).toMatchObject({ kind: 'set' });
  clock.nowMs += WINDOW_MS;
  await coordinator.openWindow();
  expect(await coordinator.roster('b', devices)).toMatchObject({ kind: 'roster' });
  return devices;
}

/** Each record as hex of all its bytes, and as its text. */
function everything(store: RegistrarStore): { key: string; text: string }[] {
  return store.read((ledger) =>
    [...ledger.keys('')].map((key) => ({ key, text: textOf(ledger.read(key) ?? null) })),
  );
}

function textOf(value: LedgerValue): string {
  if (value instanceof Uint8Array) return toHex(value);
  return JSON.stringify(value, (_, field: unknown) =>
    field instanceof Uint8Array ? toHex(field) : field,
  );
}

function expectNobodyNamed(store: RegistrarStore, devices: readonly Device[]): void {
  const records = everything(store);
  const ofRounds = records.filter(({ key }) => /^(participation|round)\//.test(key));
  // 6 in each of two windows, and two rounds.
  expect(ofRounds).toHaveLength(14);
  const unnamed = records.filter(({ key }) => !NAMED.some((prefix) => key.startsWith(prefix)));
  const all = unnamed.map(({ key, text }) => `${key} ${text}`).join('\n');
  for (const { pseudonym } of devices) expect(all).not.toContain(toHex(pseudonym));
  const ids = records
    .filter(({ key }) => key.startsWith('participation/'))
    .map(({ key }) => key.split('/')[3]);
  // Nobody has one id in two windows.
  expect(new Set(ids).size).toBe(12);
  // With the key, the way back is there.
  devices.forEach(({ pseudonym }, place) => {
    const round = toHex(roundId('a'));
    const found = store.read((ledger) =>
      findParticipant(ledger, suite, [REGISTRAR_SEED], round, place),
    );
    expect(found).toBe(toHex(pseudonym));
  });
}

/** Of neighbours in a roster, raw: the record of a round would hold them one after the other. */
function neighbours(devices: readonly Device[]): Buffer[] {
  return devices
    .slice(1)
    .map(({ pseudonym }, i) => Buffer.concat([devices[i]?.pseudonym ?? pseudonym, pseudonym]));
}

it('in memory', async () => {
  const store = memoryStore();
  expectNobodyNamed(store, await takePart(store));
  await store.close();
});

it('in the bytes of an lmdb file', async () => {
  const path = join(root, 'store');
  const store = lmdbStore(path);
  const devices = await takePart(store);
  expectNobodyNamed(store, devices);
  await store.close();
  const file = readFileSync(join(path, 'data.mdb'));
  const [, taskId = ''] = /participation\/([0-9a-f]{64})\//.exec(file.toString('latin1')) ?? [];
  expect(taskId).toBe(toHex(makeTask().taskId));
  for (const { pseudonym } of devices) {
    expect(file.includes(`pseudonym/${toHex(pseudonym)}`)).toBe(true);
    expect(file.toString('latin1')).not.toMatch(
      new RegExp(`participation/${taskId}/[0-9]+/${toHex(pseudonym)}`),
    );
  }
  for (const pair of neighbours(devices)) expect(file.includes(pair)).toBe(false);
});

it.skipIf(!hasPostgres)('in the rows of PostgreSQL', async () => {
  const place = await emptySchema();
  const store = await postgresStore(place);
  const devices = await takePart(store);
  expectNobodyNamed(store, devices);
  await store.close();
  const query = `select key, encode(value, 'hex') as value from registrar_ledger
    where key like 'participation/%' or key like 'round/%'`;
  const { rows } = await asAdministrator((client) => client.query(query), place);
  expect(rows).toHaveLength(14);
  const text = JSON.stringify(rows);
  for (const { pseudonym } of devices) expect(text).not.toContain(toHex(pseudonym));
});
