import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROUTES } from '../../packages/coordinator/src/admin/routes.js';
import { type AdminFleet, startAdminFleet } from './admin-fleet.js';

let directory: string;
let admin: AdminFleet;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'onlysum-dashboard-'));
  const dist = join(directory, 'dist');
  await mkdir(join(dist, 'assets'), { recursive: true });
  await writeFile(join(dist, 'index.html'), '<!doctype html><title>Onlysum</title>');
  await writeFile(join(dist, 'assets', 'index-DiwrgTda.js'), 'export {};');
  await writeFile(join(directory, 'secret.txt'), 'secret');
  await symlink(join(directory, 'secret.txt'), join(dist, 'link.txt'));
  admin = await startAdminFleet({
    withRound: false,
    admin: {
      dashboardDir: dist,
      rateLimits: { requestsPerMinute: 100_000, requestsPerMinutePerAddress: 100_000 },
    },
  });
});
afterAll(async () => {
  await admin.close();
  await rm(directory, { recursive: true, force: true });
});

/** The path exactly as given: fetch would tidy it. */
function rawGet(path: string): Promise<{ status: number; text: string }> {
  const { hostname: host, port } = new URL(admin.url);
  return new Promise((resolve, reject) => {
    httpRequest({ host, port, path }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    })
      .on('error', reject)
      .end();
  });
}

describe('answers', () => {
  it.each(['/', '/api/v1/me', '/api/v1/openapi.json', '/nowhere', '/assets/index-DiwrgTda.js'])(
    'of %s carry the headers that keep a browser safe, and no cookie and no CORS',
    async (path) => {
      const { headers } = await fetch(`${admin.url}${path}`, {
        headers: { origin: 'https://evil.example' },
      });
      const policy = headers.get('content-security-policy') ?? '';
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("script-src 'self'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).toContain("require-trusted-types-for 'script'");
      expect(policy).toContain("trusted-types 'none'");
      expect(policy).not.toMatch(/unsafe|data:|blob:|allow-duplicates|\*/);
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('strict-transport-security')).toBeNull();
      expect(headers.get('access-control-allow-origin')).toBeNull();
      expect(headers.get('set-cookie')).toBeNull();
      if (path.startsWith('/api')) expect(headers.get('cache-control')).toBe('no-store');
    },
  );

  it.each([
    ['token-missing', undefined],
    ['token-missing', 'Basic b25seXN1bTo='],
    ['token-missing', 'Bearer'],
    ['token-invalid', 'Bearer onlysum_0123456789abcdef'],
    ['token-invalid', `Bearer onlysum_0123456789abcdef_${'0'.repeat(64)}`],
  ])('of who has no token: %s for %s', async (code, authorization) => {
    const headers = authorization === undefined ? {} : { authorization };
    const { status, json, headers: answered } = await admin.call('/me', { headers });
    expect([status, json.error.code]).toEqual([401, code]);
    expect(answered.get('www-authenticate')).toBe('Bearer');
  });

  it('name the methods there are', async () => {
    for (const method of ['PUT', 'PATCH', 'HEAD', 'OPTIONS', 'POST']) {
      const { status, headers } = await admin.call('/me', { method });
      expect([method, status, headers.get('allow')]).toEqual([method, 405, 'GET']);
    }
    const { headers } = await admin.call('/tokens', { method: 'DELETE' });
    expect(headers.get('allow')).toBe('GET, POST');
    expect((await fetch(admin.url, { method: 'POST' })).status).toBe(405);
  });

  it.each([
    ['not JSON', 'nonsense', {}, 400, 'request-invalid'],
    ['an unknown field', { reason: 'x', more: 1 }, {}, 400, 'request-invalid'],
    ['a prototype', '{"reason":"x","__proto__":{"a":1}}', {}, 400, 'request-invalid'],
    ['a control character', { reason: 'x\u001b[2J' }, {}, 400, 'request-invalid'],
    [
      'a form',
      'reason=x',
      { 'content-type': 'application/x-www-form-urlencoded' },
      415,
      'content-type',
    ],
    ['65 KiB', { reason: 'x'.repeat(65 * 1024) }, {}, 413, 'body-too-large'],
  ])('refuse %s', async (_, body, headers, status, code) => {
    const token = admin.tokens.operator;
    const path = `/tasks/${admin.taskId}/stop`;
    const answer = await admin.call(path, { token, method: 'POST', body, headers });
    expect([answer.status, answer.json.error.code]).toEqual([status, code]);
  });

  it('refuse queries that the document does not know, and repeated ones', async () => {
    const token = admin.tokens.auditor;
    for (const query of [
      'limit=0',
      'limit=1001',
      'limit=1&limit=2',
      'before=-1',
      'after=1',
      'x=1',
      'limit=1e2',
    ]) {
      const { status, json } = await admin.call(`/audit?${query}`, { token });
      expect([query, status, json.error.code]).toEqual([query, 400, 'request-invalid']);
    }
  });

  it('are never a 500, whatever comes', async () => {
    const anyTokens = fc.constantFrom(...Object.values(admin.tokens));
    const segment = fc.oneof(
      fc.constantFrom(admin.taskId, '0', '99999999999999999999', '%00', '%2e%2e%2f', '-1'),
      fc.string({ maxLength: 20 }).map(encodeURIComponent),
    );
    const query = fc.dictionary(
      fc.constantFrom('before', 'after', 'limit', 'from', 'to', 'format', 'task', 'x'),
      fc.oneof(fc.string({ maxLength: 20 }), fc.nat().map(String), fc.constant(admin.taskId)),
    );
    const routes = ROUTES.filter(({ name }) => name !== 'live');
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...routes),
        fc.array(segment, { minLength: 2, maxLength: 2 }),
        query,
        fc.oneof(fc.json(), fc.string(), fc.constant('{"reason":"x"}')),
        anyTokens,
        async ({ method, path }, [first = '', second = ''], search, body, token) => {
          const filled = path
            .replace(/\{(taskId|id)\}/, () => first)
            .replace('{index}', () => second);
          const whole = `${filled}?${new URLSearchParams(search)}`;
          const sent = method === 'GET' ? {} : { body };
          const { status } = await admin.call(whole, { token, method, ...sent });
          expect(status).toBeLessThan(500);
        },
      ),
      { numRuns: 400 },
    );
    expect(admin.fleet.log.lines.filter((line) => line.includes('admin request failed'))).toEqual(
      [],
    );
  });
});

