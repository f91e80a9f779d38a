import { toHex } from '@onlysum/crypto';
import { dropped } from '@onlysum/protocol';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  type Client,
  type ClientOptions,
  type ClientStore,
  checkReceipt,
  createClient,
  memoryStore,
  type SubmitError,
  type SubmitReceipt,
} from './index.js';
import {
  EPOCH_MS,
  publisherKey,
  REGISTRAR_URL,
  registrarKey,
  type Rig,
  START_MS,
  startRig,
  suite,
  WINDOW_MS,
} from '../../test/rig.js';

const CHALLENGE = 1;
const OFFER = 2;
const ROSTER = 3;
const SHARED_SET = 4;
const SURVIVOR_SET = 5;
const RECOVER = 6;
const CLOSED = 7;
const SHARE_KEYS = 34;
const MASKED_INPUT = 35;
const UNMASKING = 36;

let rig: Rig;
const clients: Client[] = [];

beforeEach(async () => {
  rig = await startRig();
});
afterEach(async () => {
  await Promise.allSettled(clients.splice(0).map((client) => client.close()));
  await rig.close();
});

async function device(options: Partial<ClientOptions> = {}, code?: string): Promise<Client> {
  const client = await createClient({
    manifest: rig.signedManifest,
    publisherKey,
    registrarUrl: REGISTRAR_URL,
    store: memoryStore(),
    fetch: rig.fetch,
    now: () => rig.nowMs,
    consent: ['performance'],
    ...options,
  });
  clients.push(client);
  await client.enrol(code ?? rig.code());
  return client;
}

/** Everyone submits once; the first is the one under test. */
async function submitAll(...all: Client[]): Promise<PromiseSettledResult<SubmitReceipt>[]> {
  return Promise.allSettled(all.map((client) => client.submit({ attempts: 1, timeoutMs: 10_000 })));
}

/** The first client's failure; it connects first, so its connection has the lowest number. */
async function failure(first: Client, others: Client[] = []): Promise<SubmitError> {
  const own = first.submit({ attempts: 1, timeoutMs: 5000 });
  const settled = Promise.allSettled([own]);
  const before = rig.connections;
  await vi.waitFor(() => expect(rig.connections).toBeGreaterThan(before));
  const rest = submitAll(...others);
  const [result] = await settled;
  for (const other of others) void other.close();
  await rest;
  if (result?.status !== 'rejected') throw new Error('expected a failure');
  return result.reason as SubmitError;
}

function lane(client: Client, label: string): number {
  return client.task.layout.lanes.findIndex((candidate) => candidate.label === label);
}

