/** The audit log by the API: what verifying it finds, and that reading it is an access as well. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type CoordinatorStore,
  lmdbCoordinatorStore,
  memoryCoordinatorStore,
  postgresCoordinatorStore,
} from '@onlysum/coordinator';
import { type AuditEntry, nextEntry, openLmdb } from '@onlysum/service';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { suite } from '../coordinator/wire-fleet.js';
import { asAdministrator, emptySchema, hasPostgres } from '../postgres/database.js';
import { type AdminFleet, startAdminFleet } from './admin-fleet.js';

let admin: AdminFleet | undefined;
let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'onlysum-audit-'));
});
afterEach(async () => {
  await admin?.close();
  admin = undefined;
});
afterAll(() => rm(directory, { recursive: true, force: true }));

/** A store, and how entries above a number are deleted behind its back. */
interface Cuttable {
  readonly store: CoordinatorStore;
  readonly cut: (above: number) => Promise<unknown>;
}

/** What is read of the log goes through `change`. */
function changed(change: (entries: readonly AuditEntry[]) => readonly AuditEntry[]) {
  const inner = memoryCoordinatorStore();
  const auditEntries: CoordinatorStore['auditEntries'] = async (page) =>
    change(await inner.auditEntries(page));
  return { ...inner, auditEntries };
}

async function inMemory(): Promise<Cuttable> {
  let last = Infinity;
  const store = changed((entries) => entries.filter(({ sequence }) => sequence <= last));
  return { store, cut: async (above) => (last = above) };
}

async function onLmdb(): Promise<Cuttable> {
  const path = join(directory, 'store');
  return {
    store: lmdbCoordinatorStore(path),
    cut: async (above) => {
      const raw = openLmdb(path, (database) => database);
      raw.write((database) => {
        const keys = [...database.getKeys({ start: 'audit/', end: 'audit/\uffff' })];
        for (const key of keys.slice(above)) database.removeSync(key);
      });
      await raw.close();
    },
  };
}

async function onPostgres(): Promise<Cuttable> {
  const connection = await emptySchema();
  return {
    store: await postgresCoordinatorStore(connection),
    cut: (above) =>
      asAdministrator(
        (client) => client.query('delete from coordinator_audit where sequence > $1', [above]),
        connection,
      ),
  };
}

const KINDS = [
  ['in memory', inMemory],
  ['on lmdb', onLmdb],
  ...(hasPostgres ? [['on PostgreSQL', onPostgres] as const] : []),
] as const;

describe('verifying the log', () => {
  it.each(KINDS)('finds that its end was cut off, %s', async (_, open) => {
    const { store, cut } = await open();
    admin = await startAdminFleet({ store, withRound: false });
    const { operator: token } = admin.tokens;
    const { sequence } = await store.auditHead();
    const whole = await admin.call('/audit/verify', { token });
    expect(whole.json).toMatchObject({ entries: sequence, head: { sequence } });
    expect(whole.json.fault).toBeUndefined();
    await cut(sequence - 2);
    const { json } = await admin.call('/audit/verify', { token });
    expect(json).toMatchObject({
      ...{ entries: sequence - 2, head: { sequence: sequence - 2 } },
      fault: { sequence: sequence - 1, reason: 'truncated' },
    });
  });

  it('finds that its end was written anew', async () => {
    let isForged = false;
    const store = changed((entries) => {
      const last = entries.at(-1);
      if (!isForged || last === undefined) return entries;
      const head = { sequence: last.sequence - 1, digest: last.previous };
      const event = { action: 'nothing', actor: 'nobody', outcome: 'done' } as const;
      return [...entries.slice(0, -1), nextEntry(suite, head, event, last.atMs)];
    });
    admin = await startAdminFleet({ store, withRound: false });
    isForged = true;
    const { sequence } = await store.auditHead();
    const { json } = await admin.call('/audit/verify', { token: admin.tokens.auditor });
    expect(json.fault).toEqual({ sequence, reason: 'rewritten' });
  });

  it('is entered with what was found, and again when that is another', async () => {
    const { store, cut } = await inMemory();
    admin = await startAdminFleet({ store, withRound: false });
    const { token, id: actor } = await admin.makeToken({ role: 'operator' });
    const { sequence: after } = await store.auditHead();
    for (let i = 0; i < 3; i++) await admin.call('/audit/verify', { token });
    const entry = { action: 'audit.verified', actor, outcome: 'done' };
    expect(await store.auditEntries({ after })).toMatchObject([
      { ...entry, details: { entries: after, found: 'holds', role: 'operator' } },
    ]);
    await cut(after - 1);
    await admin.call('/audit/verify', { token });
    expect(await store.latestAuditEntries({ limit: 1 })).toMatchObject([
      { ...entry, details: { entries: after - 1, found: 'truncated', faultAt: after } },
    ]);
  });
});

