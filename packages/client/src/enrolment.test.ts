import { parseHex, systemRng, toHex } from '@onlysum/crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type EnrolmentPorts, pseudonymFor } from './enrolment.js';
import { type Client, createClient, type FetchLike, memoryStore } from './index.js';
import {
  EPOCH_MS,
  publisherKey,
  REGISTRAR_URL,
  registrarKey,
  type Rig,
  START_MS,
  startRig,
  suite,
} from '../test/rig.js';
import { nodeTransport } from './node/ws-transport.js';

let rig: Rig;
beforeEach(async () => {
  rig = await startRig();
});
afterEach(() => rig.close());

function device(fetch: FetchLike = rig.fetch, store = memoryStore()): Promise<Client> {
  return createClient({
    manifest: rig.signedManifest,
    publisherKey,
    registrarUrl: REGISTRAR_URL,
    store,
    transport: nodeTransport,
    suite,
    fetch,
    now: () => rig.nowMs,
  });
}

/** The registrar's answer, changed on its way. */
function answering(change: (json: Record<string, unknown>) => unknown, status = 200): FetchLike {
  return async (url, init) => {
    const response = await rig.fetch(url, init);
    const json = JSON.parse(await response.text()) as Record<string, unknown>;
    return { status, text: async () => JSON.stringify(change(json)) };
  };
}