describe('a round', () => {
  it('ends with receipts that check, and the sum of what was recorded', async () => {
    const stores = [memoryStore(), memoryStore(), memoryStore()];
    const all = await Promise.all(stores.map((store) => device({ store })));
    all.forEach((client, i) => client.record('crashes', i + 1));
    all[0]?.record('busy', 12.5);
    const results = await submitAll(...all);
    const [lanes] = rig.results.map((result) => result.lanes);
    expect(lanes?.[lane(all[0]!, 'crashes.value')]).toBe(6);
    expect(lanes?.[lane(all[0]!, 'busy.value')]).toBe(25);
    for (const [i, result] of results.entries()) {
      if (result.status === 'rejected') throw result.reason;
      const receipt = result.value;
      expect(receipt).toMatchObject({ included: true, opened: true, devices: 3, survivors: 3 });
      expect(receipt.values).toEqual(i === 0 ? { crashes: 1, busy: 12.5 } : { crashes: i + 1 });
      expect(receipt.groups).toEqual(['essential', 'performance']);
      expect(receipt.sentAtMs).toBe(rig.nowMs);
      checkReceipt(receipt, { registrar: registrarKey }, suite);
      expect(await all[i]?.receipts()).toEqual([receipt]);
      const forged = { ...receipt, survivors: 2 };
      expect(() => checkReceipt(forged, { registrar: registrarKey })).toThrow('receipt.survivors');
    }
  });

  it('keeps no audit head that its server did not sign, and its receipt all the same', async () => {
    const all = await Promise.all([device(), device(), device()]);
    const isWhole = { coordinator: expect.anything() as unknown, registrar: null };
    // The last byte of Closed is one of the registrar's signature.
    rig.hand = { down: (type, bytes) => [type === CLOSED ? flip(bytes, -1) : bytes] };
    for (const result of await submitAll(...all)) {
      if (result.status === 'rejected') throw result.reason;
      expect(result.value).toMatchObject({ included: true, opened: true, auditHeads: isWhole });
    }
  });

  it('erases every secret it drew, and the seed of the pseudonym', async () => {
    const drawn: Uint8Array[] = [];
    const signingSeeds: Uint8Array[] = [];
    const rng = (length: number) => {
      const bytes = crypto.getRandomValues(new Uint8Array(length));
      if (length === 32) drawn.push(bytes);
      return bytes;
    };
    const watched = {
      ...suite,
      ed25519Sign: (seed: Uint8Array, message: Uint8Array) => {
        signingSeeds.push(seed);
        return suite.ed25519Sign(seed, message);
      },
    };
    const all = [await device({ rng, suite: watched }), await device(), await device()];
    const [own] = await submitAll(...all);
    expect(own?.status).toBe('fulfilled');
    // The key of the enrolment, c, s, b, and what hides b and s in their shares.
    expect(drawn).toHaveLength(6);
    for (const secret of [...drawn, ...signingSeeds]) expect(isZero(secret)).toBe(true);
  });

  it('sends nothing of a group that is not given, and counts it as no respondent', async () => {
    const all = [await device({ consent: [] }), await device(), await device()];
    for (const client of all) client.record('busy', 10);
    const [own] = await submitAll(...all);
    if (own?.status !== 'fulfilled') throw own?.reason;
    expect(own.value).toMatchObject({ groups: ['essential'], values: {} });
    const [lanes] = rig.results.map((result) => result.lanes);
    expect(lanes?.[lane(all[0]!, 'performance.respondents')]).toBe(2);
    expect(lanes?.[lane(all[0]!, 'busy.value')]).toBe(40);
  });

  it('keeps what is recorded after the input was taken for the next window', async () => {
    const all = [await device(), await device(), await device()];
    all[0]?.record('crashes', 2);
    rig.hand = {
      up: (type, _bytes, connection) => {
        if (type === MASKED_INPUT && connection === 0) all[0]?.record('crashes', 5);
        return true;
      },
    };
    const [own] = await submitAll(...all);
    expect(own).toMatchObject({ status: 'fulfilled', value: { values: { crashes: 2 } } });
    expect(value(all[0]!, 'crashes')).toBe(5);
  });

  it('contributes once to a window, and says when the next one is open', async () => {
    const all = [await device(), await device(), await device()];
    await submitAll(...all);
    const connections = rig.connections;
    all[0]?.record('crashes', 3);
    const again = await all[0]?.submit().catch((error: unknown) => error);
    const nextWindowMs = START_MS - 1000 + WINDOW_MS;
    expect(again).toMatchObject({ code: 'already-contributed', retryable: true, nextWindowMs });
    expect(String(again)).toContain(new Date(nextWindowMs).toISOString());
    expect(rig.connections).toBe(connections);
    rig.nowMs = nextWindowMs;
    const next = await submitAll(...all);
    expect(next.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled']);
    expect(next[0]).toMatchObject({ value: { values: { crashes: 3 } } });
  });

  it('lets one of two clients on one record through, and tells the other', async () => {
    const store = memoryStore();
    const first = await device({ store });
    const others = [await device(), await device()];
    await submitAll(first, ...others);
    const twin = await createClient({
      manifest: rig.signedManifest,
      publisherKey,
      registrarUrl: REGISTRAR_URL,
      store,
      fetch: rig.fetch,
      now: () => rig.nowMs,
    });
    expect(twin.isEnrolled).toBe(true);
    await expect(twin.submit()).rejects.toMatchObject({ code: 'already-contributed' });
  });

  it('sends nothing when another process was first after the input was made', async () => {
    const store = memoryStore();
    const client = await device({ store });
    client.record('crashes', 4);
    const ours = store.update.bind(store);
    let isTaken = false;
    store.update = (change) =>
      ours((record) => {
        if (isTaken) return change(record);
        const contributedUntil = { [publisherKey]: { crashes: START_MS - 1000 + WINDOW_MS } };
        return change({ ...record, contributedUntil });
      });
    const seen: number[] = [];
    rig.hand = { up: (type, _b, connection) => connection !== 0 || seen.push(type) > 0 };
    const error = await failure(client, [await device(), await device()]);
    isTaken = true;
    expect(error).toMatchObject({ code: 'already-contributed', contributed: false });
    expect(seen).toContain(SHARE_KEYS);
    expect(seen).not.toContain(MASKED_INPUT);
    expect(value(client, 'crashes')).toBe(4);
  });

  it('sends nothing when the record cannot be written, and keeps the values', async () => {
    const store = memoryStore();
    const problems: unknown[] = [];
    const client = await device({ store, onProblem: (problem) => problems.push(problem) });
    client.record('crashes', 4);
    store.update = () => Promise.reject(new Error('disk full'));
    const error = await failure(client, [await device(), await device()]);
    expect(error).toMatchObject({ code: 'record-failed', contributed: false, retryable: true });
    expect(String(problems[0])).toContain('disk full');
    expect(value(client, 'crashes')).toBe(4);
    expect(await client.receipts()).toEqual([]);
  });
});

describe('consent taken back', () => {
  it('in the middle of a round, starts again without the group', async () => {
    const store = memoryStore();
    const client = await device({ store });
    client.record('crashes', 1);
    client.record('busy', 50);
    const ours = store.update.bind(store);
    // The input is made, the record not yet written.
    const once = vi.fn(() => client.consent.set('performance', false));
    store.update = async (change) => {
      if (once.mock.calls.length === 0 && rig.results.length === 0) once();
      return ours(change);
    };
    const others = [await device(), await device()];
    const later = [await device(), await device()];
    const error = await failure(client, others);
    expect(error).toMatchObject({ code: 'consent-changed', retryable: true, contributed: false });
    expect((await store.read()).contributedUntil).toEqual({});
    expect(value(client, 'crashes')).toBe(1);
    expect(value(client, 'busy')).toBeUndefined();
    const [own] = await submitAll(client, ...later);
    expect(own).toMatchObject({ value: { groups: ['essential'], values: { crashes: 1 } } });
  });

  it('and given again meanwhile, forgets all the same what was recorded before', async () => {
    const store = memoryStore();
    const client = await device({ store });
    client.record('crashes', 1);
    client.record('busy', 50);
    const ours = store.update.bind(store);
    const once = vi.fn(() => {
      client.consent.set('performance', false);
      client.consent.set('performance', true);
      client.record('busy', 2);
    });
    store.update = async (change) => {
      if (once.mock.calls.length === 0) once();
      return ours(change);
    };
    const error = await failure(client, [await device(), await device()]);
    expect(once).toHaveBeenCalledTimes(1);
    expect(error).toMatchObject({ code: 'consent-changed', contributed: false });
    expect(value(client, 'crashes')).toBe(1);
    expect(value(client, 'busy')).toBe(2);
  });

  it('while the record is written, still sends nothing', async () => {
    const store = memoryStore();
    const client = await device({ store });
    client.record('busy', 50);
    const ours = store.update.bind(store);
    store.update = async (change) => {
      const result = await ours(change);
      if (result === 'reserved') client.consent.set('performance', false);
      return result;
    };
    const seen: number[] = [];
    rig.hand = { up: (type, _b, connection) => connection !== 0 || seen.push(type) > 0 };
    const error = await failure(client, [await device(), await device()]);
    expect(error.code).toBe('consent-changed');
    expect(seen).not.toContain(MASKED_INPUT);
    expect(await client.receipts()).toEqual([]);
    // The window is spent all the same: nobody can tell from outside.
    await expect(client.submit()).rejects.toMatchObject({ code: 'already-contributed' });
  });
});

describe('leaving', () => {
  it('in the middle of a round ends it, sends nothing and erases the keys', async () => {
    // Lets one look into it after the client closed it.
    const store = { ...memoryStore(), close: async () => {} };
    const client = await device({ store });
    client.record('crashes', 1);
    const seen: number[] = [];
    rig.hand = {
      up: (type, _bytes, connection) => {
        if (connection !== 0) return true;
        seen.push(type);
        if (type === SHARE_KEYS) left = client.leave();
        return true;
      },
    };
    let left: Promise<void> | undefined;
    const rest = [await device(), await device()];
    const error = await failure(client, rest);
    expect(error).toMatchObject({ code: 'submit-aborted', contributed: false });
    await left;
    expect(seen).toContain(SHARE_KEYS);
    expect(seen).not.toContain(MASKED_INPUT);
    const record = await store.read();
    expect(pseudonyms(record)).toEqual([]);
    expect(record.receipts).toEqual([]);
  });
});

describe('a coordinator that speaks wrongly', () => {
  const spoilt: [
    name: string,
    type: number,
    spoil: (bytes: Uint8Array) => readonly (Uint8Array | string)[],
    code: string,
  ][] = [
    ['text instead of bytes', CHALLENGE, () => ['hello'], 'wire-invalid'],
    ['an empty message', CHALLENGE, () => [new Uint8Array(0)], 'wire-invalid'],
    ['random bytes', CHALLENGE, () => [new Uint8Array(64).fill(0xc1)], 'wire-invalid'],
    ['a message above the limit', CHALLENGE, () => [new Uint8Array(100_000)], 'wire-invalid'],
    ['an unknown type', CHALLENGE, () => [Uint8Array.of(0x91, 0x63)], 'wire-invalid'],
    ['a field too many', CHALLENGE, (b) => [withField(b)], 'wire-invalid'],
    ['bytes after the end', CHALLENGE, (b) => [Uint8Array.of(...b, 0)], 'wire-invalid'],
    ['an offer before the challenge', CHALLENGE, () => [offerFrame], 'wrong-stage'],
    ['two challenges', CHALLENGE, (b) => [b, flip(b, 20)], 'second-message'],
    [
      'an announcement with another signature',
      OFFER,
      (b) => [flip(b, -35)],
      'announcement-signature',
    ],
    ['an offer that was changed', OFFER, (b) => [flip(b, -104)], 'announcement-signature'],
    ['a roster for another round', ROSTER, (b) => [flip(b, 10)], 'wrong-round'],
    ['a neighbour with another key', ROSTER, (b) => [flip(b, 200)], 'roster-proof'],
    ['a roster with another seed', ROSTER, (b) => [flip(b, 30)], 'roster-signature'],
    ['two rosters', ROSTER, (b) => [b, flip(b, 30)], 'second-message'],
    ['a set before its stage', ROSTER, (b) => [closedFrame(b)], 'wrong-stage'],
    ['U2 with another signature', SHARED_SET, (b) => [flip(b, 30)], 'shared-set-signature'],
    ['boxes that do not open', SHARED_SET, (b) => [flip(flip(b, -1), -90)], 'too-few-shares'],
  ];

  // Learnt from a round that goes well, for peers that say it too early.
  let offerFrame: Uint8Array = new Uint8Array(0);

  it.each(spoilt)(
    '%s: is told what is wrong, and nothing leaves',
    async (_name, type, spoil, code) => {
      await learnOffer();
      const drawn: Uint8Array[] = [];
      const rng = (length: number) => {
        const bytes = crypto.getRandomValues(new Uint8Array(length));
        if (length === 32) drawn.push(bytes);
        return bytes;
      };
      const store = memoryStore();
      const client = await device({ store, rng });
      const others = [await device(), await device()];
      client.record('crashes', 4);
      const target = rig.connections;
      const sent: number[] = [];
      rig.hand = {
        down: (sentType, bytes, connection) =>
          connection === target && sentType === type ? spoil(bytes) : [bytes],
        up: (sentType, _bytes, connection) => {
          if (connection === target) sent.push(sentType);
          return true;
        },
      };
      const error = await failure(client, others);
      expect(error).toMatchObject({ code, contributed: false, name: 'SubmitError' });
      expect(error.message).toContain('recorded values are kept');
      expect(sent).not.toContain(MASKED_INPUT);
      for (const secret of drawn) expect(isZero(secret)).toBe(true);
      expect((await store.read()).contributedUntil).toEqual({});
      expect(await client.receipts()).toEqual([]);
      expect(value(client, 'crashes')).toBe(4);
    },
  );

  async function learnOffer(): Promise<void> {
    const teacher = await device();
    rig.hand = {
      down: (type, bytes) => {
        if (type === OFFER) offerFrame = bytes;
        return [bytes];
      },
    };
    const end = new AbortController();
    const round = teacher.submit({ signal: end.signal }).catch(() => {});
    await vi.waitFor(() => expect(offerFrame.length).toBeGreaterThan(0));
    end.abort();
    await round;
  }

  const late: [name: string, spoil: (bytes: Uint8Array) => Uint8Array, code: string][] = [
    ['U3 with another signature', (b) => flip(b, -1), 'survivor-set-signature'],
    ['U3 without most of U2', (b) => flip(b, 22), 'set-too-small'],
  ];

  it.each(late)('%s: reveals nothing, and the window is spent', async (_name, spoil, code) => {
    const client = await device();
    client.record('crashes', 4);
    const target = rig.connections;
    const sent: number[] = [];
    rig.hand = {
      down: (type, bytes, connection) => [
        connection === target && type === SURVIVOR_SET ? spoil(bytes) : bytes,
      ],
      up: (type, _bytes, connection) => connection !== target || sent.push(type) > 0,
    };
    const error = await failure(client, [await device(), await device()]);
    const nextWindowMs = START_MS - 1000 + WINDOW_MS;
    expect(error).toMatchObject({ code, contributed: true, nextWindowMs, retryable: true });
    expect(error.message).toContain('this window is spent');
    expect(sent).toContain(MASKED_INPUT);
    expect(sent).not.toContain(UNMASKING);
    expect(value(client, 'crashes')).toBeUndefined();
    // The ledger says what left, though nobody knows what became of it.
    expect(await client.receipts()).toMatchObject([{ kind: 'sent', values: { crashes: 4 } }]);
  });

  it('asks in Recovery for a device that is no dropout: reveals no share', async () => {
    const client = await device();
    const target = rig.connections;
    const sent: number[] = [];
    rig.hand = {
      down: (type, bytes, connection) =>
        connection === target && type === CLOSED ? [recoverFrame(bytes), bytes] : [bytes],
      up: (type, _bytes, connection) => connection !== target || sent.push(type) > 0,
    };
    const error = await failure(client, [await device(), await device()]);
    expect(error).toMatchObject({ code: 'recovery-refused', contributed: true });
    expect(sent.at(-1)).toBe(UNMASKING);
  });

  it('never answers: gives up after its own patience', async () => {
    rig.hand = { down: () => [] };
    const client = await device({ offerTimeoutMs: 50 });
    expect(await failure(client)).toMatchObject({ code: 'coordinator-silent', retryable: true });
  });

  it('is not there, or is something else', async () => {
    const client = await device();
    await rig.close();
    const error = await client.submit({ attempts: 2 }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'coordinator-unavailable', attempts: 2, retryable: true });
    expect(String(error)).toMatch(/ECONNREFUSED.*tried 2 times in 0 s.*call submit again later/);
    rig = await startRig();
  });

  it.each([
    [4017, 'overloaded', true],
    [4007, 'task-unknown', false],
    [4999, 'connection-lost', true],
    [1011, 'connection-lost', true],
  ])('closes with %i without a word: %s', async (closeCode, code, retryable) => {
    rig.hand = {
      up: (_type, _bytes, _connection, socket) => {
        socket.close(closeCode);
        return false;
      },
    };
    expect(await failure(await device())).toMatchObject({ code, retryable });
  });
});

