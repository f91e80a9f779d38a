/**
 * nginx and Caddy with the guide's configuration in front of both servers: a round over wss://, the admin
 * API, its stream and the dashboard, and whose address counts. Only addresses, ports and certificates are others.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { PublishedResult } from '@onlysum/coordinator';
import { DROP_REASONS, SUBPROTOCOL } from '@onlysum/protocol';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { freePort } from '../e2e/free-port.js';
import { endAll, Running } from '../e2e/onlysum-process.js';
import { guideBlock, REPOSITORY, substitute, succeed, triedBlocks } from './guide.js';
import { isMissing, pathOf } from './programs.js';

const LIMIT_MS = 120_000;
const root = mkdtempSync(join(tmpdir(), 'onlysum-proxy-'));
const cwd = join(root, 'machines');
const certificates = join(root, 'tls');
/** What devices trust: the certificates made for nginx, and Caddy's own authority. */
const trusted = join(root, 'trusted.pem');
/** Requests a minute that the registrar allows an address here, each kind by itself. */
const PER_MINUTE = 12;

/** Connections that the coordinator allows an address here: three devices, and one more. */
const SEATS = 4;

interface Ports {
  readonly coordinator: number;
  readonly registrar: number;
  readonly admin: number;
  /** Of the proxy, for each of them. */
  readonly sums: number;
  readonly attesting: number;
  readonly inside: number;
}
let ports: Ports;
let operator: string;
let proxy: ChildProcess | undefined;
/** Two fleets of three: one a proxy, since a device takes part once in a window. */
const DEVICES = ['d1', 'd2', 'd3', 'd4', 'd5', 'd6'];

beforeAll(async () => {
  mkdirSync(cwd);
  makeCertificates();
  const [coordinator = 0, registrar = 0, admin = 0, sums = 0, attesting = 0, inside = 0] =
    await Promise.all(Array.from({ length: 6 }, freePort));
  ports = { coordinator, registrar, admin, sums, attesting, inside };
  const [keys = '', configuration = ''] = triedBlocks();
  const script = substitute(`${keys}\n${configuration}`, {
    'ws://127.0.0.1:8787': `wss://localhost:${sums}`,
    // No end of a window in the middle of a test.
    'cd publisher\n': `cd publisher\nsed -i 's/"lengthMs": 600000/"lengthMs": 86400000/' manifest.json\n`,
    'PerAddress: 6000': `PerAddress: ${PER_MINUTE}`,
    'PerAddress: 1024': `PerAddress: ${SEATS}`,
    ...numbered({ 8787: coordinator, 8788: registrar, 8789: admin }),
  });
  await succeed(script, { cwd, limitMs: LIMIT_MS / 2 });
  for (const role of ['registrar', 'coordinator']) {
    await new Running([role, '--json'], { cwd: join(cwd, role) }).listening();
  }
  const token = 'onlysum token create --role operator --name proxy';
  operator = (await succeed(token, { cwd: join(cwd, 'coordinator'), limitMs: 20_000 })).trim();
  const enrol = DEVICES.map((_, i) => enrolCommand(i)).join('\n');
  await succeed(`(cd registrar && onlysum registrar codes --count 6 > codes)\n${enrol}`, {
    cwd,
    limitMs: LIMIT_MS / 2,
  });
}, LIMIT_MS);
afterEach(endProxy);
afterAll(async () => {
  await endProxy();
  await endAll();
  rmSync(root, { recursive: true, force: true });
});

describe.skipIf(isMissing('nginx'))('nginx', () => {
  it(
    'serves devices, operators and nobody else',
    () => behind(startNginx, DEVICES.slice(0, 3)),
    LIMIT_MS,
  );
});

describe.skipIf(isMissing('caddy'))('Caddy', () => {
  it(
    'serves devices, operators and nobody else',
    () => behind(startCaddy, DEVICES.slice(3)),
    LIMIT_MS,
  );
});

async function behind(start: () => Promise<void>, devices: readonly string[]): Promise<void> {
  await start();
  await hidesWhatIsInside();
  await showsTheDashboard();
  await makesARound(devices);
  await countsDevices();
  await countsClients();
}

async function hidesWhatIsInside(): Promise<void> {
  const { sums, attesting, inside } = ports;
  for (const path of ['healthz', 'readyz', 'metrics']) {
    expect([path, await status(`https://localhost:${sums}/${path}`)]).toEqual([path, 404]);
    expect([path, await status(`https://localhost:${attesting}/${path}`)]).toEqual([path, 404]);
  }
  expect(await status(`https://localhost:${attesting}/v1/key`)).toBe(200);
  const api = `https://localhost:${inside}/api/v1/openapi.json`;
  expect(await status(api)).toBe(200);
  // An address that is not inside.
  expect(await status(api, '--interface 127.0.1.1')).toBe(403);
}