describe('enrolment', () => {
  it('asks once, and not again for the same code', async () => {
    const store = memoryStore();
    const client = await device(rig.fetch, store);
    expect(client.isEnrolled).toBe(false);
    const code = rig.code();
    await client.enrol(` ${code}\n`);
    await client.enrol(code);
    expect(rig.requests).toEqual(['/v1/enrol']);
    expect(client.isEnrolled).toBe(true);
    expect((await device(rig.fetch, store)).isEnrolled).toBe(true);
    const text = JSON.stringify(await store.read());
    expect(text).not.toContain(code);
  });

  it('gets the same certificate when the answer was lost, also for two processes at once', async () => {
    const store = memoryStore();
    const code = rig.code();
    const lossy = await device(async (url, init) => {
      await rig.fetch(url, init);
      throw new Error('socket hang up');
    }, store);
    await expect(lossy.enrol(code)).rejects.toMatchObject({
      code: 'registrar-unavailable',
      retryable: true,
      message: expect.stringContaining('socket hang up') as string,
    });
    expect(lossy.isEnrolled).toBe(false);
    const [one, two] = [await device(rig.fetch, store), await device(rig.fetch, store)];
    await Promise.all([one.enrol(code), two.enrol(code)]);
    expect((await store.read()).registrars[registrarKey]).toMatchObject({
      enrolling: null,
      pseudonyms: [{ epoch: rig.nowMs < 0 ? 0 : Math.floor(rig.nowMs / EPOCH_MS) }],
    });
  });

  it('replaces an enrolment by another code only when told to', async () => {
    const store = memoryStore();
    const client = await device(rig.fetch, store);
    await client.enrol(rig.code());
    const before = (await store.read()).registrars[registrarKey]?.pseudonyms[0]?.publicKey;
    const code = rig.code();
    await expect(client.enrol(code)).rejects.toMatchObject({
      code: 'already-enrolled',
      retryable: false,
      message: expect.stringContaining('--replace') as string,
    });
    expect(rig.requests).toEqual(['/v1/enrol']);
    expect((await store.read()).registrars[registrarKey]?.pseudonyms[0]?.publicKey).toBe(before);
    await client.enrol(code, { replace: true });
    const after = (await store.read()).registrars[registrarKey]?.pseudonyms;
    expect(after).toHaveLength(1);
    expect(after?.[0]?.publicKey).not.toBe(before);
  });

  it('lets one of two codes through that are used at once', async () => {
    const store = memoryStore();
    const [one, two] = [await device(rig.fetch, store), await device(rig.fetch, store)];
    const ended = await Promise.allSettled([one.enrol(rig.code()), two.enrol(rig.code())]);
    const lost = ended.filter((result) => result.status === 'rejected');
    expect(lost).toMatchObject([{ reason: { code: 'already-enrolled' } }]);
    expect((await store.read()).registrars[registrarKey]?.pseudonyms).toHaveLength(1);
  });

  it.each([
    [404, { error: { code: 'not-found', message: 'no such path' } }],
    [426, { error: { code: 'upgrade-required', message: 'devices connect here' } }],
  ])('says where there is another server than a registrar: %i', async (status, body) => {
    const client = await device(answering(() => body, status));
    await expect(client.enrol(rig.code())).rejects.toMatchObject({
      code: 'registrar-answer',
      field: 'registrarUrl',
      message: expect.stringContaining(REGISTRAR_URL) as string,
    });
  });

  it('passes on why the registrar refuses', async () => {
    const client = await device();
    await expect(client.enrol('no-such-code')).rejects.toMatchObject({
      code: 'code-invalid',
      name: 'UsageError',
      retryable: false,
      message: expect.stringContaining('ask the operator') as string,
    });
    const code = rig.code();
    await client.enrol(code);
    const second = await device();
    await expect(second.enrol(code)).rejects.toMatchObject({ code: 'code-used' });
    expect(second.isEnrolled).toBe(false);
  });

  it.each([[''], ['two words'], ['x'.repeat(201)], [7], [undefined]])(
    'refuses %o for a code without showing it',
    async (code) => {
      const client = await device();
      const error = await client.enrol(code as string).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: 'argument-invalid', field: 'code' });
      expect(String(error)).not.toContain('two words');
      expect(rig.requests).toEqual([]);
    },
  );

  const wrong: [name: string, fetch: () => FetchLike, code: string][] = [
    [
      'a certificate by somebody else',
      () => answering((json) => ({ ...json, signature: '00'.repeat(64) })),
      'certificate-invalid',
    ],
    [
      'a certificate for another key',
      () =>
        answering((json) => ({
          ...json,
          pseudonym: toHex(suite.ed25519PublicKey(new Uint8Array(32))),
        })),
      'certificate-invalid',
    ],
    [
      'a certificate for another epoch than it signed',
      () => answering((json) => ({ ...json, epoch: 5 })),
      'certificate-invalid',
    ],
    [
      'epochs of another length',
      () => answering((json) => ({ ...json, epochLengthMs: 1000 })),
      'certificate-invalid',
    ],
    [
      'a short signature',
      () => answering((json) => ({ ...json, signature: '00' })),
      'registrar-answer',
    ],
    [
      'a field of another type',
      () => answering((json) => ({ ...json, epoch: 'x' })),
      'registrar-answer',
    ],
    ['another JSON', () => answering(() => [1]), 'registrar-answer'],
    [
      'no JSON',
      () => async () => ({ status: 200, text: async () => '<html>' }),
      'registrar-answer',
    ],
    [
      'a page that is not there',
      () => async () => ({ status: 404, text: async () => 'Not Found' }),
      'registrar-answer',
    ],
    [
      'an error without a proper code',
      () => answering(() => ({ error: { code: 'A B', message: 'x' } }), 400),
      'registrar-answer',
    ],
    [
      'its own trouble',
      () => async () => ({ status: 503, text: async () => '' }),
      'registrar-unavailable',
    ],
    [
      'too many requests',
      () => answering(() => ({ error: { code: 'busy', message: 'slow down' } }), 429),
      'registrar-unavailable',
    ],
  ];

  it.each(wrong)('does not take %s', async (_name, fetch, code) => {
    const store = memoryStore();
    const client = await device(fetch(), store);
    const error = await client.enrol(rig.code()).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code, retryable: code === 'registrar-unavailable' });
    expect(client.isEnrolled).toBe(false);
    expect((await store.read()).registrars[registrarKey]?.pseudonyms).toEqual([]);
  });

  it("does not take another device's certificate, though it is genuine", async () => {
    let first: string | undefined;
    const replaying: FetchLike = async (url, init) => {
      const response = await rig.fetch(url, init);
      first ??= await response.text();
      const text = first;
      return { status: 200, text: async () => text };
    };
    await (await device(replaying)).enrol(rig.code());
    const second = await device(replaying);
    await expect(second.enrol(rig.code())).rejects.toMatchObject({
      code: 'certificate-invalid',
      expected: 'the key that was sent',
    });
  });

  it('gives up on a registrar that does not answer', { timeout: 15_000 }, async () => {
    const client = await device(
      (_url, { signal }) =>
        new Promise((_, reject) => {
          // Timers of AbortSignal do not hold the process; this test does.
          const hold = setTimeout(() => {}, 20_000);
          signal.addEventListener('abort', () => {
            clearTimeout(hold);
            reject(signal.reason as Error);
          });
        }),
    );
    await expect(client.enrol(rig.code())).rejects.toMatchObject({
      code: 'registrar-unavailable',
      message: expect.stringContaining('no answer within 10000 ms') as string,
    });
  });
});