it('enters who reads the log from where, once for all pages of some minutes', async () => {
  admin = await startAdminFleet({ withRound: false });
  const { store, clock } = admin;
  const { token, id: actor } = await admin.makeToken({ role: 'auditor' });
  const other = await admin.makeToken({ role: 'privacy-officer' });
  const { sequence: after } = await store.auditHead();
  await admin.call('/audit?limit=2', { token });
  await admin.call(`/audit?limit=2&before=${after}`, { token });
  await admin.call('/audit?limit=2&before=2', { token: other.token });
  const entry = { action: 'audit.read', outcome: 'done' };
  const reads = [
    { ...entry, actor, details: { from: after, role: 'auditor' } },
    { ...entry, actor: other.id, details: { from: 1, role: 'privacy-officer' } },
  ];
  expect(await store.auditEntries({ after })).toMatchObject(reads);
  clock.offsetMs += 9 * 60_000;
  await admin.call('/audit', { token });
  expect(await store.auditEntries({ after })).toHaveLength(2);
  clock.offsetMs += 60_000;
  await admin.call('/audit', { token });
  expect(await store.auditEntries({ after })).toMatchObject([
    ...reads,
    { ...entry, actor, details: { from: after + 2 } },
  ]);
});

it('counts the refusals of who has no token, so that nobody can fill the log', async () => {
  const store = memoryCoordinatorStore();
  admin = await startAdminFleet({ store, withRound: false });
  const { token, id } = await admin.makeToken({ role: 'operator' });
  const wrong = token.replace(/.$/, (last) => (last === '0' ? '1' : '0'));
  const { sequence: after } = await store.auditHead();
  for (const path of ['/tasks', '/audit', '/tokens']) {
    expect((await admin.call(path)).status).toBe(401);
    expect((await admin.call(path, { token: wrong })).status).toBe(401);
  }
  await admin.call('/me', { token: `onlysum_${'0'.repeat(16)}_${'0'.repeat(64)}` });
  expect((await store.auditHead()).sequence).toBe(after);
  // Who held it is known.
  await store.revokeToken(id, Date.now(), [
    { action: 'token.revoked', actor: 'test', outcome: 'done' },
  ]);
  await admin.call('/me', { token });
  await admin.fleet.coordinator.close({ graceMs: 0 });
  const refused = { action: 'access.refused', outcome: 'refused' };
  const nobody = { ...refused, actor: 'nobody' };
  const entries = await store.auditEntries({ after: after + 1 });
  expect(
    entries.map(({ action, actor, outcome, details }) => ({ action, actor, outcome, details })),
  ).toEqual([
    { ...refused, actor: id, details: { route: 'me', code: 'token-revoked' } },
    { ...nobody, details: { code: 'token-missing', count: 3 } },
    { ...nobody, details: { code: 'token-invalid', count: 4 } },
    { action: 'coordinator.closed', actor: 'coordinator', outcome: 'done', details: undefined },
  ]);
});

it('closes although the store does not take the last refusals', async () => {
  const inner = memoryCoordinatorStore();
  const appendAudit: CoordinatorStore['appendAudit'] = (trail) =>
    trail.some(({ actor }) => actor === 'nobody')
      ? new Promise(() => undefined)
      : inner.appendAudit(trail);
  admin = await startAdminFleet({ store: { ...inner, appendAudit }, withRound: false });
  expect((await admin.call('/tasks')).status).toBe(401);
  await admin.fleet.coordinator.close({ graceMs: 0 });
  const [newest] = await inner.latestAuditEntries({ limit: 1 });
  expect(newest?.action).toBe('coordinator.closed');
});

it('enters who lists the tokens, once in some minutes', async () => {
  admin = await startAdminFleet({ withRound: false });
  const { store, clock } = admin;
  const { token, id: actor } = await admin.makeToken({ role: 'privacy-officer' });
  const { sequence: after } = await store.auditHead();
  const entry = { action: 'token.listed', actor, outcome: 'done' };
  for (let i = 0; i < 3; i++) await admin.call('/tokens', { token });
  expect(await store.auditEntries({ after })).toMatchObject([entry]);
  clock.offsetMs += 10 * 60_000;
  await admin.call('/tokens', { token });
  expect(await store.auditEntries({ after })).toMatchObject([entry, entry]);
});

it('gives no page of the log that cannot be entered, and does not take it for entered', async () => {
  const inner = memoryCoordinatorStore();
  let isBroken = false;
  const appendAudit: CoordinatorStore['appendAudit'] = (trail) =>
    isBroken ? Promise.reject(new Error('disk full')) : inner.appendAudit(trail);
  admin = await startAdminFleet({ store: { ...inner, appendAudit }, withRound: false });
  const { auditor: token } = admin.tokens;
  isBroken = true;
  expect((await admin.call('/audit', { token })).status).toBe(500);
  isBroken = false;
  expect((await admin.call('/audit', { token })).status).toBe(200);
  const [newest] = await inner.latestAuditEntries({ limit: 1 });
  expect(newest?.action).toBe('audit.read');
});
