/** What the API says, and does not say, when what lies below it fails; and budgets of noise. */
import { UsageError } from '@onlysum/crypto';
import { type CoordinatorStore, memoryCoordinatorStore } from '@onlysum/coordinator';
import { afterEach, expect, it } from 'vitest';
import { type AdminFleet, startAdminFleet } from './admin-fleet.js';

let admin: AdminFleet | undefined;
afterEach(() => admin?.close());

/** A store whose named methods fail while `broken` has their name. */
function breakable(broken: Set<string>): CoordinatorStore {
  return new Proxy(memoryCoordinatorStore(), {
    get: (store, name) => {
      const value: unknown = Reflect.get(store, name);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        if (broken.has(String(name))) {
          return Promise.reject(new UsageError('store-unavailable', 'store: the disk is full'));
        }
        return Reflect.apply(value, store, args) as unknown;
      };
    },
  });
}

it('gives no result that cannot be written down, and refuses all the same', async () => {
  const broken = new Set<string>();
  admin = await startAdminFleet({ store: breakable(broken) });
  const { analyst: token, operator } = admin.tokens;
  broken.add('appendAudit');
  for (const path of [`windows/${admin.window}/result`, 'results', 'results?format=csv']) {
    const { status, json, text } = await admin.call(`/tasks/${admin.taskId}/${path}`, { token });
    expect([status, json.error.code, json.error.retryable]).toEqual([
      503,
      'store-unavailable',
      true,
    ]);
    expect(text).not.toContain('crashes');
  }
  expect((await admin.call('/audit', { token: operator })).status).toBe(403);
  expect(admin.fleet.log.lines.some((line) => line.includes('refusal not recorded'))).toBe(true);
});

it('answers an error where an export fails at once, and breaks off where it fails later', async () => {
  const broken = new Set<string>();
  admin = await startAdminFleet({ store: breakable(broken) });
  const { analyst: token } = admin.tokens;
  broken.add('result');
  const path = `/tasks/${admin.taskId}/results`;
  const json = await admin.call(path, { token });
  expect([json.status, json.json.error.code]).toEqual([503, 'store-unavailable']);
  // Of CSV the names of the columns come first.
  await expect(admin.call(`${path}?format=csv`, { token })).rejects.toThrow(/terminated|aborted/);
});

it('ends streams when a token cannot be looked up any more', async () => {
  const broken = new Set<string>();
  admin = await startAdminFleet({ store: breakable(broken), withRound: false });
  const { operator: token } = admin.tokens;
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(`${admin.url}/api/v1/live`, { headers });
  broken.add('token');
  expect(await response.text()).toContain('event: rounds');
  expect((await admin.call('/me', { token })).status).toBe(503);
});

it('says what the windows with noise have cost', async () => {
  const budget = { epsilon: '8', delta: '0', days: 30 };
  const privacy = {
    mechanism: 'discrete-laplace',
    epsilon: '1.5',
    neighbours: 'replace',
    budget,
  } as const;
  admin = await startAdminFleet({ manifest: { privacy } });
  const { 'privacy-officer': token } = admin.tokens;
  const path = `/privacy?task=${admin.taskId}`;
  expect((await admin.call(path, { token })).json).toMatchObject({
    privacy,
    budget: { ...budget, windows: 1, spentEpsilon: 1.5, windowsPaid: 5 },
  });
  admin.clock.offsetMs += 31 * 24 * 3_600_000;
  const { token: later } = await admin.makeToken({ role: 'privacy-officer', days: 60 });
  expect((await admin.call(path, { token: later })).json.budget).toMatchObject({
    ...{ windows: 0, spentEpsilon: 0 },
  });
});