describe('trying again', () => {
  it('comes back after a drop that says so, not before', async () => {
    const stages: string[] = [];
    const client = await device({ onProgress: ({ stage }) => stages.push(stage) });
    const rest = [await device(), await device()];
    const retryInMs = 300;
    rig.hand = {
      down: (type, bytes, connection) =>
        connection === 0 && type === OFFER
          ? [dropped.encode({ code: 'overloaded', detail: 'full', retryInMs })]
          : [bytes],
    };
    const startedMs = performance.now();
    const own = client.submit();
    await vi.waitFor(() => expect(rig.connections).toBe(2), 5000);
    expect(performance.now() - startedMs).toBeGreaterThan(retryInMs - 5);
    const others = submitAll(...rest);
    expect(await own).toMatchObject({ included: true });
    await others;
    expect(stages).toContain('retrying');
  });

  // Without its wait in between, a try at a coordinator that is away takes a few milliseconds.
  const impatient = () => new Uint8Array(4);
  const hasty = (length: number) =>
    length === 4 ? impatient() : crypto.getRandomValues(new Uint8Array(length));

  it('goes on for as long as it has time, and then says what stood in the way', async () => {
    const client = await device({ rng: hasty });
    await rig.close();
    const error = await client.submit({ timeoutMs: 300 }).catch((reason: unknown) => reason);
    rig = await startRig();
    expect(error).toMatchObject({ code: 'submit-timeout', retryable: true, contributed: false });
    expect((error as SubmitError).attempts).toBeGreaterThan(5);
    expect(String(error)).toMatch(/not done within 0\.3 s; the last try: .*ECONNREFUSED/);
  });

  it('begins no try after its window unless it was given the time', async () => {
    const endMs = START_MS - 1000 + WINDOW_MS;
    const client = await device({ rng: hasty });
    await rig.close();
    let nowMs = endMs - 10_000;
    const clock = vi.spyOn(rig, 'nowMs', 'get').mockImplementation(() => (nowMs += 500));
    const error = await client.submit().catch((reason: unknown) => reason);
    clock.mockRestore();
    rig = await startRig();
    expect(error).toMatchObject({
      code: 'coordinator-unavailable',
      retryable: true,
      contributed: false,
      nextWindowMs: endMs,
    });
    expect((error as SubmitError).attempts).toBeGreaterThan(1);
    expect((error as SubmitError).triedMs).toBeGreaterThan(5000);
    expect(String(error)).toMatch(/tried \d+ times in [\d.]+ s, not/);
    expect(String(error)).toContain(new Date(endMs).toISOString());
  });

  it('does not come back after a drop that is final', async () => {
    const detail = 'enrolment was revoked';
    rig.hand = {
      down: (type, bytes) =>
        type === OFFER
          ? [dropped.encode({ code: 'device-refused', detail, retryInMs: -1 })]
          : [bytes],
    };
    const client = await device();
    const error = await client.submit().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'device-refused', attempts: 1, retryable: false });
    expect(String(error)).toContain(detail);
    expect(String(error)).toContain('not retried');
  });

  it('ends at once when its signal is aborted, at its time limit, and on close', async () => {
    const client = await device();
    const end = new AbortController();
    const aborted = client.submit({ signal: end.signal });
    await vi.waitFor(() => expect(rig.connections).toBe(1));
    await expect(client.submit()).rejects.toMatchObject({ code: 'submit-running' });
    end.abort(new Error('user left'));
    await expect(aborted).rejects.toMatchObject({
      code: 'submit-aborted',
      cause: { cause: { message: 'user left' } },
    });
    await expect(client.submit({ signal: end.signal })).rejects.toMatchObject({
      code: 'submit-aborted',
    });
    await expect(client.submit({ timeoutMs: 30 })).rejects.toMatchObject({
      code: 'submit-timeout',
      retryable: true,
    });
    const closing = client.submit();
    await Promise.all([
      expect(closing).rejects.toMatchObject({ code: 'submit-aborted' }),
      client.close(),
    ]);
    await expect(client.submit()).rejects.toMatchObject({ code: 'client-closed' });
    await expect(client.receipts()).rejects.toMatchObject({ code: 'client-closed' });
  });

  it('resumes when the connection breaks at its masked input, and is in the sum', async () => {
    const client = await device();
    const rest = [await device(), await device()];
    rig.hand = {
      up: (type, _bytes, connection, socket) => {
        if (type !== MASKED_INPUT || connection !== 0) return true;
        socket.terminate();
        return true;
      },
    };
    const own = client.submit({ attempts: 5 });
    const settled = own.catch((reason: unknown) => reason);
    await vi.waitFor(() => expect(rig.connections).toBe(1));
    const others = submitAll(...rest);
    expect(await settled).toMatchObject({ kind: 'receipt', included: true, survivors: 3 });
    await others;
  });

  it('does not join a second round after its masked input left, though the drop says retry', async () => {
    const client = await device();
    const rest = [await device(), await device()];
    rig.hand = {
      up: (type, _bytes, connection, socket) => {
        if (type !== MASKED_INPUT || connection !== 0) return true;
        socket.close(4017);
        return false;
      },
    };
    const own = client.submit({ attempts: 5 });
    const settled = own.catch((reason: unknown) => reason);
    await vi.waitFor(() => expect(rig.connections).toBe(1));
    const others = submitAll(...rest);
    expect(await settled).toMatchObject({ code: 'overloaded', contributed: true, attempts: 1 });
    for (const other of rest) void other.close();
    await others;
  });

  it('erases what was agreed while it was being aborted', async () => {
    const end = new AbortController();
    const agreed: Uint8Array[] = [];
    const watched = {
      ...suite,
      x25519With: (secret: Uint8Array) => (publicKey: Uint8Array) => {
        end.abort();
        const shared = suite.x25519(secret, publicKey);
        agreed.push(shared);
        return shared;
      },
      hkdfSha256: (...of: Parameters<typeof suite.hkdfSha256>) => {
        const key = suite.hkdfSha256(...of);
        agreed.push(key);
        return key;
      },
    };
    const client = await device({ suite: watched });
    const rest = [await device(), await device()];
    const own = client.submit({ signal: end.signal });
    const settled = own.catch((reason: unknown) => reason);
    await vi.waitFor(() => expect(rig.connections).toBe(1));
    const others = submitAll(...rest);
    expect(await settled).toMatchObject({ code: 'submit-aborted', contributed: false });
    for (const other of rest) void other.close();
    await others;
    expect(agreed.length).toBeGreaterThan(0);
    for (const secret of agreed) expect(isZero(secret)).toBe(true);
  });

  it.each([
    [{ timeoutMs: 0 }, 'timeoutMs'],
    [{ timeoutMs: Number.NaN }, 'timeoutMs'],
    [{ attempts: 0 }, 'attempts'],
    [{ attempts: 1.5 }, 'attempts'],
  ])('refuses %o', async (options, field) => {
    const client = await device();
    await expect(client.submit(options)).rejects.toMatchObject({ code: 'argument-invalid', field });
  });
});

