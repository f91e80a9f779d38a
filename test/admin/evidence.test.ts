/** The evidence of a round, from the API to the checks of `onlysum audit graph`. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { auditRound } from '../../packages/cli/src/graph-audit.js';
import { readAttestedRound } from '../../packages/cli/src/result-file.js';
import { suite } from '../coordinator/wire-fleet.js';
import { type AdminFleet, startAdminFleet } from './admin-fleet.js';

let admin: AdminFleet;
let directory: string;
/** Hex. */
let round: string;
let token: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'onlysum-evidence-'));
  admin = await startAdminFleet();
  token = admin.tokens.auditor;
  round = (await admin.store.rounds(admin.taskId))[0]?.round ?? '';
});
afterAll(async () => {
  await admin.close();
  await rm(directory, { recursive: true, force: true });
});

const pathOf = (id: string, taskId = admin.taskId) => `/tasks/${taskId}/rounds/${id}/evidence`;

/** @returns what does not hold of a file with this answer. */
async function faults(answer: unknown): Promise<readonly string[]> {
  const path = join(directory, 'evidence.json');
  await writeFile(path, JSON.stringify(answer));
  const { checks } = auditRound(suite, readAttestedRound(path), admin.fleet.task);
  return checks.filter(({ holds }) => !holds).map(({ what }) => what);
}

describe('the evidence of a round', () => {
  it('is enough to check what the registrar signed, with the manifest, and has no sum', async () => {
    const { json, text } = await admin.call(pathOf(round), { token });
    expect(await faults(json)).toEqual([]);
    expect(json).toMatchObject({ outcome: 'opened', devices: 5, survivors: 5 });
    expect(text).not.toMatch(/lanes|estimates|crashes/);
  });

  it.each([
    ['rosterSignature', 'the registrar signed the roster, with n, k, t and seed'],
    ['sharedSetSignature', 'the registrar signed U2'],
    ['survivorSetSignature', 'the registrar signed U3'],
  ])('shows a changed %s', async (name, what) => {
    const { json } = await admin.call(pathOf(round), { token });
    const signature = String(json.attested[name]);
    const changed = (signature.startsWith('0') ? '1' : '0') + signature.slice(1);
    const answer = { ...json, attested: { ...json.attested, [name]: changed } };
    expect(await faults(answer)).toEqual([what]);
  });

  it('is entered in the log before it is given', async () => {
    await admin.call(pathOf(round), { token });
    const [newest] = await admin.store.latestAuditEntries({ limit: 1 });
    expect(newest).toMatchObject({
      ...{ action: 'evidence.read', subject: round, outcome: 'done' },
      details: { taskId: admin.taskId, window: admin.window, role: 'auditor' },
    });
  });

  it.each([
    ['of no round', () => pathOf('cd'.repeat(16))],
    ['of a round of another task', () => pathOf(round, admin.otherTaskId)],
  ])('is not there %s', async (_, path) => {
    const { status, json } = await admin.call(path(), { token });
    expect([status, json.error.code, json.error.field]).toEqual([404, 'not-found', 'round']);
  });

  it('of a round that ended without a sum says so', async () => {
    const { store, taskId } = admin;
    const event = { action: 'trial', actor: 'test', outcome: 'done' } as const;
    // The window that is open now.
    const window = admin.window + 1;
    const outcome = {
      ...{ taskId, window, round: 'ab'.repeat(16), reason: 'task-stopped' },
      state: 'aborted',
      ...{ closedMs: Date.now(), devices: 2, drops: [] },
      cost: { bytesIn: 0, bytesOut: 0, gatherMs: 0, roundMs: 0, cpuMs: 0 },
    } as const;
    await store.closeRound({ outcome }, [event]);
    const { json } = await admin.call(pathOf(outcome.round), { token });
    expect(json).toMatchObject({ outcome: 'aborted', reason: 'task-stopped', attested: {} });
  });
});