async function showsTheDashboard(): Promise<void> {
  const url = `https://localhost:${ports.inside}`;
  const page = await curl(`-D headers ${url}/`);
  expect(page).toBe(readFileSync(join(REPOSITORY, 'packages/dashboard/dist/index.html'), 'utf8'));
  const headers = readFileSync(join(cwd, 'headers'), 'utf8').toLowerCase();
  expect(headers).toContain('strict-transport-security: max-age=');
  const assets = join(REPOSITORY, 'packages/dashboard/dist/assets');
  for (const name of readdirSync(assets)) {
    await curl(`-o asset ${url}/assets/${name}`);
    expect(readFileSync(join(cwd, 'asset')).equals(readFileSync(join(assets, name)))).toBe(true);
  }
  // Who is not named may say that he came by TLS, and is not believed.
  const direct = `http://127.0.0.1:${ports.admin}/`;
  await curl(`-D headers -H 'X-Forwarded-Proto: https' --interface 127.0.0.9 -o page ${direct}`);
  const plain = readFileSync(join(cwd, 'headers'), 'utf8').toLowerCase();
  expect(plain).not.toContain('strict-transport-security');
}

/** While it goes on, the stream of live rounds says so, event by event. */
async function makesARound(devices: readonly string[]): Promise<void> {
  const results = join(cwd, 'coordinator/results');
  const before = existsSync(results) ? readdirSync(results) : [];
  const url = `https://localhost:${ports.inside}/api/v1/live`;
  const authorization = `Authorization: Bearer ${operator}`;
  const live = spawn('curl', ['-sSN', '--cacert', trusted, '-H', authorization, url]);
  let events = '';
  live.stdout.on('data', (chunk: Buffer) => (events += chunk.toString()));
  try {
    await vi.waitFor(() => expect(events).toContain('event: rounds'), LIMIT_MS / 4);
    const registrarUrl = `https://localhost:${ports.attesting}`;
    const submits = devices.map((device, i) => {
      const line = `onlysum device submit --store ${device} --opt-in performance --timeout 60 --json`;
      return `${line} --set startup_ms=${300 + i} --registrar-url ${registrarUrl} & s${i}=$!`;
    });
    // The stream looks twice a second, and three devices at once are done sooner: the first one waits.
    const script = `${submits.join('\nsleep 2\n')}\nwait $s0; wait $s1; wait $s2`;
    const env = { NODE_EXTRA_CA_CERTS: trusted };
    const options = { cwd: join(cwd, 'publisher'), limitMs: 90_000, env };
    const receipts = await succeed(script, options);
    expect(receipts.match(/"included":true/g)).toHaveLength(3);
    const taskIds = events.match(/"taskId":"[0-9a-f]{64}"/g) ?? [];
    expect(taskIds.length).toBeGreaterThan(0);
  } finally {
    live.kill();
  }
  const [file = ''] = readdirSync(results).filter((name) => !before.includes(name));
  const text = readFileSync(join(results, file), 'utf8');
  const { startup_ms: startup } = (JSON.parse(text) as PublishedResult).estimates.metrics;
  expect(startup).toMatchObject({ reported: { value: 3 } });
}

/** By the address that the proxy had the connection from, whatever a device says of itself. */
async function countsDevices(): Promise<void> {
  const sockets: WebSocket[] = [];
  const connect = async (localAddress: string, says: string) => {
    const headers = { 'X-Forwarded-For': says };
    const options = { ca: readFileSync(trusted), localAddress, family: 4, headers };
    const socket = new WebSocket(`wss://localhost:${ports.sums}/`, SUBPROTOCOL, options);
    sockets.push(socket);
    const closed = once(socket, 'close') as Promise<[number]>;
    await once(socket, 'open');
    return { closed };
  };
  try {
    for (let i = 0; i < SEATS; i++) await connect('127.0.0.2', `198.51.100.${i}`);
    await connect('127.0.0.3', '127.0.0.2');
    const { closed } = await connect('127.0.0.2', '198.51.100.7');
    expect((await closed)[0]).toBe(DROP_REASONS.overloaded.closeCode);
    const stay = sockets.slice(0, -1).map(({ readyState }) => readyState);
    expect(new Set(stay)).toEqual(new Set([WebSocket.OPEN]));
  } finally {
    for (const socket of sockets) socket.terminate();
  }
}

async function countsClients(): Promise<void> {
  const through = `https://localhost:${ports.attesting}/v1/revocations`;
  const forged = "-H 'X-Forwarded-For: 198.51.100.7'";
  const many = `${through}?n=[1-${3 * PER_MINUTE}]`;
  const last = async (from: string, url: string, flags = '') => {
    const codes = await curl(`-o answer -w '%{http_code} ' --interface ${from} ${flags} '${url}'`);
    return codes.trim().split(' ').at(-1);
  };
  expect(await last('127.0.0.2', many)).toBe('429');
  // Neither does a header of its own help, nor is anyone else held up.
  expect(await last('127.0.0.2', through, forged)).toBe('429');
  expect(await last('127.0.0.3', through, "-H 'X-Forwarded-For: 127.0.0.2'")).not.toBe('429');
  // Past the proxy: who is not named is counted himself, whatever he says.
  const direct = `http://127.0.0.1:${ports.registrar}/v1/revocations`;
  expect(await last('127.0.0.4', `${direct}?n=[1-${3 * PER_MINUTE}]`, forged)).toBe('429');
  expect(await last('127.0.0.4', direct, "-H 'X-Forwarded-For: 198.51.100.8'")).toBe('429');
}

