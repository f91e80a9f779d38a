import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent, get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { WebSocket } from 'ws';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startFleet, until } from '../coordinator/wire-fleet.js';
import { startAdminFleet } from './admin-fleet.js';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'onlysum-tls-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

/** A self-signed certificate and its key, as files. */
function selfSigned(name: string): { certificate: string; key: string } {
  const files = {
    certificate: join(directory, `${name}.pem`),
    key: join(directory, `${name}.key`),
  };
  const subject = ['-subj', `/CN=${name}`, '-days', '1'];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const out = ['-keyout', files.key, '-out', files.certificate];
  execFileSync('openssl', ['req', '-x509', ...key, ...subject, ...out], { stdio: 'ignore' });
  return files;
}

interface Seen {
  readonly status: number;
  /** Of the certificate. */
  readonly name: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

function look(url: string): Promise<Seen> {
  const agent = new Agent({ rejectUnauthorized: false, keepAlive: false });
  return new Promise((resolve, reject) => {
    get(`${url}/healthz`, { agent }, (response) => {
      const { subject } = (response.socket as TLSSocket).getPeerCertificate();
      response.resume();
      const name = String(subject.CN);
      resolve({ status: response.statusCode ?? 0, name, headers: response.headers });
    }).on('error', reject);
  });
}

describe('TLS of the admin listener', () => {
  it('serves with HSTS, and takes a new certificate while it runs', async () => {
    const [first, second] = [selfSigned('first'), selfSigned('second')];
    const files = { certificate: join(directory, 'live.pem'), key: join(directory, 'live.key') };
    execFileSync('cp', [first.certificate, files.certificate]);
    execFileSync('cp', [first.key, files.key]);
    const admin = await startAdminFleet({ withRound: false, admin: { tls: files } });
    expect(admin.url).toMatch(/^https:/);
    const before = await look(admin.url);
    expect(before.name).toBe('first');
    expect(before.headers['strict-transport-security']).toContain('max-age=31536000');
    // A certificate whose key has not come yet changes nothing.
    execFileSync('cp', [second.certificate, files.certificate]);
    admin.fleet.coordinator.reloadTls();
    expect((await look(admin.url)).name).toBe('first');
    execFileSync('cp', [second.key, files.key]);
    admin.fleet.coordinator.reloadTls();
    expect((await look(admin.url)).name).toBe('second');
    await admin.close();
  });

  it('looks at its files by itself', async () => {
    const files = selfSigned('watched');
    const admin = await startAdminFleet({ withRound: false, admin: { tls: files } });
    const next = selfSigned('renewed');
    execFileSync('cp', [next.certificate, files.certificate]);
    execFileSync('cp', [next.key, files.key]);
    await until(() =>
      admin.fleet.log.lines.some((line) => line.includes('certificate read again')),
    );
    expect((await look(admin.url)).name).toBe('renewed');
    await admin.close();
  });

  it('refuses files that hold no pair', async () => {
    const [a, b] = [selfSigned('a'), selfSigned('b')];
    const nothing = join(directory, 'nothing.pem');
    await writeFile(nothing, 'nothing');
    for (const tls of [
      { certificate: a.certificate, key: b.key },
      { certificate: nothing, key: a.key },
      { certificate: join(directory, 'missing'), key: a.key },
    ]) {
      await expect(startAdminFleet({ withRound: false, admin: { tls } })).rejects.toMatchObject({
        code: 'tls-invalid',
      });
    }
  });

  it('is needed where tokens would cross a network', async () => {
    for (const host of ['0.0.0.0', '::', '192.0.2.1', 'admin.example.org']) {
      await expect(startAdminFleet({ withRound: false, admin: { host } })).rejects.toMatchObject({
        ...{ code: 'tls-required', field: 'admin.host', got: host },
      });
    }
    const behindProxy = { host: '0.0.0.0', trustProxy: ['192.0.2.1'] };
    const admin = await startAdminFleet({ withRound: false, admin: behindProxy });
    await admin.close();
  });
});

describe('a proxy', () => {
  const forwarded = { 'x-forwarded-for': '203.0.113.9', 'x-forwarded-proto': 'https' };
  const limits = { rateLimits: { requestsPerMinutePerAddress: 2 } };

  it('that is trusted says whom to count, and that it ends TLS', async () => {
    const options = { trustProxy: ['127.0.0.1'], ...limits };
    const admin = await startAdminFleet({ withRound: false, admin: options });
    const from = async (address: string) =>
      admin.call('/openapi.json', { headers: { ...forwarded, 'x-forwarded-for': address } });
    const first = await from('203.0.113.9');
    expect(first.headers.get('strict-transport-security')).not.toBeNull();
    expect((await from('203.0.113.9')).status).toBe(200);
    expect((await from('203.0.113.9')).status).toBe(429);
    expect((await from('203.0.113.10')).status).toBe(200);
    await admin.close();
  });

  it('that nobody named is believed nothing', async () => {
    const admin = await startAdminFleet({ withRound: false, admin: limits });
    const from = async (address: string) =>
      admin.call('/openapi.json', { headers: { ...forwarded, 'x-forwarded-for': address } });
    const first = await from('203.0.113.9');
    expect(first.headers.get('strict-transport-security')).toBeNull();
    await from('203.0.113.10');
    expect((await from('203.0.113.11')).status).toBe(429);
    await admin.close();
  });
});

describe('TLS of the listener for devices', () => {
  it('takes devices over wss', async () => {
    const tls = selfSigned('devices');
    const { coordinator } = await startFleet({ coordinator: { tls } });
    expect(coordinator.url).toMatch(/^wss:/);
    const origin = coordinator.url.replace(/^wss:/, 'https:').replace('/v1/devices', '');
    expect(await look(origin)).toMatchObject({ status: 200, name: 'devices' });
    const socket = new WebSocket(coordinator.url, 'onlysum.v1', { rejectUnauthorized: false });
    const greeted = await new Promise((resolve) => {
      socket.once('message', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    expect(greeted).toBe(true);
    socket.terminate();
    await coordinator.close({ graceMs: 0 });
  });
});
