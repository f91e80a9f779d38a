/** `onlysum doctor` and `onlysum status` with servers that speak TLS: real ones, with certificates of our own. */
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Manifest } from '@onlysum/task';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../../../test/e2e/free-port.js';
import { caseFolders, runCaptured } from '../test/captured-run.js';
import { selfSigned } from '../test/self-signed.js';
import type { Finding } from './checks/finding.js';
import { coordinatorSettings } from './coordinator-settings.js';
import { openCoordinator } from './run-coordinator.js';
import { openRegistrar } from './run-registrar.js';
import { registrarSettings } from './registrar-settings.js';
import { expectedName } from './server-request.js';
import { viewServer } from './server-view.js';

const folders = caseFolders('onlysum-server-tls-');
afterAll(folders.remove);

let cwd: string;
let ports: { coordinator: number; admin: number; registrar: number };
let running: { close: () => Promise<void> }[] = [];

beforeEach(async () => {
  cwd = folders.make();
  mkdirSync(file('tls'));
  await runCaptured(cwd, ['init', '.']);
  ports = { coordinator: await freePort(), admin: await freePort(), registrar: await freePort() };
  const lines = [
    'resultsDir: results',
    'tls: { certificate: tls/devices.pem, key: tls/devices.key }',
    `admin: { host: 127.0.0.1, port: ${ports.admin}, tls: { certificate: tls/admin.pem, key: tls/admin.key } }`,
  ];
  edit((text) =>
    text
      .replaceAll('8787', `${ports.coordinator}`)
      .replaceAll('8788', `${ports.registrar}`)
      .replace('resultsDir: results', lines.join('\n  ')),
  );
  await sign(`wss://sums.example.org:${ports.coordinator}/v1/devices`);
});
afterEach(async () => {
  for (const server of running.reverse()) await server.close();
  running = [];
});

const file = (name: string) => join(cwd, name);

function edit(change: (text: string) => string): void {
  writeFileSync(file('onlysum.yaml'), change(readFileSync(file('onlysum.yaml'), 'utf8')));
}

async function sign(url: string): Promise<void> {
  const manifest = JSON.parse(readFileSync(file('manifest.json'), 'utf8')) as Manifest;
  const coordinator = { ...manifest.coordinator, url };
  writeFileSync(file('manifest.json'), JSON.stringify({ ...manifest, coordinator }));
  expect((await runCaptured(cwd, ['manifest', 'sign', '--force'])).code).toBe(0);
}

/** @param names - e.g. `DNS:sums.example.org`. @param ca - name of what signs it; by default itself. */
function makeCertificate(name: string, names: string, ca?: string): void {
  const out = ['-keyout', file(`tls/${name}.key`), '-out', file(`tls/${name}.pem`)];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const more = ['-subj', `/CN=${name}`, '-days', '90', '-addext', `subjectAltName=${names}`];
  const by =
    ca === undefined ? [] : ['-CA', file(`tls/${ca}.pem`), '-CAkey', file(`tls/${ca}.key`)];
  const leaf = ca === undefined ? [] : ['-addext', 'basicConstraints=critical,CA:FALSE'];
  const args = ['req', '-x509', ...key, ...more, ...leaf, ...by, ...out];
  execFileSync('openssl', args, { stdio: 'ignore' });
}

async function start(): Promise<void> {
  const terminal = { out: process.stdout, err: process.stderr, env: {}, cwd };
  const silent = { logLevel: 'silent' as const };
  running.push(await openRegistrar({ ...registrarSettings({}, terminal), ...silent }, terminal));
  running.push(
    await openCoordinator({ ...coordinatorSettings({}, terminal), ...silent }, terminal),
  );
}

async function doctor(...checks: string[]): Promise<Finding[]> {
  const { out } = await runCaptured(cwd, ['doctor', '--json']);
  const { findings } = JSON.parse(out) as { findings: Finding[] };
  return findings.filter(({ check }) => checks.includes(check));
}

const status = (...args: string[]) => runCaptured(cwd, ['status', ...args]);
const coordinatorUrl = () => `https://127.0.0.1:${ports.coordinator}`;