describe('certificates', () => {
  it('are renewed for a new epoch, and ahead of it when it is near', async () => {
    const store = memoryStore();
    const all = [await device({ store }), await device(), await device()];
    await submitAll(...all);
    expect(rig.requests.filter((path) => path === '/v1/renew')).toHaveLength(0);
    // The last window of the epoch.
    rig.nowMs = START_MS - 1000 + EPOCH_MS - WINDOW_MS;
    await submitAll(...all);
    expect(rig.requests.filter((path) => path === '/v1/renew')).toHaveLength(3);
    expect(pseudonyms(await store.read())).toHaveLength(2);
    rig.nowMs += WINDOW_MS;
    const next = await submitAll(...all);
    expect(next.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled']);
    // Two epochs on, without having renewed ahead.
    rig.nowMs += 2 * EPOCH_MS;
    const late = await submitAll(...all);
    expect(late.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled']);
    const kept = pseudonyms(await store.read());
    expect(kept).toHaveLength(2);
    expect(new Set(kept.map(({ publicKey }) => publicKey)).size).toBe(2);
  });

  it('that cannot be renewed now are tried again', async () => {
    const client = await device({
      fetch: (url, init) => {
        if (rig.nowMs > START_MS) throw new Error('getaddrinfo ENOTFOUND');
        return rig.fetch(url, init);
      },
    });
    rig.nowMs += EPOCH_MS;
    const error = await client.submit({ attempts: 2 }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'registrar-unavailable', attempts: 2, retryable: true });
    expect(String(error)).toContain('ENOTFOUND');
  });

  it('of a revoked device are not, and it is told', async () => {
    const store = memoryStore();
    const client = await device({ store });
    rig.revoke(pseudonyms(await store.read())[0]?.publicKey ?? '');
    rig.nowMs += EPOCH_MS;
    await expect(client.submit()).rejects.toMatchObject({ code: 'revoked', retryable: false });
  });

  it('are needed', async () => {
    const client = await createClient({
      manifest: rig.signedManifest,
      publisherKey,
      registrarUrl: REGISTRAR_URL,
      store: memoryStore(),
      now: () => rig.nowMs,
    });
    expect(client.isEnrolled).toBe(false);
    const error = await client.submit().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'not-enrolled', name: 'UsageError' });
    expect(String(error)).toContain('call enrol(code)');
  });
});

