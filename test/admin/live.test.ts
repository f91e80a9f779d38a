import { afterAll, beforeAll, expect, it } from 'vitest';
import { maskedInput, shareKeys, unmasking } from '@onlysum/protocol';
import {
  enrolDevices,
  type Identity,
  type Line,
  runDevices,
  until,
} from '../coordinator/wire-fleet.js';
import * as v from 'valibot';
import { liveRounds } from '../../packages/coordinator/src/admin/schema.js';
import { type AdminFleet, startAdminFleet } from './admin-fleet.js';

let admin: AdminFleet;
let identities: Identity[];
beforeAll(async () => {
  admin = await startAdminFleet({ withRound: false });
  // Before the window opens: who comes later is of the next one.
  identities = await enrolDevices(admin.fleet, 10);
});
afterAll(() => admin.close());

interface Live {
  readonly status: number;
  readonly rounds: v.InferOutput<typeof liveRounds>[];
  readonly text: () => string;
  readonly isEnded: () => boolean;
  stop(): void;
}

async function listen(token: string): Promise<Live> {
  const gone = new AbortController();
  const response = await fetch(`${admin.url}/api/v1/live`, {
    headers: { authorization: `Bearer ${token}` },
    signal: gone.signal,
  });
  const rounds: Live['rounds'] = [];
  let text = '';
  let isEnded = false;
  const read = async () => {
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk as Uint8Array).toString();
      const events = [...text.matchAll(/event: rounds\ndata: (.*)\n\n/g)];
      rounds.splice(
        0,
        rounds.length,
        ...events.map(([, data = '']) => v.parse(liveRounds, JSON.parse(data))),
      );
    }
  };
  void read()
    .catch(() => undefined)
    .finally(() => {
      isEnded = true;
    });
  return {
    status: response.status,
    rounds,
    text: () => text,
    isEnded: () => isEnded,
    stop: () => gone.abort(),
  };
}

it('tells of rounds at once and as they change, without addresses and pseudonyms', async () => {
  const live = await listen(admin.tokens.operator);
  await until(() => live.rounds.length === 1);
  expect(live.rounds).toEqual([[]]);
  const two = runDevices(admin.fleet, identities.slice(0, 2));
  await until(() => live.rounds.at(-1)?.[0]?.devices === 2);
  const [gathering] = live.rounds.at(-1)!;
  expect(gathering).toMatchObject({
    ...{ taskId: admin.taskId, task: 'acme-desktop', stage: 'gathering', target: 5, missing: 1 },
    ...{ asked: 2, answered: 2 },
  });
  expect(gathering!.closesInMs).toBeGreaterThan(0);
  await Promise.all([two, runDevices(admin.fleet, identities.slice(2, 5))]);
  await until(() => live.rounds.at(-1)?.length === 0);
  const pseudonyms = identities.map(({ certificate }) =>
    Buffer.from(certificate.pseudonym).toString('hex'),
  );
  for (const never of ['127.0.0.1', ...pseudonyms]) expect(live.text()).not.toContain(never);
  live.stop();
});

it('says how many have answered where a stage is stuck', async () => {
  const live = await listen(admin.tokens.operator);
  const held: (() => void)[] = [];
  /** Holds a message of this type back until it is released. */
  const holding = (withheld: number) => ({
    tamper: (type: number, bytes: Uint8Array, { socket }: Line) => {
      if (type !== withheld) return [bytes];
      held.push(() => socket.send(bytes));
      return [];
    },
  });
  const types = [shareKeys.type, maskedInput.type, unmasking.type];
  const devices = runDevices(admin.fleet, identities.slice(5), (i) =>
    i < 3 ? holding(types[i]!) : {},
  );
  for (const [i, stage] of ['sharing', 'masking', 'unmasking'].entries()) {
    const stuck = { stage, devices: 5, asked: 5, answered: 4 };
    await until(() => {
      const [round] = live.rounds.at(-1) ?? [];
      return round?.stage === stage && round.answered === 4;
    });
    expect(live.rounds.at(-1)).toMatchObject([stuck]);
    await until(() => held.length > i);
    held[i]!();
  }
  for (const { receipt } of await devices) expect(receipt?.opened).toBe(true);
  live.stop();
});

it('shows only the tasks that the token covers', async () => {
  const { token } = await admin.makeToken({ role: 'operator', tasks: ['acme-server'] });
  const [mine, all] = [await listen(token), await listen(admin.tokens.operator)];
  const devices = runDevices(admin.fleet, await enrolDevices(admin.fleet, 2));
  await until(() => all.rounds.at(-1)?.length === 1);
  // One more of its looks, which are made every half second.
  await new Promise((resolve) => setTimeout(resolve, 700));
  expect(mine.rounds).toEqual([[]]);
  const reason = { reason: 'enough' };
  const path = `/tasks/${admin.taskId}/stop`;
  await admin.call(path, { token: admin.tokens.operator, method: 'POST', body: reason });
  await devices;
  for (const live of [mine, all]) live.stop();
});

it('ends when its token is revoked, and when its time is over', async () => {
  const { token, id } = await admin.makeToken({ role: 'auditor' });
  const revoked = await listen(token);
  await until(() => revoked.rounds.length === 1);
  await admin.call(`/tokens/${id}`, { token: admin.tokens['privacy-officer'], method: 'DELETE' });
  await until(() => revoked.isEnded(), 1_500);
  const expired = await listen((await admin.makeToken({ role: 'auditor', days: 1 })).token);
  await until(() => expired.rounds.length === 1);
  admin.clock.offsetMs += 24 * 3_600_000;
  await until(() => expired.isEnded(), 1_500);
  admin.clock.offsetMs -= 24 * 3_600_000;
});

it('has so many streams of a token at a time and no more; one that is left makes room', async () => {
  const { token } = await admin.makeToken({ role: 'operator' });
  const open = [];
  for (let i = 0; i < 4; i++) open.push(await listen(token));
  expect(open.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  const { status, json, headers } = await admin.call('/live', { token });
  expect([status, json.error.code, headers.get('retry-after')]).toEqual([
    429,
    'streams-exhausted',
    '15',
  ]);
  open[0]!.stop();
  for (let tries = 0; tries < 50; tries++) {
    const live = await listen(token);
    if (live.status === 200) return [live, ...open].forEach((each) => each.stop());
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('the place stayed taken');
});