describe('a listener with a certificate', () => {
  it('of its own is asked over TLS, by its own file and for the name that devices know', async () => {
    makeCertificate('devices', 'DNS:sums.example.org');
    makeCertificate('admin', 'DNS:admin.example.org');
    await start();
    expect(await doctor('ports', 'coordinator', 'certificates')).toMatchObject([
      { check: 'certificates', status: 'ok' },
      { check: 'ports', status: 'ok' },
      { check: 'coordinator', status: 'ok', message: `${coordinatorUrl()} is ready` },
    ]);
    const { code, out } = await status();
    expect([code, out]).toEqual([0, expect.stringContaining(`${coordinatorUrl()}  ready`)]);
  });

  it('of a private authority that is in no file is trusted, and another of the same is not', async () => {
    makeCertificate('ca', 'DNS:ca.example.org');
    makeCertificate('devices', 'DNS:sums.example.org', 'ca');
    makeCertificate('admin', 'IP:127.0.0.1');
    await start();
    expect((await status()).code).toBe(0);
    makeCertificate('devices', 'DNS:sums.example.org', 'ca');
    // The server has not read it yet.
    expect(await doctor('coordinator', 'ports')).toMatchObject([
      { check: 'ports', status: 'ok' },
      {
        check: 'coordinator',
        status: 'fail',
        message: expect.stringMatching(
          /certificate is not trusted here nor that of .*devices\.pem/,
        ),
        mend: expect.stringContaining('SIGHUP'),
      },
    ]);
  });

  it('whose authority is in its file shows another name than the file has', async () => {
    makeCertificate('ca', 'DNS:ca.example.org');
    makeCertificate('devices', 'DNS:old.example.org', 'ca');
    makeCertificate('admin', 'IP:127.0.0.1');
    await start();
    const key = readFileSync(file('tls/devices.key'));
    makeCertificate('devices', 'DNS:sums.example.org', 'ca');
    const chain = ['devices', 'ca'].map((name) => readFileSync(file(`tls/${name}.pem`), 'utf8'));
    writeFileSync(file('tls/devices.pem'), chain.join(''));
    writeFileSync(file('tls/devices.key'), key);
    expect(await doctor('coordinator')).toMatchObject([
      {
        status: 'fail',
        message: expect.stringContaining('for DNS:old.example.org, not for sums.example.org'),
        mend: expect.stringMatching(/./),
      },
    ]);
    const { code, out } = await status();
    expect(code).toBe(1);
    expect(out).toMatch(/cannot be asked: its certificate is for DNS:old[^]*\n {2}mend: /);
  });

  it.each([
    ['DNS:a.example.org', '127.0.0.1', 'a.example.org'],
    ['DNS:a.example.org', '::1', 'a.example.org'],
    ['DNS:a.example.org', 'localhost', 'a.example.org'],
    ['DNS:a.example.org,IP:127.0.0.1', '127.0.0.1', '127.0.0.1'],
    ['DNS:*.example.org', '127.0.0.1', 'any.example.org'],
    ['IP:192.0.2.1', '127.0.0.1', '192.0.2.1'],
    ['email:a@example.org', '127.0.0.1', 'devices'],
    ['DNS:a.example.org', 'b.example.org', 'b.example.org'],
  ])('for %s that is reached as %s must be for %s', (names, host, expected) => {
    makeCertificate('devices', names);
    const certificate = new X509Certificate(readFileSync(file('tls/devices.pem')));
    expect(expectedName(certificate, host)).toBe(expected);
  });

  it('that has expired is not taken, and doctor and status say so', async () => {
    const past = selfSigned(new Date(Date.now() - 2e9), new Date(Date.now() - 1e9));
    writeFileSync(file('tls/devices.pem'), past.certificate);
    writeFileSync(file('tls/devices.key'), past.key);
    copyFileSync(file('tls/devices.pem'), file('tls/admin.pem'));
    copyFileSync(file('tls/devices.key'), file('tls/admin.key'));
    await start();
    expect(await doctor('coordinator', 'ports')).toMatchObject([
      {
        check: 'ports',
        status: 'fail',
        message: expect.stringMatching(/^coordinator\.admin\.port: .* certificate has expired/),
        mend: expect.stringContaining('renew'),
      },
      {
        check: 'coordinator',
        status: 'fail',
        message: `${coordinatorUrl()}: its certificate has expired`,
        mend: expect.stringContaining('renew'),
      },
    ]);
    expect((await status()).out).toContain('its certificate has expired');
  });

  it('is not trusted because of its file where a URL was given alone', async () => {
    makeCertificate('devices', 'DNS:sums.example.org,IP:127.0.0.1');
    makeCertificate('admin', 'IP:127.0.0.1');
    await start();
    const { code, out } = await status('--url', coordinatorUrl());
    expect(code).toBe(1);
    expect(out).toMatch(
      /not trusted here: DEPTH_ZERO_SELF_SIGNED_CERT\n {2}mend: .*NODE_EXTRA_CA_CERTS/,
    );
  });

  it('meets a server without TLS, and says so', async () => {
    makeCertificate('devices', 'DNS:sums.example.org');
    makeCertificate('admin', 'IP:127.0.0.1');
    const lines = /^ {2}tls: .*\n/m;
    const configured = readFileSync(file('onlysum.yaml'), 'utf8');
    edit((text) => text.replace(lines, ''));
    await start();
    writeFileSync(file('onlysum.yaml'), configured);
    expect(await doctor('coordinator')).toMatchObject([
      { status: 'fail', message: expect.stringContaining('does not speak TLS as it should') },
    ]);
  });

  it('that is not there leaves the system to decide', async () => {
    makeCertificate('devices', 'DNS:sums.example.org');
    makeCertificate('admin', 'IP:127.0.0.1');
    await start();
    rmSync(file('tls/devices.pem'));
    expect(await doctor('coordinator')).toMatchObject([
      { status: 'fail', message: expect.stringContaining('not trusted here') },
    ]);
  });
});

