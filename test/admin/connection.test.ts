/** Over which connections the listener without TLS speaks at all, on real sockets. */
import { request } from 'node:http';
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AdminFleet, startAdminFleet } from './admin-fleet.js';

/** An address of this machine that is not loopback: what comes from it looks like another machine. */
const outside = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ internal, family }) => !internal && family === 'IPv4')?.address;
const MISSING = 'skipped: this machine has no address but loopback';
const skips = outside === undefined && process.env['CI'] !== 'true';

const LOOPBACK = '127.0.0.1';
const REMOTE = { 'x-forwarded-for': '203.0.113.9' };
const HTTP = { 'x-forwarded-proto': 'http' };
const HTTPS = { 'x-forwarded-proto': 'https' };

let admin: AdminFleet;

/** @param from - the address of this machine from which it comes; it goes to the same one. */
function call(from: string, path: string, headers: Readonly<Record<string, string>> = {}) {
  const { port } = new URL(admin.url);
  const authorization = `Bearer ${admin.tokens.operator}`;
  return new Promise<{ status: number; text: string }>((resolve, reject) => {
    const options = { host: from, localAddress: from, port, path, agent: false };
    request({ ...options, headers: { authorization, ...headers } }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    })
      .on('error', reject)
      .end();
  });
}

const start = (trustProxy: readonly string[], host = '0.0.0.0') =>
  startAdminFleet({ withRound: false, admin: { host, trustProxy } });

describe('a listener behind a proxy on this machine', () => {
  beforeAll(async () => {
    admin = await start([LOOPBACK]);
  });
  afterAll(() => admin.close());

  it.skipIf(skips)(`refuses who comes past the proxy${skips ? ` (${MISSING})` : ''}`, async () => {
    const { sequence } = await admin.store.auditHead();
    for (const path of ['/api/v1/me', '/api/v1/audit/head', '/api/v1/openapi.json', '/']) {
      for (const headers of [{}, HTTPS, { ...REMOTE, ...HTTPS }, { 'x-forwarded-for': LOOPBACK }]) {
        const { status, text } = await call(outside ?? '', path, headers);
        expect([path, status, JSON.parse(text).error.code]).toEqual([path, 421, 'tls-required']);
      }
    }
    // Nor was the token looked at: a wrong one gets the same answer.
    const wrong = { authorization: 'Bearer onlysum_nobody' };
    expect((await call(outside ?? '', '/api/v1/me', wrong)).status).toBe(421);
    expect((await admin.store.auditHead()).sequence).toBe(sequence);
  });

  it.each([
    ['this machine itself', {}, 200],
    ['a client that came to the proxy by TLS', { ...REMOTE, ...HTTPS }, 200],
    ['a client that came to it in the clear', { ...REMOTE, ...HTTP }, 421],
    ['a client of whom it says nothing', REMOTE, 421],
    ['a client in the clear of whose address it says nothing', HTTP, 421],
    ['a client in the clear on this machine', { 'x-forwarded-for': LOOPBACK, ...HTTP }, 421],
    ['a client of whose connection it says nothing', { 'x-forwarded-proto': '' }, 421],
    ['a client on this machine that came to it by TLS', HTTPS, 200],
    ['a client that wrote https before it', { ...REMOTE, 'x-forwarded-proto': 'https, http' }, 421],
  ])('over loopback, %s: %o', async (_, headers, status) => {
    expect((await call(LOOPBACK, '/api/v1/me', headers)).status).toBe(status);
  });
});

describe.skipIf(skips)(`a proxy on another machine${skips ? ` (${MISSING})` : ''}`, () => {
  beforeAll(async () => {
    admin = await start([outside ?? '']);
  });
  afterAll(() => admin.close());

  it.each([
    ['says https', { ...REMOTE, ...HTTPS }, 200],
    ['says http', { ...REMOTE, ...HTTP }, 421],
    ['says nothing', {}, 421],
    ['says that the client is on this machine', { 'x-forwarded-for': LOOPBACK }, 421],
  ])('%s', async (_, headers, status) => {
    expect((await call(outside ?? '', '/api/v1/me', headers)).status).toBe(status);
  });
});

describe('a listener on loopback without a named proxy', () => {
  beforeAll(async () => {
    admin = await start([], LOOPBACK);
  });
  afterAll(() => admin.close());

  it('serves this machine, and no proxy on it that took the token in the clear', async () => {
    expect((await call(LOOPBACK, '/api/v1/me')).status).toBe(200);
    for (const headers of [{ ...REMOTE, ...HTTP }, HTTP]) {
      expect((await call(LOOPBACK, '/api/v1/me', headers)).status).toBe(421);
    }
  });
});
