import { toHex } from '@onlysum/crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Client, createClient, type FetchLike, memoryStore } from './index.js';
import {
  EPOCH_MS,
  publisherKey,
  REGISTRAR_URL,
  registrarKey,
  type Rig,
  startRig,
  suite,
} from './node/testing/rig.js';
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

  it('replaces an enrolment by another code', async () => {
    const store = memoryStore();
    const client = await device(rig.fetch, store);
    await client.enrol(rig.code());
    const before = (await store.read()).registrars[registrarKey]?.pseudonyms[0]?.publicKey;
    await client.enrol(rig.code());
    const after = (await store.read()).registrars[registrarKey]?.pseudonyms;
    expect(after).toHaveLength(1);
    expect(after?.[0]?.publicKey).not.toBe(before);
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
      () => answering(() => ({ error: { code: 'rate-limited', message: 'slow down' } }), 429),
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