function pseudonyms(record: Awaited<ReturnType<ClientStore['read']>>) {
  return record.registrars[registrarKey]?.pseudonyms ?? [];
}

function value(client: Client, name: string): unknown {
  return client.preview().metrics.find((metric) => metric.name === name)?.value;
}

function isZero(bytes: Uint8Array): boolean {
  return toHex(bytes) === '00'.repeat(bytes.length);
}

/** @param at - which byte; negative from the end. */
function flip(bytes: Uint8Array, at: number): Uint8Array {
  const changed = new Uint8Array(bytes);
  const index = at < 0 ? bytes.length + at : at;
  changed[index] = (changed[index] ?? 0) ^ 1;
  return changed;
}

function withField(bytes: Uint8Array): Uint8Array {
  return Uint8Array.of((bytes[0] ?? 0) + 1, ...bytes.subarray(1), 0);
}

/** Closed, of the same round as `bytes`, whose round id is its first field. */
function closedFrame(bytes: Uint8Array): Uint8Array {
  return Uint8Array.of(0x95, CLOSED, ...bytes.subarray(2, 20), 0xc3, 0xc0, 0xc0);
}

/** Recover with S = {0}, of the same round as `bytes`; everyone is a survivor. */
function recoverFrame(bytes: Uint8Array): Uint8Array {
  return Uint8Array.of(0x94, RECOVER, ...bytes.subarray(2, 20), 0xc4, 1, 0, 0xc4, 1, 1);
}
