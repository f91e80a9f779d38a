import { connect } from 'node:net';
import { once } from 'node:events';
import { Writable } from 'node:stream';
import { LABELS, encodeLabelled, toHex } from '@onlysum/crypto';
import { nativeSuite as suite } from '@onlysum/crypto/node';
import { certificateCheck, encodeRequest, parseResponse } from '@onlysum/protocol';
import { pino } from 'pino';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  Coordinator,
  EPOCH_MS,
  REGISTRAR_SEED,
  START_MS,
  askHttp,
  deviceSeed,
  enrolDevices,
  enrolRequest,
  makeTask,
  roundId,
  signRequest,
} from '../test/fleet.js';
import {
  type RegistrarServerOptions,
  type RunningRegistrar,
  memoryStore,
  startRegistrar,
} from './index.js';

const EPOCH = Math.floor(START_MS / EPOCH_MS);
const running: RunningRegistrar[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close()));
});

async function start(changes: Partial<RegistrarServerOptions> = {}) {
  const clock = { nowMs: START_MS };
  const lines: string[] = [];
  const sink = new Writable({
    write: (chunk: Buffer, _, done) => {
      lines.push(chunk.toString());
      done();
    },
  });
  const task = makeTask();
  const server = await startRegistrar({
    seed: REGISTRAR_SEED,
    tasks: [task],
    epochLengthMs: EPOCH_MS,
    store: memoryStore(),
    now: () => clock.nowMs,
    host: '127.0.0.1',
    port: 0,
    logger: pino({ level: 'trace' }, sink),
    ...changes,
  });
  running.push(server);
  const post = (path: string, body: unknown, type = 'application/json') =>
    fetch(`${server.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': type },
      body: sendable(body),
    });
  return { ...server, server, clock, lines, task, post };
}

function sendable(body: unknown): string | Uint8Array<ArrayBuffer> {
  if (body instanceof Uint8Array) return new Uint8Array(body);
  return typeof body === 'string' ? body : JSON.stringify(body);
}

async function errorOf(response: Response) {
  expect(response.headers.get('content-type')).toContain('application/json');
  const body = (await response.json()) as { error: Record<string, unknown> };
  expect(Object.keys(body)).toEqual(['error']);
  return { status: response.status, ...body.error };
}

function hexed(request: object): Record<string, unknown> {
  const entries = Object.entries(request).map(([name, value]: [string, unknown]) => [
    name,
    value instanceof Uint8Array ? toHex(value) : value,
  ]);
  return Object.fromEntries(entries) as Record<string, unknown>;
}

describe('what is public', () => {
  it('tells health and key', async () => {
    const { url, registrar, task } = await start();
    await enrolDevices(registrar, 3);
    expect(await (await fetch(`${url}/healthz`)).json()).toEqual({
      status: 'ok',
      role: 'registrar',
      nowMs: START_MS,
      uptimeMs: expect.any(Number) as number,
      incarnation: START_MS,
      epoch: EPOCH,
      enrolled: 3,
      keys: [toHex(registrar.publicKey)],
      // The start, the codes, three enrolments.
      audit: { sequence: 5, digest: expect.stringMatching(/^[0-9a-f]{64}$/) as string },
      tasks: [{ name: 'acme', version: 1, taskId: toHex(task.taskId) }],
    });
    expect(await (await fetch(`${url}/v1/key`)).json()).toEqual({
      publicKey: toHex(registrar.publicKey),
      previousKeys: [],
      epochLengthMs: EPOCH_MS,
    });
  });

  it('gives the signed revocation list', async () => {
    const { url, registrar } = await start();
    const [device] = await enrolDevices(registrar, 1);
    await registrar.revoke(toHex(device!.pseudonym));
    const list = await (await fetch(`${url}/v1/revocations`)).json();
    expect(list).toEqual({
      incarnation: START_MS,
      issuedMs: START_MS,
      pseudonyms: [toHex(device!.pseudonym)],
      signature: toHex(registrar.revocations().signature),
    });
  });

  it('sets headers against sniffing, framing and caching', async () => {
    const { url } = await start();
    for (const path of ['/healthz', '/nowhere']) {
      const { headers } = await fetch(`${url}${path}`);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('x-frame-options')).toBe('SAMEORIGIN');
      expect(headers.get('cache-control')).toBe('no-store');
    }
  });

  it('answers JSON for what it has not', async () => {
    const { url, post } = await start();
    const expected = { status: 404, code: 'not-found', retryable: false };
    expect(await errorOf(await fetch(`${url}/v1/nothing`))).toMatchObject(expected);
    expect(await errorOf(await fetch(`${url}/v1/enrol`))).toMatchObject(expected);
    expect(await errorOf(await post('/healthz', {}))).toMatchObject(expected);
  });
});

describe('POST /v1/enrol and /v1/renew', () => {
  it('enrols and renews', async () => {
    const { registrar, post } = await start();
    const [code = ''] = await registrar.makeCodes(1, 1000);
    const request = enrolRequest(registrar.publicKey, code, deviceSeed('a'));
    const answer = await post('/v1/enrol', hexed(request));
    expect(answer.status).toBe(200);
    const json = (await answer.json()) as Record<string, string>;
    expect(json).toEqual({
      epoch: EPOCH,
      epochLengthMs: EPOCH_MS,
      pseudonym: toHex(request.pseudonym),
      signature: expect.stringMatching(/^[0-9a-f]{128}$/) as string,
    });
    const check = certificateCheck(registrar.publicKey, {
      epoch: EPOCH,
      epochLengthMs: EPOCH_MS,
      pseudonym: request.pseudonym,
      signature: Buffer.from(json['signature'] ?? '', 'hex'),
    });
    if (check.op !== 'ed25519-verify') throw new Error(check.op);
    expect(suite.ed25519Verify(check.publicKey, check.message, check.signature)).toBe(true);

    const seed = deviceSeed('b');
    const pseudonym = suite.ed25519PublicKey(seed);
    const epoch = EPOCH + 1;
    const fields = [request.pseudonym, pseudonym, epoch];
    const statement = encodeLabelled(LABELS.renewal, registrar.publicKey, ...fields);
    const renewed = await post('/v1/renew', {
      previous: toHex(request.pseudonym),
      pseudonym: toHex(pseudonym),
      epoch,
      authorisation: toHex(suite.ed25519Sign(deviceSeed('a'), statement)),
      proof: toHex(suite.ed25519Sign(seed, statement)),
    });
    expect(renewed.status).toBe(200);
    expect(await renewed.json()).toMatchObject({ epoch, pseudonym: toHex(pseudonym) });
  });

  it('tells each refusal with its code and status', async () => {
    const { registrar, post } = await start();
    const [code = '', other = ''] = await registrar.makeCodes(2, 1000);
    const enrol = (name: string, withCode: string) =>
      post('/v1/enrol', hexed(enrolRequest(registrar.publicKey, withCode, deviceSeed(name))));
    expect((await enrol('a', code)).status).toBe(200);
    const unknown = await errorOf(await enrol('b', 'unknown'));
    expect(unknown).toMatchObject({ status: 403, code: 'code-invalid', field: 'code' });
    expect(await errorOf(await enrol('b', code))).toMatchObject({ status: 409, code: 'code-used' });
    const taken = await errorOf(await enrol('a', other));
    expect(taken).toMatchObject({ status: 409, code: 'pseudonym-taken' });
    const request = enrolRequest(registrar.publicKey, other, deviceSeed('c'));
    const forged = await post('/v1/enrol', hexed({ ...request, proof: new Uint8Array(64) }));
    expect(await errorOf(forged)).toMatchObject({ status: 403, code: 'proof-invalid' });
  });

  const good = { code: 'x', pseudonym: '0'.repeat(64), proof: '0'.repeat(128) };
  it.each([
    ['no JSON', '{', { code: 'body-invalid', field: 'body', expected: 'JSON' }],
    [
      'an array',
      [],
      { code: 'body-invalid', field: 'body', expected: 'an object', got: 'an array' },
    ],
    ['null', 'null', { code: 'body-invalid', field: 'body', got: 'null' }],
    [
      'no code',
      { ...good, code: undefined },
      { code: 'body-invalid', field: 'code', expected: 'this field' },
    ],
    [
      'a number as code',
      { ...good, code: 7 },
      { code: 'body-invalid', field: 'code', expected: 'string', got: 'number' },
    ],
    [
      'an unknown field',
      { ...good, extra: 1 },
      { code: 'body-invalid', field: 'extra', expected: 'no such field' },
    ],
    ['an empty code', { ...good, code: '' }, { code: 'argument-invalid', field: 'code' }],
    ['short hex', { ...good, pseudonym: '00' }, { code: 'hex-invalid', field: 'pseudonym' }],
    [
      'upper-case hex',
      { ...good, proof: 'A'.repeat(128) },
      { code: 'hex-invalid', field: 'proof' },
    ],
  ])('refuses %s', async (_, body, expected) => {
    const { post } = await start();
    const error = await errorOf(await post('/v1/enrol', body));
    expect(error).toMatchObject({ status: 400, retryable: false, ...expected });
  });

  it('refuses a renewal with a wrong epoch by its name', async () => {
    const { post } = await start();
    const hex = '0'.repeat(64);
    const body = { previous: hex, pseudonym: hex, authorisation: hex + hex, proof: hex + hex };
    const missing = await errorOf(await post('/v1/renew', body));
    expect(missing).toMatchObject({ status: 400, code: 'body-invalid', field: 'epoch' });
    const fraction = await errorOf(await post('/v1/renew', { ...body, epoch: 1.5 }));
    expect(fraction).toMatchObject({ status: 400, code: 'argument-invalid', field: 'epoch' });
  });

  // All clients of a proxy share its address: one that fails must not shut out the others.
  it('serves an address however often it has failed', async () => {
    const { registrar, post } = await start();
    const [code = ''] = await registrar.makeCodes(1, 60_000);
    const request = hexed(enrolRequest(registrar.publicKey, code, deviceSeed('a')));
    for (let i = 0; i < 40; i++) {
      expect((await post('/v1/enrol', { ...request, code: `guess ${i}` })).status).toBe(403);
      expect((await post('/v1/renew', {})).status).toBe(400);
    }
    expect((await post('/v1/enrol', request)).status).toBe(200);
  });
});

describe('POST /v1/attest', () => {
  const bytes = 'application/octet-stream';

  it('gives a refusal as an answer', async () => {
    const { post } = await start();
    const request = signRequest({ kind: 'close', round: roundId('a') });
    const answer = await post('/v1/attest', encodeRequest(request), bytes);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe(bytes);
    const response = parseResponse(new Uint8Array(await answer.arrayBuffer()));
    expect(response).toMatchObject({ kind: 'refused', code: 'round-unknown' });
  });

  it('refuses bytes that are no request', async () => {
    const { post } = await start();
    for (const wrong of [new Uint8Array(0), Uint8Array.from([0x93, 1, 2, 3]), 'hello']) {
      const error = await errorOf(await post('/v1/attest', wrong, bytes));
      expect(error).toMatchObject({ status: 400, code: 'wire-invalid', retryable: false });
    }
  });

  it('refuses another content type', async () => {
    const { post } = await start();
    const attest = await errorOf(await post('/v1/attest', '{}'));
    expect(attest).toMatchObject({ status: 415, code: 'content-type', expected: bytes });
    const enrol = await errorOf(await post('/v1/enrol', '{}', bytes));
    expect(enrol).toMatchObject({ status: 415, code: 'content-type' });
  });
});

describe('rate limits', () => {
  const rateLimits = { requestsPerMinute: 10, requestsPerMinutePerAddress: 2 };
  const from = (address: string) => ({ headers: { 'x-forwarded-for': address } });

  it('refuse with 429, a code and Retry-After, whatever is asked for', async () => {
    const { url, post, clock } = await start({ rateLimits });
    const close = encodeRequest(signRequest({ kind: 'close', round: roundId('a') }));
    const asks = [
      () => post('/v1/enrol', {}),
      () => post('/v1/renew', {}),
      () => fetch(`${url}/v1/revocations`),
      () => post('/v1/attest', close, 'application/octet-stream'),
    ];
    for (const ask of asks) {
      for (const _ of [1, 2]) expect((await ask()).status).not.toBe(429);
      const refused = await ask();
      expect(refused.headers.get('retry-after')).toBe('30');
      const expected = { status: 429, code: 'rate-limited', retryable: true };
      expect(await errorOf(refused)).toMatchObject(expected);
    }
    expect((await post('/v1/recertify', {})).status).toBe(429);
    // What costs nothing is not counted.
    for (const _ of [1, 2, 3]) expect((await fetch(`${url}/healthz`)).status).toBe(200);
    clock.nowMs += 30_000;
    for (const ask of asks) expect((await ask()).status).not.toBe(429);
  });

  it('believe a proxy only if it is told to', async () => {
    const plain = await start({ rateLimits });
    const trusting = await start({ rateLimits, trustProxy: ['127.0.0.1'] });
    const statuses = async (url: string) => {
      const all: number[] = [];
      for (let i = 0; i < 12; i++) {
        all.push((await fetch(`${url}/v1/revocations`, from(`192.0.2.${i}`))).status);
      }
      return all.filter((status) => status === 200).length;
    };
    expect(await statuses(plain.url)).toBe(2);
    expect(await statuses(trusting.url)).toBe(10);
  });

  it('are large enough for a fleet that renews, unless set', async () => {
    const { url } = await start();
    const answers = await Promise.all(
      Array.from({ length: 200 }, () => fetch(`${url}/v1/revocations`)),
    );
    expect(answers.every(({ status }) => status === 200)).toBe(true);
  });
});

describe('limits', () => {
  it('takes a roster of the largest cohort and nothing much larger', async () => {
    const task = makeTask({ cohort: { min: 5, target: 200, max: 200 } });
    const { registrar, url, clock, post } = await start({ tasks: [task] });
    const devices = await enrolDevices(registrar, 200);
    const coordinator = new Coordinator(task, clock, askHttp(url));
    await coordinator.openWindow();
    expect(await coordinator.roster('a', devices)).toMatchObject({ kind: 'roster', k: 199 });
    const large = new Uint8Array(16_384 + 256 * 200 + 1);
    const error = await errorOf(await post('/v1/attest', large, 'application/octet-stream'));
    expect(error).toMatchObject({ status: 413, code: 'body-too-large', field: 'body' });
  });

  it('parses no body that only a roster above what devices take part in could fill', async () => {
    const task = makeTask({ cohort: { min: 5, target: 1000, max: 65_535 } });
    const { post } = await start({ tasks: [makeTask(), task] });
    const attest = (length: number) =>
      post('/v1/attest', new Uint8Array(length), 'application/octet-stream');
    const most = 16_384 + 256 * 10_000;
    expect(await errorOf(await attest(most))).toMatchObject({ status: 400, code: 'wire-invalid' });
    const error = await errorOf(await attest(most + 1));
    expect(error).toMatchObject({ status: 413, code: 'body-too-large' });
  });

  it('refuses a large JSON body, also one sent in chunks', async () => {
    const { url, post } = await start();
    const text = JSON.stringify({ code: 'x'.repeat(10_000) });
    for (const path of ['/v1/enrol', '/v1/renew']) {
      const error = await errorOf(await post(path, text));
      expect(error).toMatchObject({ status: 413, code: 'body-too-large' });
    }
    const chunked = await fetch(`${url}/v1/enrol`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: new Blob([text]).stream(),
      duplex: 'half',
    } as RequestInit);
    expect(await errorOf(chunked)).toMatchObject({ status: 413, code: 'body-too-large' });
  });

  it.each([
    ['a head', 'POST /v1/enrol HTTP/1.1\r\nhost: a\r\n'],
    ['a body', 'POST /v1/enrol HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n{'],
  ])('ends a connection that never finishes %s', async (_, sent) => {
    const { url } = await start({ limits: { headersTimeoutMs: 200, requestTimeoutMs: 200 } });
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.on('error', () => undefined);
    const beganMs = performance.now();
    socket.write(sent);
    socket.resume();
    await once(socket, 'close');
    expect(performance.now() - beganMs).toBeLessThan(5000);
  });

  it('holds no more connections than it may', async () => {
    const { url } = await start({ limits: { connections: 2 } });
    const port = Number(new URL(url).port);
    const open = await Promise.all(
      [0, 1].map(async () => {
        const socket = connect(port, '127.0.0.1');
        await once(socket, 'connect');
        return socket;
      }),
    );
    const third = connect(port, '127.0.0.1');
    third.on('error', () => undefined);
    third.resume();
    await once(third, 'close');
    for (const socket of open) socket.destroy();
  });

  it.each([
    ['jsonBytes', 0],
    ['requestBytes', 1.5],
    ['connections', -1],
    ['headersTimeoutMs', Number.POSITIVE_INFINITY],
  ])('refuses %s of %d', async (name, value) => {
    const starting = start({ limits: { [name]: value } });
    const field = `limits.${name}`;
    await expect(starting).rejects.toMatchObject({ code: 'argument-invalid', field });
  });
});

describe('startRegistrar', () => {
  it('says why it cannot listen', async () => {
    const { url } = await start();
    const port = Number(new URL(url).port);
    await expect(start({ port })).rejects.toMatchObject({ code: 'listen-failed', field: 'port' });
    await expect(start({ port: 65_536 })).rejects.toMatchObject({
      code: 'argument-invalid',
      field: 'port',
    });
  });

  it('ends its idle connections when closed, and answers nobody afterwards', async () => {
    const { url, server } = await start();
    await fetch(`${url}/healthz`);
    const beganMs = performance.now();
    await server.close();
    expect(performance.now() - beganMs).toBeLessThan(1000);
    await expect(fetch(`${url}/healthz`)).rejects.toThrow();
  });

  /** Sends a request without its last byte. */
  async function halfSent(url: string) {
    const body = encodeRequest(signRequest({ kind: 'close', round: roundId('a') }));
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    const head =
      'POST /v1/attest HTTP/1.1\r\nhost: a\r\ncontent-type: application/octet-stream\r\n';
    socket.write(`${head}content-length: ${body.length}\r\n\r\n`);
    socket.write(body.subarray(0, -1));
    await new Promise((resolve) => setTimeout(resolve, 200));
    return { socket, rest: body.subarray(-1) };
  }

  it('answers what is in progress when it is closed', async () => {
    const { url, server } = await start();
    const { socket, rest } = await halfSent(url);
    const closing = server.close();
    socket.write(rest);
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).toString('latin1')).toMatch(/^HTTP\/1\.1 200 .*round-unknown/s);
    await closing;
  });

  it('does not wait longer than two seconds for it', async () => {
    const { url, server } = await start();
    const { socket } = await halfSent(url);
    socket.on('error', () => undefined);
    const beganMs = performance.now();
    await server.close();
    const elapsedMs = performance.now() - beganMs;
    expect(elapsedMs).toBeGreaterThan(1500);
    expect(elapsedMs).toBeLessThan(10_000);
  });

  it('tells nothing of what is inside when it fails, and logs it', async () => {
    const store = memoryStore();
    const { url, post, lines } = await start({ store });
    await store.close();
    const internal = { status: 500, code: 'internal', retryable: true };
    const health = await fetch(`${url}/healthz`);
    expect([health.status, await health.json()]).toMatchObject([200, { enrolled: null }]);
    const request = encodeRequest(signRequest({ kind: 'close', round: roundId('a') }));
    const error = await errorOf(await post('/v1/attest', request, 'application/octet-stream'));
    expect(error).toMatchObject(internal);
    expect(JSON.stringify(error)).not.toContain('store');
    expect(lines.join('')).toContain('store-closed');
  });

  it('logs what happened, and no code, key, seed, certificate or part of a pseudonym', async () => {
    const { url, registrar, task, clock, post, lines } = await start();
    const codes = await registrar.makeCodes(2, 60_000);
    const request = enrolRequest(registrar.publicKey, codes[0] ?? '', deviceSeed('a'));
    const answer = await post('/v1/enrol', hexed(request));
    const { signature } = (await answer.json()) as { signature: string };
    await post('/v1/enrol', hexed(enrolRequest(registrar.publicKey, 'a-guess', deviceSeed('b'))));
    await post('/v1/enrol', { code: codes[1], pseudonym: 'short', proof: '' });
    const devices = await enrolDevices(registrar, 6);
    const coordinator = new Coordinator(task, clock, askHttp(url));
    await coordinator.openWindow();
    const members = coordinator.members('a', devices);
    await coordinator.ask(coordinator.rosterRequest('a', members));
    await coordinator.roster('b', devices);
    await coordinator.set('shared-set', 'a', 6, [0, 1, 2, 3, 4, 5]);
    await coordinator.set('survivor-set', 'a', 6, [0, 1, 2, 3, 4, 5]);
    const [device] = devices;
    const next = suite.ed25519PublicKey(deviceSeed('next'));
    const fields = [registrar.publicKey, device!.pseudonym, next, EPOCH + 1];
    const statement = encodeLabelled(LABELS.renewal, ...fields);
    const renewal = {
      previous: toHex(device!.pseudonym),
      pseudonym: toHex(next),
      epoch: EPOCH + 1,
      authorisation: toHex(suite.ed25519Sign(device!.seed, statement)),
      proof: toHex(suite.ed25519Sign(deviceSeed('next'), statement)),
    };
    expect((await post('/v1/renew', renewal)).status).toBe(200);
    await registrar.revoke(toHex(device!.pseudonym));
    const log = lines.join('');
    for (const expected of [
      '"msg":"enrol"',
      '"msg":"renew"',
      'code-invalid',
      '"kind":"roster"',
      '"devices":6',
    ]) {
      expect(log).toContain(expected);
    }
    expect(log).toContain('"refused":"members-refused","refusedMembers":6');
    const secrets = [REGISTRAR_SEED, request.pseudonym, request.proof, deviceSeed('a')];
    for (const { certificate, seed } of devices) {
      secrets.push(certificate.pseudonym, certificate.signature, seed);
    }
    for (const { c, s, signature: advertised } of members) secrets.push(c, s, advertised);
    for (const secret of secrets) {
      expect(log).not.toContain(toHex(secret));
      expect(log).not.toContain(Buffer.from(secret).toString('base64'));
    }
    for (const text of [...codes, 'a-guess', signature]) expect(log).not.toContain(text);
    for (const pseudonym of [request.pseudonym, next, ...devices.map((each) => each.pseudonym)]) {
      expect(log).not.toContain(toHex(pseudonym).slice(0, 8));
    }
  });
});

describe('the announcement of a window', () => {
  it('is told anybody, frozen by the first who asks, as the coordinator gets it', async () => {
    const { server, task, clock } = await start();
    const path = `/v1/tasks/${toHex(task.taskId)}/window`;
    const told = await (await fetch(server.url + path)).json();
    expect(told).toMatchObject({ enrolled: 0, population: 0, pools: 1 });
    await enrolDevices(server.registrar, 3);
    expect(await (await fetch(server.url + path)).json()).toEqual(told);
    const coordinator = new Coordinator(task, clock, askHttp(server.url));
    await coordinator.openWindow();
    expect(coordinator.window).toBe(told.window);
    expect(coordinator.incarnation).toBe(told.incarnation);
  });

  it('costs one transaction, whoever asks how often', async () => {
    const store = memoryStore();
    const transact = vi.spyOn(store, 'transact');
    const { server, task, clock } = await start({ store });
    const path = `${server.url}/v1/tasks/${toHex(task.taskId)}/window`;
    const before = transact.mock.calls.length;
    await Promise.all(Array.from({ length: 20 }, async () => (await fetch(path)).text()));
    expect(transact.mock.calls.length - before).toBe(1);
    const first = await (await fetch(path)).json();
    await server.registrar.newIncarnation();
    const second = await (await fetch(path)).json();
    expect(second.incarnation).toBeGreaterThan(first.incarnation);
    expect(second.value).not.toBe(first.value);
    clock.nowMs += task.manifest.window.lengthMs;
    expect((await (await fetch(path)).json()).window).toBe(first.window + 1);
  });

  it('is not told of a task that is unknown, or not valid now', async () => {
    const { server } = await start();
    for (const id of ['ab'.repeat(32), 'nonsense', '..%2f']) {
      const response = await fetch(`${server.url}/v1/tasks/${id}/window`);
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ error: { code: 'task-unknown' } });
    }
    const validity = { notBeforeMs: 0, notAfterMs: START_MS };
    const over = makeTask({ validity });
    const other = await start({ tasks: [over] });
    const response = await fetch(`${other.server.url}/v1/tasks/${toHex(over.taskId)}/window`);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { code: 'task-not-valid' } });
  });
});
