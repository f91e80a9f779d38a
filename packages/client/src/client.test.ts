import { RoundError, unsafeSeededRng } from '@onlysum/crypto';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { type ClientOptions, createClient, memoryStore } from './index.js';
import { nodeTransport } from './node/ws-transport.js';
import {
  manifest,
  publisherKey,
  publisherSeed,
  REGISTRAR_URL,
  registrarKey,
  signed,
  START_MS,
  suite,
} from '../test/rig.js';

const plain = manifest('wss://sum.test/v1');
const file = signed(plain);

function client(options: Partial<ClientOptions> = {}) {
  return createClient({
    manifest: file,
    publisherKey,
    registrarUrl: REGISTRAR_URL,
    store: memoryStore(),
    transport: nodeTransport,
    suite,
    now: () => START_MS,
    ...options,
  });
}

describe('createClient', () => {
  it('takes a manifest under the pinned key only', async () => {
    const strangerSeed = unsafeSeededRng('stranger')(32);
    const stranger = Buffer.from(suite.ed25519PublicKey(strangerSeed)).toString('hex');
    const theirs = signed({ ...plain, publisher: stranger }, strangerSeed);
    await expect(client({ manifest: theirs })).rejects.toMatchObject({
      code: 'publisher-mismatch',
    });
    const changed = { ...(file as object), manifest: { ...plain, attempts: 15 } };
    await expect(client({ manifest: changed })).rejects.toMatchObject({
      code: 'manifest-signature',
    });
  });

  it('never goes back to an older version, also after starting anew', async () => {
    const store = memoryStore();
    const newer = signed({ ...plain, version: 7 });
    await client({ manifest: newer, store });
    await client({ manifest: newer, store });
    await expect(client({ store })).rejects.toMatchObject({ code: 'manifest-rollback' });
    // Another task of the publisher counts for itself.
    await client({ manifest: signed({ ...plain, name: 'constructor' }), store });
    expect((await store.read()).versions).toEqual({
      [publisherKey]: { 'client-test': 7, constructor: 1 },
    });
  });

  it('does not submit under an older version than another process has taken', async () => {
    const store = memoryStore();
    const old = await client({ store });
    await client({ manifest: signed({ ...plain, version: 2 }), store });
    await expect(old.submit()).rejects.toMatchObject({ code: 'manifest-rollback' });
  });

  it('keeps to its floor', async () => {
    const floor = { minHonest: 5, maxDevices: 100, minCorrupt: 10, minPopulation: 1000 };
    await expect(client({ floor })).rejects.toMatchObject({ code: 'below-floor' });
  });

  it('keeps to the validity, when made and when submitting', async () => {
    const { notBeforeMs, notAfterMs } = plain.validity;
    await expect(client({ now: () => notBeforeMs - 1 })).rejects.toMatchObject({
      code: 'task-not-valid',
      retryable: true,
    });
    await expect(client({ now: () => notAfterMs })).rejects.toMatchObject({
      code: 'task-not-valid',
      retryable: false,
    });
    let nowMs = START_MS;
    const made = await client({ now: () => nowMs });
    nowMs = notAfterMs;
    await expect(made.submit()).rejects.toMatchObject({ code: 'task-not-valid' });
  });

  it('changes nothing in the store when it refuses', async () => {
    const store = memoryStore();
    await client({ store, now: () => 0 }).catch(() => {});
    await client({ store, consent: ['nobody'] }).catch(() => {});
    expect((await store.read()).versions).toEqual({});
  });

  it.each([
    ['options', undefined],
    ['store', { store: {} }],
    ['store', { store: undefined }],
    ['consent', { consent: 'performance' }],
    ['consent', { consent: 5 }],
    ['publisherKey', { publisherKey: publisherKey.toUpperCase() }],
    ['publisherKey', { publisherKey: undefined }],
    ['registrarUrl', { registrarUrl: 'http://registrar.test' }],
    ['registrarUrl', { registrarUrl: 'https://user@registrar.test' }],
    ['registrarUrl', { registrarUrl: 'https://registrar.test/?a' }],
    ['registrarUrl', { registrarUrl: 'registrar.test' }],
    ['registrarUrl', { registrarUrl: 7 }],
    ['registrarUrl', { registrarUrl: 'http://localhost/#a' }],
    ['offerTimeoutMs', { offerTimeoutMs: -1 }],
    ['offerTimeoutMs', { offerTimeoutMs: '5' }],
    ['onProblem', { onProblem: 'log' }],
    ['now', { now: 5 }],
    ['transport', { transport: {} }],
    ['group', { consent: ['nobody'] }],
    [
      'floor.minHonest',
      { floor: { minHonest: 1, maxDevices: 9, minCorrupt: 0, minPopulation: 0 } },
    ],
  ])('names the wrong option: %s', async (field, change) => {
    const made = change === undefined ? createClient(undefined as never) : client(change as never);
    const error: { field?: string; message?: string } = await made.then(
      () => ({}),
      (reason: object) => reason,
    );
    expect(error.field).toBe(field);
    expect(error.message).toContain(field);
  });

  it.each(['http://localhost:8080/', 'http://127.0.0.1:1', 'http://[::1]:1', 'https://r.test/a/'])(
    'takes %s for a registrar',
    async (registrarUrl) => expect(await client({ registrarUrl })).toBeDefined(),
  );

  it('says what to do where there is no WebSocket', async () => {
    vi.stubGlobal('WebSocket', undefined);
    const made = createClient({
      manifest: file,
      publisherKey,
      registrarUrl: REGISTRAR_URL,
      store: memoryStore(),
      now: () => START_MS,
    });
    await expect(made).rejects.toMatchObject({ code: 'transport-missing' });
    vi.unstubAllGlobals();
  });
});