describe('what is bounded', () => {
  it.each([
    ['a body without end', /no server of this version/, 'x'.repeat(2 ** 20 + 1)],
    ['a body that breaks off', /aborted|ECONNRESET/, undefined],
    ['another address', /no server of this version/, ''],
  ])('%s', async (_, problem, body) => {
    makeCertificate('devices', 'IP:127.0.0.1');
    const [cert, key] = ['pem', 'key'].map((ending) => readFileSync(file(`tls/devices.${ending}`)));
    const server = createServer({ cert, key }, (request, response) => {
      if (body === '') {
        response.writeHead(request.url === '/elsewhere' ? 200 : 302, { location: '/elsewhere' });
        response.end('{"role":"none"}');
        return;
      }
      response.writeHead(200, { 'content-length': '99999999' });
      response.write(body ?? '{');
      if (body === undefined) response.destroy();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const view = await viewServer({ url, certificate: file('tls/devices.pem') });
    server.closeAllConnections();
    server.close();
    expect('problem' in view && view.problem).toMatch(problem);
  });
});

describe('onlysum doctor, of files', () => {
  it('warns of a certificate that is not for the name in the manifest', async () => {
    makeCertificate('devices', 'DNS:other.example.org');
    makeCertificate('admin', 'IP:127.0.0.1');
    const found = () => doctor('certificates');
    expect(await found()).toMatchObject([
      {
        status: 'warn',
        message: expect.stringMatching(
          /is for other\.example\.org, and .* wss:\/\/sums\.example\.org/,
        ),
      },
    ]);
    edit((text) => text.replace('resultsDir:', 'trustProxy: [127.0.0.1]\n  resultsDir:'));
    expect(await found()).toMatchObject([{ status: 'ok' }]);
    edit((text) => text.replace(/^ {2}trustProxy: .*\n/m, ''));
    makeCertificate('devices', 'DNS:*.example.org');
    expect(await found()).toMatchObject([{ status: 'ok' }]);
  });

  it('fails a manifest that leads to a listener with TLS by ws://', async () => {
    makeCertificate('devices', 'IP:127.0.0.1');
    makeCertificate('admin', 'IP:127.0.0.1');
    await sign(`ws://127.0.0.1:${ports.coordinator}/v1/devices`);
    expect(await doctor('addresses')).toMatchObject([
      { status: 'fail', message: expect.stringContaining('lets nobody in without TLS') },
    ]);
  });
});