describe('the dashboard', () => {
  it('is served with its types; hashed files may be kept for ever', async () => {
    const index = await fetch(admin.url);
    expect(index.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(index.headers.get('cache-control')).toBe('no-cache');
    expect(await index.text()).toContain('<title>Onlysum</title>');
    const script = await fetch(`${admin.url}/assets/index-DiwrgTda.js`);
    expect(script.headers.get('content-type')).toContain('text/javascript');
    expect(script.headers.get('cache-control')).toContain('immutable');
    const again = await fetch(admin.url, {
      headers: { 'if-none-match': index.headers.get('etag') ?? '' },
    });
    expect(again.status).toBe(304);
  });

  it.each([
    '/../secret.txt',
    '/assets/../../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/..%5csecret.txt',
    '//secret.txt',
    '/link.txt',
    '/assets',
    '/assets/',
    '/index.html%00.js',
    '/__proto__',
  ])('ends at its folder: %s', async (path) => {
    const { status, text } = await rawGet(path);
    expect([status, text]).toEqual([404, expect.not.stringContaining('secret')]);
  });
});

describe('rate limits', () => {
  it('are by token and by address, say when to come back, and hurt nobody else', async () => {
    const limited = await startAdminFleet({
      withRound: false,
      admin: { rateLimits: { requestsPerMinute: 3, requestsPerMinutePerAddress: 8 } },
    });
    const { analyst, auditor } = limited.tokens;
    const statuses = [];
    for (const token of [analyst, analyst, analyst, analyst, auditor]) {
      statuses.push((await limited.call('/me', { token })).status);
    }
    expect(statuses).toEqual([200, 200, 200, 429, 200]);
    const { json, headers } = await limited.call('/me', { token: analyst });
    expect(json.error).toMatchObject({ code: 'rate-limited', retryable: true });
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    for (let i = 0; i < 2; i++) await limited.call('/openapi.json');
    expect((await limited.call('/openapi.json')).status).toBe(429);
    await limited.close();
  });

  it('keep wrong tokens from filling the audit log', async () => {
    const other = await startAdminFleet({ withRound: false });
    const { sequence } = await other.store.auditHead();
    const statuses = new Set<number>();
    for (let i = 0; i < 60; i++) statuses.add((await other.call('/me')).status);
    expect(statuses).toEqual(new Set([401, 429]));
    expect((await other.store.auditHead()).sequence - sequence).toBeLessThan(40);
    expect((await other.call('/me', { token: other.tokens.analyst })).status).toBe(200);
    await other.close();
  });

  it('let one address with wrong tokens use up no more than its own share', async () => {
    const other = await startAdminFleet({
      withRound: false,
      admin: { trustProxy: ['127.0.0.1'], rateLimits: { requestsPerMinutePerAddress: 10_000 } },
    });
    const from = (address: string) =>
      other.call('/me', { headers: { 'x-forwarded-for': address } });
    for (let i = 0; i < 700; i++) await from('203.0.113.9');
    expect((await from('203.0.113.9')).status).toBe(429);
    expect((await from('203.0.113.10')).status).toBe(401);
    await other.close();
  });
});