describe('record', () => {
  it('never throws, whatever it is given', async () => {
    const made = await client({ consent: ['performance'] });
    const names = fc.constantFrom(...plain.metrics.map(({ name }) => name), '__proto__', '');
    const metric = fc.oneof(names, fc.anything());
    const anything = fc.anything({ withBigInt: true, withDate: true, withNullPrototype: true });
    fc.assert(
      fc.property(metric, anything, (name, value) => {
        made.record(name as string, value as number);
        // And what was kept can always be encoded.
        expect(made.preview().lanes).toHaveLength(made.task.layout.lanes.length);
      }),
      { numRuns: 300 },
    );
  });

  it('never throws for values that throw when looked at, nor for a host that throws', async () => {
    const trap = new Proxy(
      {},
      {
        getPrototypeOf: () => {
          throw trap;
        },
        get: () => {
          throw trap;
        },
      },
    );
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    const problems: unknown[] = [];
    const made = await client({
      onProblem: (problem) => {
        problems.push(problem);
        throw trap;
      },
    });
    for (const hostile of [trap, proxy, Symbol('x'), () => 1, 10n]) {
      made.record('crashes', hostile as never);
      made.record(hostile as never, 1);
    }
    expect(problems).toHaveLength(10);
  });

  it('tells once of each metric whose group is not given', async () => {
    const problems: { code: string; message: string }[] = [];
    const made = await client({ onProblem: (problem) => problems.push(problem) });
    made.record('busy', 1);
    made.record('busy', 2);
    made.record('crashes', 1);
    expect(problems.map(({ code }) => code)).toEqual(['consent-missing']);
    expect(problems[0]?.message).toMatch(/busy .* group performance.*consent\.set\('performance'/);
    made.consent.set('performance', true);
    made.record('busy', 3);
    expect(made.preview().metrics[3]).toMatchObject({ value: 3 });
    expect(problems).toHaveLength(1);
  });

  it('reports what is wrong by name, and never shows a text that came', async () => {
    const problems: { code: string; message: string }[] = [];
    const made = await client({ onProblem: (problem) => problems.push(problem) });
    made.record('started', 1);
    made.record('crashes', Number.NaN);
    made.record('crashes', -1);
    made.record('active', 'secret text' as never);
    expect(problems.map(({ code }) => code)).toEqual([
      'metric-unknown',
      'value-not-finite',
      'value-type',
      'value-type',
    ]);
    expect(problems[0]?.message).toContain('"started"');
    for (const { message } of problems.slice(1)) expect(message).not.toContain('secret');
    expect(made.preview().metrics.map(({ value }) => value)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe('preview and consent', () => {
  it('shows what would be sent, what is clipped, and what is left out', async () => {
    const made = await client({ consent: ['performance'] });
    made.record('active', true);
    made.record('crashes', 7);
    made.record('crashes', 5);
    made.record('edition', 'enterprise');
    made.record('busy', 12.25);
    const shown = made.preview();
    expect(shown.metrics).toMatchObject([
      { name: 'active', group: 'essential', included: true, value: true, clipped: false },
      { name: 'crashes', value: 12, clipped: true, purpose: 'Crashes' },
      { name: 'edition', value: 'other', clipped: false },
      {
        name: 'busy',
        group: 'performance',
        consented: true,
        included: true,
        value: 12.25,
        clipped: false,
      },
    ]);
    const lanes = Object.fromEntries(shown.lanes.map(({ label, value }) => [label, value]));
    expect(lanes).toMatchObject({
      'essential.respondents': 1,
      'crashes.value': 9,
      'crashes.clipped': 1,
      'edition.category[other]': 1,
      'performance.respondents': 1,
      'busy.value': 25,
    });
    expect(shown.vectorBytes).toBe(made.task.layout.vectorBytes);
    expect(shown.window.startMs).toBe(START_MS - 1000);

    made.consent.set('performance', false);
    const without = made.preview();
    const left = { consented: false, included: false, value: undefined };
    expect(without.metrics[3]).toMatchObject(left);
    expect(without.lanes.filter(({ label }) => /busy|performance/.test(label))).toSatisfy(
      (left: { value: number }[]) => left.every(({ value }) => value === 0),
    );
    // What is recorded without consent is not kept for a later change of mind.
    made.record('busy', 50);
    made.consent.set('performance', true);
    const none = { consented: true, included: false, value: undefined };
    expect(made.preview().metrics[3]).toMatchObject(none);
  });

  it('refuses what cannot be given or taken', async () => {
    const made = await client();
    const refusals: [() => void, string][] = [
      [() => made.consent.set('essential', false), 'group-essential'],
      [() => made.consent.set('nobody', true), 'group-unknown'],
      [() => made.consent.set('constructor', true), 'group-unknown'],
      [() => made.consent.set('performance', 'no' as never), 'argument-invalid'],
      [() => made.consent.isGiven('performnce'), 'group-unknown'],
    ];
    for (const [call, code] of refusals) {
      expect(call).toThrow(expect.objectContaining({ code }));
    }
    made.consent.set('essential', true);
  });

  it('tells what is given, in the order of the manifest', async () => {
    const made = await client();
    expect(made.consent.given()).toEqual(['essential']);
    expect(made.consent.isGiven('essential')).toBe(true);
    expect(made.consent.isGiven('performance')).toBe(false);
    made.consent.set('performance', true);
    expect(made.consent.given()).toEqual(['essential', 'performance']);
    expect(made.consent.isGiven('performance')).toBe(true);
    made.consent.set('performance', false);
    expect(made.consent.given()).toEqual(['essential']);
  });
});

describe('leaving', () => {
  const secrets = {
    incarnation: 3,
    code: '11'.repeat(32),
    enrolling: { code: '22'.repeat(32), seed: '33'.repeat(32) },
    renewing: { epoch: 1, seed: '44'.repeat(32), previous: '55'.repeat(32) },
    pseudonyms: [
      {
        epoch: 1,
        seed: '66'.repeat(32),
        publicKey: '77'.repeat(32),
        signature: '88'.repeat(64),
      },
    ],
  };
  const stranger = 'ab'.repeat(32);
  const taskName = `${publisherKey}/client-test`;

  /** Lets one look into it after the client closed it. */
  function openStore() {
    const store = memoryStore();
    const close = vi.fn(async () => {});
    return { ...store, close };
  }

  async function enrolled() {
    const store = openStore();
    const contributedUntil = { [publisherKey]: { crashes: START_MS } };
    await store.update((record) => [
      {
        ...record,
        contributedUntil,
        registrars: { [registrarKey]: secrets, [stranger]: secrets },
      },
      undefined,
    ]);
    return { store, contributedUntil, made: await client({ store }) };
  }

  it('erases this registrar’s secrets, and keeps what prevents a second contribution', async () => {
    const { store, contributedUntil, made } = await enrolled();
    expect(made.isEnrolled).toBe(true);
    await made.leave();
    expect(made.isEnrolled).toBe(false);
    expect(store.close).toHaveBeenCalledTimes(1);
    const record = await store.read();
    expect(record.registrars[registrarKey]).toEqual({
      incarnation: 3,
      code: null,
      enrolling: null,
      renewing: null,
      pseudonyms: [],
      tasks: [taskName],
    });
    expect(record.registrars[stranger]).toEqual(secrets);
    expect(record.contributedUntil).toEqual(contributedUntil);
    expect(record.versions).toEqual({ [publisherKey]: { 'client-test': 1 } });
  });

  it('leaves the enrolment to other tasks when asked to', async () => {
    const { store, made } = await enrolled();
    await made.leave({ keepEnrolment: true });
    const tasks = [taskName];
    expect((await store.read()).registrars[registrarKey]).toEqual({ ...secrets, tasks });
    expect(made.isEnrolled).toBe(false);
  });

  it('erases the secrets under the keys that the registrar had before, too', async () => {
    const { store } = await enrolled();
    await store.update((record) => {
      const registrars = { [stranger]: { ...secrets, tasks: [taskName] } };
      return [{ ...record, registrars }, undefined];
    });
    const made = await client({ store });
    expect(made.isEnrolled).toBe(true);
    await made.leave();
    const record = await store.read();
    const nothing = { code: null, enrolling: null, renewing: null, pseudonyms: [] };
    expect(record.registrars[stranger]).toMatchObject(nothing);
    expect((await client({ store })).isEnrolled).toBe(false);
  });

  it('forgets what was recorded, and keeps nothing more', async () => {
    const problems: string[] = [];
    const made = await client({ onProblem: ({ code }) => problems.push(code) });
    made.record('crashes', 3);
    const left = made.leave();
    made.record('crashes', 4);
    expect(problems).toEqual(['client-closed']);
    await left;
    expect(made.preview().metrics.filter(({ value }) => value !== undefined)).toEqual([]);
    await expect(made.submit()).rejects.toMatchObject({ code: 'client-closed' });
    await expect(made.leave()).rejects.toMatchObject({ code: 'client-closed' });
    expect(() => made.start()).toThrow(expect.objectContaining({ code: 'client-closed' }));
    await made.close();
  });

  it('says so if the keys may still be there', async () => {
    const { store, made } = await enrolled();
    store.update = async () => {
      throw new RoundError('store-failed', 'disk full');
    };
    await expect(made.leave()).rejects.toMatchObject({ code: 'store-failed' });
    expect(store.close).toHaveBeenCalledTimes(1);
    expect(made.isEnrolled).toBe(true);
  });
});

describe('the record of a device', () => {
  it('holds no key of the publisher or of another party', async () => {
    const store = memoryStore();
    await client({ store });
    const text = JSON.stringify(await store.read());
    expect(text).not.toContain(Buffer.from(publisherSeed).toString('hex'));
    expect(text).not.toContain(registrarKey);
  });
});