describe('renewal', () => {
  const EPOCH = Math.floor(START_MS / EPOCH_MS);

  async function enrolled() {
    const own = memoryStore();
    await (await device(rig.fetch, own)).enrol(rig.code());
    rig.requests.length = 0;
    const bodies: Record<string, unknown>[] = [];
    const ports = (fetch: FetchLike): EnrolmentPorts => ({
      task: rig.task,
      store: own,
      suite,
      rng: systemRng,
      call: {
        url: REGISTRAR_URL,
        holdsProcess: true,
        fetch: (url, init) => {
          bodies.push(JSON.parse(init.body ?? '') as Record<string, unknown>);
          return fetch(url, init);
        },
      },
    });
    const record = async () => (await own.read()).registrars[registrarKey]!;
    const renew = (epoch: number, fetch: FetchLike = rig.fetch) =>
      pseudonymFor(ports(fetch), epoch);
    return { bodies, record, renew };
  }

  /** The registrar does it, and the device never learns of it. */
  const losing: FetchLike = async (url, init) => {
    expect((await rig.fetch(url, init)).status).toBe(200);
    throw new Error('socket hang up');
  };
  const unheard: FetchLike = async () => {
    throw new Error('no route');
  };
  const lost = { code: 'registrar-unavailable', retryable: true };
  const publicKey = (seedHex: string | undefined) =>
    toHex(suite.ed25519PublicKey(parseHex('seed', seedHex ?? '', 32)));

  it('makes its key durable before it asks', async () => {
    const { record, renew } = await enrolled();
    let written: string | undefined;
    const { certificate } = await renew(EPOCH + 1, async (url, init) => {
      written = publicKey((await record()).renewing?.seed);
      return rig.fetch(url, init);
    });
    expect(written).toBe(toHex(certificate.pseudonym));
    expect(await record()).toMatchObject({
      renewing: null,
      pseudonyms: [{}, { epoch: EPOCH + 1 }],
    });
  });

  it.each([
    ['lost', losing],
    ['never given', unheard],
  ])('asks the same again when the answer was %s', async (_, fetch) => {
    const { bodies, record, renew } = await enrolled();
    await expect(renew(EPOCH + 1, fetch)).rejects.toMatchObject(lost);
    const { certificate } = await renew(EPOCH + 1);
    expect(bodies).toHaveLength(2);
    expect(bodies[1]).toEqual(bodies[0]);
    expect(bodies[0]).toMatchObject({ pseudonym: toHex(certificate.pseudonym) });
    expect((await record()).renewing).toBe(null);
  });

  it('renews from its newest key, also from one whose answer was lost an epoch ago', async () => {
    const { bodies, record, renew } = await enrolled();
    const first = (await record()).pseudonyms[0]?.publicKey;
    await expect(renew(EPOCH + 1, losing)).rejects.toMatchObject(lost);
    rig.nowMs += EPOCH_MS;
    // Twice in a row: the registrar listens to the second lost key only.
    await expect(
      renew(EPOCH + 2, async (url, init) =>
        rig.requests.length < 2 ? rig.fetch(url, init) : losing(url, init),
      ),
    ).rejects.toMatchObject(lost);
    rig.nowMs += EPOCH_MS;
    const { certificate } = await renew(EPOCH + 3);
    const [one, two, three] = [bodies[0], bodies[2], bodies[4]];
    expect(one).toMatchObject({ previous: first, epoch: EPOCH + 1 });
    expect(two).toMatchObject({ previous: one?.['pseudonym'], epoch: EPOCH + 2 });
    expect(three).toMatchObject({ previous: two?.['pseudonym'], epoch: EPOCH + 3 });
    expect(three).toMatchObject({ pseudonym: toHex(certificate.pseudonym) });
    expect(bodies).toHaveLength(5);
    expect((await record()).renewing).toBe(null);
    rig.nowMs += EPOCH_MS;
    await renew(EPOCH + 4);
    expect(bodies[5]).toMatchObject({ previous: toHex(certificate.pseudonym) });
  });

  it('uses the key for a later epoch if the registrar never heard of it', async () => {
    const { bodies, record, renew } = await enrolled();
    await expect(renew(EPOCH + 1, unheard)).rejects.toMatchObject(lost);
    rig.nowMs += EPOCH_MS;
    const { certificate } = await renew(EPOCH + 2);
    expect(bodies).toHaveLength(2);
    expect(bodies[1]).toMatchObject({ pseudonym: bodies[0]?.['pseudonym'], epoch: EPOCH + 2 });
    expect(certificate.epoch).toBe(EPOCH + 2);
    expect((await record()).pseudonyms.map(({ epoch }) => epoch)).toEqual([EPOCH, EPOCH + 2]);
  });

  it('keeps a lost key of a later epoch while a clock that was ahead is behind again', async () => {
    const { bodies, record, renew } = await enrolled();
    rig.nowMs += EPOCH_MS;
    await expect(renew(EPOCH + 2, losing)).rejects.toMatchObject(lost);
    await expect(renew(EPOCH + 1)).rejects.toMatchObject({ code: 'already-renewed' });
    expect((await record()).renewing?.epoch).toBe(EPOCH + 2);
    const { certificate } = await renew(EPOCH + 2);
    expect(bodies.at(-1)).toEqual(bodies[0]);
    expect(toHex(certificate.pseudonym)).toBe(bodies[0]?.['pseudonym']);
  });

  it('leaves alone a later key that another process asked for meanwhile', async () => {
    const { record, renew } = await enrolled();
    // The answer comes when an epoch has passed and the other process has asked, and lost its answer.
    await renew(EPOCH + 1, async (url, init) => {
      const answer = await rig.fetch(url, init);
      rig.nowMs += EPOCH_MS;
      const before = rig.requests.length;
      const second: FetchLike = (to, with_) =>
        rig.requests.length === before ? rig.fetch(to, with_) : losing(to, with_);
      await expect(renew(EPOCH + 2, second)).rejects.toMatchObject(lost);
      return answer;
    });
    const pending = (await record()).renewing?.seed;
    const { certificate } = await renew(EPOCH + 2);
    expect(publicKey(pending)).toBe(toHex(certificate.pseudonym));
  });

  it('never asks with an older key than its newest', async () => {
    const { bodies, renew } = await enrolled();
    rig.nowMs += EPOCH_MS;
    await renew(EPOCH + 2);
    await expect(renew(EPOCH + 1)).rejects.toMatchObject({
      code: 'not-enrolled',
      message: expect.stringContaining('set the clock') as string,
    });
    expect(bodies).toHaveLength(1);
  });

  it('does not take somebody else’s renewal for its own', async () => {
    const { bodies, record, renew } = await enrolled();
    const refusing: FetchLike = async () => ({
      status: 409,
      text: async () => JSON.stringify({ error: { code: 'already-renewed', message: 'x' } }),
    });
    await expect(renew(EPOCH + 1, refusing)).rejects.toMatchObject({ code: 'already-renewed' });
    expect(bodies).toHaveLength(1);
    expect((await record()).renewing).toMatchObject({ epoch: EPOCH + 1, previous: null });
  });
});

describe('what the registrar says', () => {
  const hostile = 'no\u001b[2K\u009b1A\r\nerror: forged \u202ex';

  it.each<[string, FetchLike, string]>([
    [
      'in a refusal',
      async () => ({
        status: 403,
        text: async () => JSON.stringify({ error: { code: 'revoked', message: hostile } }),
      }),
      'revoked',
    ],
    [
      'in its trouble',
      async () => ({
        status: 503,
        text: async () => JSON.stringify({ error: { code: 'busy', message: hostile } }),
      }),
      'registrar-unavailable',
    ],
    [
      'by its certificate of TLS',
      async () => {
        throw new Error('fetch failed', { cause: new Error(hostile) });
      },
      'registrar-unavailable',
    ],
    [
      'in the place of a number',
      async () => ({ status: 200, text: async () => JSON.stringify({ epoch: hostile }) }),
      'registrar-answer',
    ],
  ])('%s cannot steer a terminal', async (_, fetch, code) => {
    const error = await (await device(fetch)).enrol(rig.code()).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code });
    const { message } = error as Error;
    expect(message).toContain('no[2K1A error: forged x');
    expect(message).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });
});