async function startNginx(): Promise<void> {
  const file = join(root, 'onlysum.conf');
  const { sums, attesting, inside } = ports;
  const listen = (port: number) => `listen 127.0.0.1:${port} ssl;\n  server_name localhost`;
  const block = substitute(guideBlock('nginx', 'proxy_pass'), {
    'listen 443 ssl;\n  server_name sums.example.org': listen(sums),
    'listen 443 ssl;\n  server_name admin.example.org': listen(inside),
    'listen 443 ssl;\n  server_name registrar.example.org': listen(attesting),
    '/etc/ssl/private': certificates,
    '/etc/ssl': certificates,
    '10.0.0.0/8': '127.0.0.0/24',
    ...numbered({ 8787: ports.coordinator, 8788: ports.registrar, 8789: ports.admin }),
  });
  writeFileSync(file, block);
  const folders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${join(root, name)};`,
  );
  const main = [
    `user ${userInfo().username}; daemon off; pid ${join(root, 'nginx.pid')};`,
    `error_log ${join(root, 'nginx.log')}; events {}`,
    `http { ${folders.join(' ')} include ${file}; }`,
  ];
  const [settings, log] = [join(root, 'nginx.conf'), join(root, 'nginx.log')];
  writeFileSync(settings, main.join('\n'));
  copyFileSync(join(certificates, 'sums.pem'), trusted);
  proxy = spawn(pathOf('nginx') ?? 'nginx', ['-p', root, '-e', log, '-c', settings]);
  await answers();
}

async function startCaddy(): Promise<void> {
  const { sums, attesting, inside } = ports;
  const block = substitute(guideBlock('caddyfile', 'reverse_proxy'), {
    'sums.example.org': `localhost:${sums}`,
    'admin.example.org': `localhost:${inside}`,
    'registrar.example.org': `localhost:${attesting}`,
    '10.0.0.0/8': '127.0.0.0/24',
    ...numbered({ 8787: ports.coordinator, 8788: ports.registrar, 8789: ports.admin }),
  });
  // It certifies names of this machine by an authority of its own, which nobody is to trust beyond the test.
  const options = '{\n\tadmin off\n\tskip_install_trust\n\tauto_https disable_redirects\n}\n';
  const file = join(root, 'Caddyfile');
  writeFileSync(file, options + block);
  const env = { ...process.env, HOME: root, XDG_DATA_HOME: root, XDG_CONFIG_HOME: root };
  proxy = spawn(pathOf('caddy') ?? 'caddy', ['run', '--config', file, '--adapter', 'caddyfile'], {
    env,
  });
  const authority = join(root, 'caddy/pki/authorities/local/root.crt');
  const copyWhole = () => {
    const certificate = readFileSync(authority, 'utf8');
    expect(certificate).toContain('END CERTIFICATE');
    writeFileSync(trusted, certificate);
  };
  await vi.waitFor(copyWhole, { timeout: LIMIT_MS / 4, interval: 100 });
  await answers();
}

/** Waits for it; if it has ended, for nothing. */
async function answers(): Promise<void> {
  let said = '';
  proxy?.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const isUp = async () => {
    expect([proxy?.exitCode, said]).toEqual([null, expect.anything()]);
    expect(await status(`https://localhost:${ports.sums}/`)).toBe(426);
  };
  await vi.waitFor(isUp, { timeout: LIMIT_MS / 4, interval: 200 });
}

async function endProxy(): Promise<void> {
  const ending = proxy;
  proxy = undefined;
  if (ending === undefined || ending.exitCode !== null) return;
  const exit = once(ending, 'exit');
  ending.kill('SIGTERM');
  await exit;
}

function enrolCommand(i: number): string {
  const code = `"$(sed -n ${i + 1}p ../registrar/codes)"`;
  const url = `http://127.0.0.1:${ports.registrar}`;
  return `(cd publisher && onlysum device enrol ${code} --store d${i + 1} --registrar-url ${url})`;
}

function makeCertificates(): void {
  mkdirSync(certificates);
  const file = (name: string) => join(certificates, name);
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const to = ['-keyout', file('sums.key'), '-out', file('sums.pem')];
  execFileSync('openssl', [...request, '-nodes', '-days', '2', ...subject, ...to], {
    stdio: 'ignore',
  });
  for (const name of ['admin', 'registrar']) {
    copyFileSync(file('sums.pem'), file(`${name}.pem`));
    copyFileSync(file('sums.key'), file(`${name}.key`));
  }
}

function curl(flags: string): Promise<string> {
  return succeed(`curl -sS --cacert ${trusted} ${flags}`, { cwd, limitMs: 30_000 });
}

async function status(url: string, flags = ''): Promise<number> {
  return Number(await curl(`-o answer -w '%{http_code}' ${flags} ${url}`));
}

function numbered(from: Readonly<Record<number, number>>): Record<string, string> {
  return Object.fromEntries(Object.entries(from).map(([a, b]) => [a, `${b}`]));
}
