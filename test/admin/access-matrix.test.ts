import { ROLES, type Role } from '@onlysum/task';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lmdbCoordinatorStore, memoryCoordinatorStore } from '@onlysum/coordinator';
import { verifyChain } from '@onlysum/service';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROUTES } from '../../packages/coordinator/src/admin/routes.js';
import { suite } from '../coordinator/wire-fleet.js';
import { type AdminFleet, type Request, startAdminFleet } from './admin-fleet.js';

/** Status by role, in the order of ROLES: operator, analyst, auditor, privacy-officer. */
type Row = readonly [number, number, number, number];
const MATRIX: Readonly<Record<string, Row>> = {
  me: [200, 200, 200, 200],
  listTasks: [200, 200, 200, 200],
  stopTask: [200, 403, 403, 200],
  resumeTask: [200, 403, 403, 403],
  listWindows: [200, 200, 200, 403],
  window: [200, 403, 200, 403],
  result: [403, 200, 403, 403],
  results: [403, 200, 403, 403],
  evidence: [403, 403, 200, 403],
  resealResults: [200, 403, 403, 403],
  dictionary: [200, 200, 200, 200],
  live: [200, 403, 200, 403],
  privacy: [200, 403, 403, 200],
  audit: [403, 403, 200, 200],
  auditHead: [200, 403, 200, 200],
  verifyAudit: [200, 403, 200, 200],
  exportAudit: [403, 403, 200, 200],
  listTokens: [403, 403, 403, 200],
  createToken: [403, 403, 403, 201],
  revokeToken: [403, 403, 403, 200],
  openapi: [200, 200, 200, 200],
};

const BODIES: Readonly<Record<string, unknown>> = {
  stopTask: { reason: 'an incident' },
  resumeTask: { reason: 'mended' },
  createToken: { name: 'ci', role: 'auditor', tasks: 'all', days: 1 },
};

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'onlysum-admin-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

describe.each([
  ['in memory', () => memoryCoordinatorStore()],
  ['on lmdb', () => lmdbCoordinatorStore(join(directory, 'store'))],
])('who may do what, %s', (_, open) => {
  let admin: AdminFleet;
  let revocable: string;
  let round: string;
  beforeAll(async () => {
    admin = await startAdminFleet({ store: open() });
    round = (await admin.store.rounds(admin.taskId))[0]?.round ?? '';
    revocable = (await admin.makeToken({ role: 'analyst' })).id;
  });
  afterAll(() => admin.close());

  function pathOf(path: string, taskId = admin.taskId): string {
    const whole = path
      .replace('{taskId}', taskId)
      .replace('{index}', String(admin.window))
      .replace('{round}', round)
      .replace('{id}', revocable);
    return path === '/privacy' ? `${whole}?task=${taskId}` : whole;
  }

  /** The status alone: a stream would not end. */
  async function statusOf(name: string, token: string | undefined, taskId?: string) {
    const route = ROUTES.find((each) => each.name === name)!;
    const request: Request = { token, method: route.method };
    const body = BODIES[name];
    const given = body === undefined ? request : { ...request, body };
    if (name !== 'live') return admin.call(pathOf(route.path, taskId), given);
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const gone = new AbortController();
    const response = await fetch(`${admin.url}/api/v1/live`, { headers, signal: gone.signal });
    gone.abort();
    return { status: response.status, json: undefined };
  }

  it('has a row for every route', () => {
    expect(Object.keys(MATRIX).toSorted()).toEqual(ROUTES.map(({ name }) => name).toSorted());
  });

  it.each(
    Object.entries(MATRIX).flatMap(([name, row]) =>
      ROLES.map((role, i) => [name, role, row[i]!] as const),
    ),
  )('%s, %s: %i', async (name, role: Role, status) => {
    const { permissions } = ROUTES.find((each) => each.name === name)!;
    const answer = await statusOf(name, admin.tokens[role]);
    expect(answer.status).toBe(status);
    if (status === 403 && answer.json !== undefined) {
      const { code, message } = answer.json.error;
      expect(code).toBe('permission-denied');
      for (const permission of permissions) expect(message).toContain(permission);
    }
  });

  it.each(ROUTES.filter(({ permissions }) => permissions !== 'none').map(({ name }) => name))(
    '%s: nobody without a token',
    async (name) => {
      expect((await statusOf(name, undefined)).status).toBe(401);
    },
  );

  it.each(ROUTES.filter(({ scope }) => scope === 'task').map(({ name }) => name))(
    '%s: not of a task that the token does not cover, and of one that it covers',
    async (name) => {
      const row = MATRIX[name]!;
      const role = ROLES[row.indexOf(200)]!;
      const { token } = await admin.makeToken({ role, tasks: ['acme-desktop'] });
      const refused = await statusOf(name, token, admin.otherTaskId);
      expect([refused.status, refused.json.error.code]).toEqual([403, 'scope-denied']);
      expect((await statusOf(name, token)).status).toBe(200);
    },
  );

  it.each(ROUTES.filter(({ scope }) => scope === 'all').map(({ name }) => name))(
    '%s: only with a token for all tasks',
    async (name) => {
      const role = ROLES[MATRIX[name]!.findLastIndex((status) => status < 300)]!;
      const { token } = await admin.makeToken({ role, tasks: ['acme-desktop'] });
      const refused = await statusOf(name, token);
      expect([refused.status, refused.json.error.code]).toEqual([403, 'scope-denied']);
    },
  );

  it('lists only the tasks that a token covers', async () => {
    const { token } = await admin.makeToken({ role: 'analyst', tasks: ['acme-server'] });
    const names = async (of: string) =>
      (await admin.call('/tasks', { token: of })).json.map(({ name }: { name: string }) => name);
    expect(await names(token)).toEqual(['acme-server']);
    expect(await names(admin.tokens.analyst)).toEqual(['acme-desktop', 'acme-server']);
  });

  it('writes every refusal of a token down, without an address; the chain holds', async () => {
    const { token, id } = await admin.makeToken({ role: 'analyst' });
    const { sequence: after } = await admin.store.auditHead();
    for (let i = 0; i < 2; i++) await admin.call('/audit', { token });
    const entry = {
      ...{ action: 'access.refused', actor: id, outcome: 'refused' },
      details: { route: 'audit', code: 'permission-denied' },
    };
    expect(await admin.store.auditEntries({ after })).toMatchObject([entry, entry]);
    const all = await admin.store.auditEntries({ limit: 1000 });
    expect(verifyChain(suite, all).fault).toBeUndefined();
    expect(JSON.stringify(all)).not.toMatch(/127\.0\.0\.1|::1|onlysum_[0-9a-f]{16}_/);
  });
});
