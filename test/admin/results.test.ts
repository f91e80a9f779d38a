import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lmdbCoordinatorStore, memoryCoordinatorStore } from '@onlysum/coordinator';
import { verifyAuditFile } from '@onlysum/service';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { suite } from '../coordinator/wire-fleet.js';
import { type AdminFleet, startAdminFleet, WINDOW_MS } from './admin-fleet.js';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'onlysum-admin-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

describe.each([
  ['in memory', () => memoryCoordinatorStore()],
  ['on lmdb', () => lmdbCoordinatorStore(join(directory, 'store'))],
])('what a round leaves, %s', (_, open) => {
  let admin: AdminFleet;
  beforeAll(async () => {
    admin = await startAdminFleet({ store: open() });
  });
  afterAll(() => admin.close());
  const as = (role: 'operator' | 'analyst' | 'auditor' | 'privacy-officer') => ({
    token: admin.tokens[role],
  });

  it('lists windows, and says how rounds ended', async () => {
    const { json } = await admin.call(`/tasks/${admin.taskId}/windows`, as('operator'));
    const counts = { rounds: 1, opened: 1, devices: 5, survivors: 5 };
    expect(json.at(-1)).toMatchObject({ window: admin.window, state: 'closed', ...counts });
    const one = `/tasks/${admin.taskId}/windows/${admin.window}`;
    const { json: detail } = await admin.call(one, as('auditor'));
    expect(detail.rounds).toMatchObject([{ outcome: 'opened', devices: 5, drops: [] }]);
    const before = `/tasks/${admin.taskId}/windows?before=${admin.window}`;
    expect((await admin.call(before, as('operator'))).json).toEqual([]);
    const unknown = `/tasks/${admin.taskId}/windows/${admin.window + 9}`;
    expect((await admin.call(unknown, as('operator'))).status).toBe(404);
  });

  it('shows the metrics that name the role, and nothing of the others', async () => {
    const { sequence: after } = await admin.store.auditHead();
    const path = `/tasks/${admin.taskId}/windows/${admin.window}/result`;
    const { json, text } = await admin.call(path, as('analyst'));
    expect(json).toMatchObject({
      ...{ state: 'closed', devices: 5, survivors: 5, withheld: ['licensed'] },
      estimates: { metrics: { crashes: { total: { value: 10 } } } },
    });
    expect(Object.keys(json.estimates.groups)).toEqual(['essential', 'performance']);
    expect(text.replace('"withheld":["licensed"]', '')).not.toContain('licen');
    const [entry] = await admin.store.auditEntries({ after });
    expect(entry).toMatchObject({
      ...{ action: 'result.read', outcome: 'done', subject: admin.taskId },
      details: { window: admin.window, role: 'analyst', withheld: 1 },
    });
  });

  it('says of an open window that it is open', async () => {
    const path = `/tasks/${admin.taskId}/windows/${admin.window + 1}/result`;
    const { json } = await admin.call(path, as('analyst'));
    expect(json).toMatchObject({ state: 'open', withheld: ['licensed'] });
    expect(json.estimates).toBeUndefined();
  });

  it('gives tidy rows, the same in JSON and in CSV', async () => {
    const path = `/tasks/${admin.taskId}/results`;
    const { json } = await admin.call(path, as('analyst'));
    const total = { metric: 'crashes', statistic: 'total', value: 10, standardError: 0, low: 10 };
    expect(json).toContainEqual(expect.objectContaining(total));
    expect(json.filter(({ metric }: { metric: string }) => metric === 'licensed')).toEqual([]);
    const csv = await admin.call(`${path}?format=csv`, as('analyst'));
    expect(csv.headers.get('content-disposition')).toContain('acme-desktop-results.csv');
    const [names = '', ...lines] = csv.text.trimEnd().split('\r\n');
    expect(lines).toHaveLength(json.length);
    expect(names.replaceAll('"', '').split(',')).toEqual(Object.keys(json[0]));
    // No cell of text is run by a spreadsheet.
    expect(csv.text).toContain('"\'@ms"');
    expect(csv.text).not.toMatch(/(^|,|\n)"?[=@]/);
  });

  it('gives only the windows asked for', async () => {
    const startMs = admin.window * WINDOW_MS;
    const rows = async (query: string) =>
      (await admin.call(`/tasks/${admin.taskId}/results?${query}`, as('analyst'))).json.length;
    expect(await rows(`from=${startMs}&to=${startMs + 1}`)).toBeGreaterThan(5);
    expect(await rows(`from=${startMs + 1}`)).toBe(0);
    expect(await rows(`to=${startMs}`)).toBe(0);
  });

  it('explains every column and every metric', async () => {
    const path = `/tasks/${admin.taskId}/dictionary`;
    const { json: rows } = await admin.call(`/tasks/${admin.taskId}/results`, as('analyst'));
    const { json } = await admin.call(path, as('analyst'));
    const names = json.columns.map(({ name }: { name: string }) => name);
    expect(names).toEqual(Object.keys(rows[0]));
    for (const { metric, statistic } of rows) {
      if (metric === null) continue;
      const explained = json.metrics.find(({ name }: { name: string }) => name === metric);
      const known = explained.statistics.map(({ name }: { name: string }) => name);
      expect(known).toContain(statistic);
    }
    const csv = await admin.call(`${path}?format=csv`, as('auditor'));
    expect(csv.text).toContain(`"'=HYPERLINK(""http://evil.example"",""stability"")"`);
  });

  it('says what a task cost its devices, without a number of a metric', async () => {
    const { json } = await admin.call(`/privacy?task=${admin.taskId}`, as('privacy-officer'));
    expect(json).toMatchObject({ privacy: { mechanism: 'none' }, budget: null });
    expect(json.windows.at(-1)).toMatchObject({
      ...{ window: admin.window, state: 'closed', cohortSizes: [5], survivors: 5, refusals: [] },
      optOut: [
        { group: 'performance', value: 0 },
        { group: 'licences', value: 0 },
      ],
    });
  });

  it('stops a task and lets it go on, with the reasons in the audit log', async () => {
    const { sequence: after } = await admin.store.auditHead();
    const post = (what: string, reason: string) =>
      admin.call(`/tasks/${admin.otherTaskId}/${what}`, {
        ...as('operator'),
        method: 'POST',
        body: { reason },
      });
    expect((await post('stop', 'an incident')).json).toMatchObject({
      ...{ state: 'stopped', reason: 'an incident', served: true },
    });
    expect((await post('resume', 'mended')).json).toMatchObject({ state: 'open' });
    const entries = await admin.store.auditEntries({ after });
    const switched = entries.filter(({ action }) => action.startsWith('task.'));
    expect(switched).toMatchObject([
      { action: 'task.stopped', details: { reason: 'an incident' } },
      { action: 'task.resumed', details: { reason: 'mended' } },
    ]);
  });

  it('makes, lists and revokes tokens; what is listed opens nothing', async () => {
    const officer = as('privacy-officer');
    const facts = { name: 'ci', role: 'analyst', tasks: ['acme-desktop'] };
    const body = { ...facts, days: 7 };
    const made = await admin.call('/tokens', { ...officer, method: 'POST', body });
    const { token, id } = made.json;
    expect((await admin.call('/me', { token })).json).toMatchObject({ ...facts, id });
    const listed = await admin.call('/tokens', officer);
    expect(listed.json[0]).toMatchObject({ id, name: 'ci' });
    expect(listed.text).not.toContain(token.split('_')[2]);
    expect(JSON.stringify(await admin.store.token(id))).not.toContain(token.split('_')[2]);
    const revoked = await admin.call(`/tokens/${id}`, { ...officer, method: 'DELETE' });
    expect(revoked.json.revokedMs).toBeGreaterThan(0);
    const refused = await admin.call('/me', { token });
    expect([refused.status, refused.json.error.code]).toEqual([401, 'token-revoked']);
    const misspelt = { ...body, tasks: ['acme-desktp'] };
    const wrong = await admin.call('/tokens', { ...officer, method: 'POST', body: misspelt });
    expect([wrong.status, wrong.json.error.field]).toEqual([400, 'tasks']);
    const unknown = await admin.call('/tokens/0123456789abcdef', { ...officer, method: 'DELETE' });
    expect([unknown.status, unknown.json.error.code]).toEqual([404, 'record-missing']);
  });

  it('ends a token when its time is over', async () => {
    const { token } = await admin.makeToken({ role: 'analyst', days: 1 });
    admin.clock.offsetMs += 24 * 3_600_000;
    const { status, json } = await admin.call('/me', { token });
    admin.clock.offsetMs -= 24 * 3_600_000;
    expect([status, json.error.code]).toEqual([401, 'token-expired']);
  });

  it('gives an audit log that can be followed, here and offline', async () => {
    const auditor = as('auditor');
    const { json: latest } = await admin.call('/audit/head', as('operator'));
    const { json: page } = await admin.call('/audit?limit=2', auditor);
    const { sequence, digest } = latest;
    // That it is read is the newest entry.
    expect(page).toMatchObject([{ action: 'audit.read' }, { sequence, digest }]);
    const { json: older } = await admin.call(`/audit?before=${sequence + 1}&limit=1`, auditor);
    expect(older).toEqual([page[1]]);
    expect((await admin.call('/audit?before=1', auditor)).json).toEqual([]);
    const exported = await admin.call('/audit/export', auditor);
    const path = join(directory, 'audit.jsonl');
    await writeFile(path, exported.text);
    const report = await verifyAuditFile(suite, path);
    expect(report.fault).toBeUndefined();
    expect(exported.text.trimEnd().split('\n').at(-1)).toContain('audit.exported');
    const { json } = await admin.call('/audit/verify', auditor);
    expect(json).toEqual({ entries: report.entries, head: report.head });
  });
});
