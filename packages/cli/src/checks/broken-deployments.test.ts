/**
 * Deployments with one fault each: `config check` or `doctor` finds it at its line, the server refuses it,
 * and the mend that the finding gives is one after which it is gone and the server starts.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '@onlysum/crypto';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { Capture, caseFolders, runCaptured } from '../../test/captured-run.js';
import { selfSigned } from '../../test/self-signed.js';
import { coordinatorSettings } from '../coordinator-settings.js';
import { registrarSettings } from '../registrar-settings.js';
import { openCoordinator } from '../run-coordinator.js';
import { openRegistrar } from '../run-registrar.js';
import type { Finding } from './finding.js';
import { checkConfiguration, checkDeployment } from './run-checks.js';

const folders = caseFolders('onlysum-broken-');
afterAll(() => folders.remove());
const DAY_MS = 86_400_000;
const JUNK = 'hunter2-hunter2';
const KEY = 'ab'.repeat(32);

let cwd: string;
let env: Record<string, string>;
const terminal = () => ({ out: new Capture(), err: new Capture(), env, cwd });
const file = (name: string) => join(cwd, name);

beforeEach(async () => {
  cwd = folders.make();
  env = {};
  await runCaptured(cwd, ['init', '.']);
  await runCaptured(cwd, ['manifest', 'sign']);
  // Any port that is free, so that the servers can really be started.
  edit(/port: \d+/g, 'port: 0');
});

function edit(from: string | RegExp, to: string): void {
  const text = readFileSync(file('onlysum.yaml'), 'utf8');
  const changed = text.replace(from, to);
  expect(changed).not.toBe(text);
  writeFileSync(file('onlysum.yaml'), changed);
}

/** Adds lines to a section, indented by two. */
function add(role: 'coordinator' | 'registrar', ...lines: string[]): void {
  edit(`\n${role}:\n`, `\n${role}:\n${lines.map((line) => `  ${line}\n`).join('')}`);
}

function write(name: string, text: string, mode = 0o600): void {
  mkdirSync(join(file(name), '..'), { recursive: true });
  writeFileSync(file(name), text, { mode });
}

/** A pair that holds from `fromDays` to `toDays` from now. */
function writePair(fromDays: number, toDays: number, keyMode = 0o600): void {
  const at = (days: number) => new Date(Date.now() + days * DAY_MS);
  const { certificate, key } = selfSigned(at(fromDays), at(toDays));
  write('tls/c.pem', certificate, 0o644);
  write('tls/k.pem', key, keyMode);
}

const ADMIN_TLS =
  'admin: { host: 127.0.0.1, port: 0, tls: { certificate: tls/c.pem, key: tls/k.pem } }';

function addIssuer(...more: string[]): void {
  const issuer = 'issuer: I, audience: A, keys: jwks.json, algorithms: [EdDSA]';
  add('registrar', `tokens: [{ ${issuer} }${more.join('')}]`);
}

const JWKS = JSON.stringify({ keys: [{ kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43) }] });
const PRIVATE_JWKS = JSON.stringify({ keys: [{ kty: 'OKP', crv: 'Ed25519', x: 'A', d: JUNK }] });

/** Starts a server and ends it. @throws {UsageError} as it refuses. */
async function start(role: 'coordinator' | 'registrar'): Promise<void> {
  const silent = { logLevel: 'silent' as const };
  const server =
    role === 'coordinator'
      ? await openCoordinator({ ...coordinatorSettings({}, terminal()), ...silent }, terminal())
      : await openRegistrar({ ...registrarSettings({}, terminal()), ...silent }, terminal());
  await server.close();
}

interface Case {
  readonly name: string;
  readonly spoil: () => void;
  /** Whose finding it is: by default both find it. */
  readonly by?: 'doctor';
  readonly check: string;
  readonly status?: 'warn';
  /** In the line of onlysum.yaml that the finding points to. */
  readonly line: string;
  readonly message: RegExp;
  /** The server that refuses to start, and its code; none refuses what is only a warning or a danger. */
  readonly refuses?: readonly ['coordinator' | 'registrar', code: string];
  /** In the mend that the finding gives. */
  readonly says: string;
  /** Does what it says; default: runs it, a command. */
  readonly mend?: () => void;
}

const CASES: readonly Case[] = [
  {
    name: 'records of rounds without a folder',
    spoil: () => edit('resultsDir: results', 'exportRounds: true'),
    check: 'settings',
    line: 'exportRounds: true',
    message: /^coordinator\.exportRounds: expected .* only with resultsDir/,
    refuses: ['coordinator', 'argument-invalid'],
    says: 'name a folder in resultsDir',
    mend: () => add('coordinator', 'resultsDir: results'),
  },
  {
    name: 'an admin listener on the network without TLS',
    spoil: () => add('coordinator', 'admin:', '  host: 0.0.0.0', '  port: 0'),
    check: 'settings',
    line: 'host: 0.0.0.0',
    message: /^coordinator\.admin\.host: expected admin\.tls, or .*got 0\.0\.0\.0/,
    refuses: ['coordinator', 'tls-required'],
    says: 'write host: 127.0.0.1',
    mend: () => edit('host: 0.0.0.0', 'host: 127.0.0.1'),
  },
  {
    name: 'a proxy before the admin listener that is none',
    spoil: () => add('coordinator', 'admin: { host: 127.0.0.1, port: 0, trustProxy: [nonsense] }'),
    check: 'proxies',
    line: 'nonsense',
    message: /^coordinator\.admin\.trustProxy\[0\]: expected an address/,
    refuses: ['coordinator', 'argument-invalid'],
    says: 'write an address',
    mend: () => edit('nonsense', '127.0.0.1'),
  },
  {
    name: 'a proxy before the coordinator that is none',
    spoil: () => add('coordinator', 'trustProxy:', '  - 127.0.0.1', '  - nonsense'),
    check: 'proxies',
    line: '- nonsense',
    message: /^coordinator\.trustProxy\[1\]: expected an address/,
    refuses: ['coordinator', 'argument-invalid'],
    says: 'or a network such as 10.0.0.0/8',
    mend: () => edit('nonsense', '10.0.0.0/8'),
  },
  {
    name: 'a proxy before the registrar that is none',
    spoil: () => add('registrar', 'trustProxy: [10.0.0.0/8, 10.0.0.0/40]'),
    check: 'proxies',
    line: '10.0.0.0/40',
    message: /^registrar\.trustProxy\[1\]: expected an address/,
    refuses: ['registrar', 'argument-invalid'],
    says: 'write an address, or a network',
    mend: () => edit('10.0.0.0/40', '10.1.0.0/16'),
  },
  {
    name: 'frames too small for the task',
    spoil: () => edit('limits: {} # connections, connectionsPer', 'limits: { frameBytes: 10 } #'),
    check: 'settings',
    line: 'frameBytes: 10',
    message: /^coordinator\.limits\.frameBytes: expected at least \d+ bytes/,
    refuses: ['coordinator', 'argument-invalid'],
    says: 'write at least 4960 bytes',
    mend: () => edit('frameBytes: 10', 'frameBytes: 4960'),
  },
  {
    name: 'a stage longer than a day',
    spoil: () => edit(/gatherMs: \d+/, 'gatherMs: 86400001'),
    check: 'settings',
    line: 'gatherMs: 86400001',
    message: /^coordinator\.durations\.gatherMs: expected an integer from 1 to 86400000/,
    refuses: ['coordinator', 'argument-invalid'],
    says: 'write an integer from 1 to 86400000',
    mend: () => edit('86400001', '86400000'),
  },
  {
    name: 'a rate of the admin listener that is no limit',
    spoil: () => {
      const rates = 'rateLimits: { requestsPerMinute: 1000001 }';
      add('coordinator', `admin: { host: 127.0.0.1, port: 0, ${rates} }`);
    },
    check: 'settings',
    line: 'requestsPerMinute: 1000001',
    message: /^coordinator\.admin\.rateLimits\.requestsPerMinute: expected/,
    refuses: ['coordinator', 'argument-invalid'],
    says: 'write an integer from 1 to 1000000',
    mend: () => edit('1000001', '1000000'),
  },
  {
    name: 'a key of results that is none',
    spoil: () => {
      write('seal.key', JUNK);
      add('coordinator', 'resultsKey: { file: seal.key }');
    },
    check: 'seal-keys',
    line: 'resultsKey:',
    message: /^coordinator\.resultsKey: seal key .*expected 32 bytes/,
    refuses: ['coordinator', 'seal-key-invalid'],
    says: 'if no result is kept yet, make one',
    mend: () => write('seal.key', KEY),
  },
  {
    name: 'a key of results that is not there',
    spoil: () => add('coordinator', 'resultsKey: { file: seal.key }'),
    check: 'seal-keys',
    line: 'resultsKey:',
    message: /seal\.key": expected a file .*got ENOENT$/,
    refuses: ['coordinator', 'seal-key-unavailable'],
    says: 'name the right file',
    mend: () => write('seal.key', KEY),
  },
  {
    name: 'a key of results that others can read',
    spoil: () => {
      write('seal.key', KEY, 0o644);
      add('coordinator', 'resultsKey:', '  - environment: SEAL_KEY', '  - file: seal.key');
      env = { SEAL_KEY: KEY };
    },
    check: 'seal-keys',
    line: '- file: seal.key',
    message: /^coordinator\.resultsKey\[1\]: .* got mode 0644$/,
    refuses: ['coordinator', 'seal-key-unavailable'],
    says: 'chmod 600 ',
  },
  {
    name: 'a key beside the store that is none',
    spoil: () => write('coordinator-store.key', JUNK),
    check: 'seal-keys',
    line: 'coordinator:',
    message: /^coordinator\.store: seal key .*expected 32 bytes/,
    refuses: ['coordinator', 'seal-key-invalid'],
    says: 'restore it from its backup',
    mend: () => write('coordinator-store.key', KEY),
  },
  {
    name: 'a variable with the key of results that is not set',
    spoil: () => add('coordinator', 'resultsKey: { environment: SEAL_KEY }'),
    by: 'doctor',
    check: 'seal-keys',
    line: 'resultsKey:',
    message: /expected the environment to have SEAL_KEY, got nothing$/,
    refuses: ['coordinator', 'seal-key-unavailable'],
    says: 'set SEAL_KEY',
    mend: () => void (env = { SEAL_KEY: KEY }),
  },
  {
    name: 'a variable that holds something else',
    spoil: () => {
      add('coordinator', 'resultsKey: { environment: SEAL_KEY }');
      env = { SEAL_KEY: JUNK };
    },
    check: 'seal-keys',
    line: 'resultsKey:',
    message: /^coordinator\.resultsKey: seal key "SEAL_KEY"/,
    refuses: ['coordinator', 'seal-key-invalid'],
    says: 'let SEAL_KEY hold the key and nothing else',
    mend: () => void (env = { SEAL_KEY: KEY }),
  },
  {
    name: 'a command for the key of results that is not there',
    spoil: () => add('coordinator', 'resultsKey: { command: [/nowhere/kms, get] }'),
    by: 'doctor',
    check: 'seal-keys',
    line: 'resultsKey:',
    message: /"\/nowhere\/kms": expected a command that prints .*, got ENOENT$/,
    refuses: ['coordinator', 'seal-key-unavailable'],
    says: 'it must print the key',
    mend: () => edit('[/nowhere/kms, get]', `[/bin/echo, ${KEY}]`),
  },
  {
    name: 'a command that prints no key',
    spoil: () => add('coordinator', `resultsKey: { command: [/bin/echo, ${JUNK}-a] }`),
    by: 'doctor',
    check: 'seal-keys',
    line: 'resultsKey:',
    message: /"\/bin\/echo": expected 32 bytes/,
    refuses: ['coordinator', 'seal-key-invalid'],
    says: 'it must print the key, nothing else',
    mend: () => edit(`${JUNK}-a`, KEY),
  },
  {
    name: "an issuer's keys that are no JWK Set",
    spoil: () => {
      write('jwks.json', '{"key": []}');
      addIssuer();
    },
    check: 'settings',
    line: 'keys: jwks.json',
    message: /\.keys: expected a JWK Set of 1 to 32 keys, got an object without "keys"$/,
    refuses: ['registrar', 'argument-invalid'],
    says: 'a JWK Set: {"keys"',
    mend: () => write('jwks.json', JWKS),
  },
  {
    name: "an issuer's keys that are no JSON",
    spoil: () => {
      write('jwks.json', JUNK);
      addIssuer();
    },
    check: 'settings',
    line: 'keys: jwks.json',
    message: /^registrar\.tokens\[0\]\.keys: .*expected JSON/,
    refuses: ['registrar', 'file-invalid'],
    says: 'a JWK Set: {"keys"',
    mend: () => write('jwks.json', JWKS),
  },
  {
    name: "an issuer's private key",
    spoil: () => {
      write('jwks.json', PRIVATE_JWKS);
      addIssuer();
    },
    check: 'settings',
    line: 'keys: jwks.json',
    message: /^registrar\.tokens\[0\]\.keys\.keys\[0\]: expected a public key/,
    refuses: ['registrar', 'argument-invalid'],
    says: 'without any private part',
    mend: () => write('jwks.json', JWKS),
  },
  {
    name: 'an issuer twice',
    spoil: () => {
      write('jwks.json', JWKS);
      addIssuer(', { issuer: I, audience: B, keys: jwks.json, algorithms: [ES256] }');
    },
    check: 'settings',
    line: 'tokens:',
    message: /^registrar\.tokens: expected each issuer once/,
    refuses: ['registrar', 'argument-invalid'],
    says: 'write each issuer once',
    mend: () => edit(/, \{ issuer: I, audience: B[^}]*\}/, ''),
  },
  {
    name: 'a licence for more devices than are allowed',
    spoil: () => add('registrar', 'tokenLimits:', '  maxAgeMs: 1000', '  devices: 100000'),
    check: 'settings',
    line: 'devices: 100000',
    message: /^registrar\.tokenLimits\.devices: expected an integer from 1 to 1000,/,
    refuses: ['registrar', 'argument-invalid'],
    says: 'write an integer from 1 to 1000',
    mend: () => edit('devices: 100000', 'devices: 1000'),
  },
  {
    name: 'a rate of the registrar that is no limit',
    spoil: () => add('registrar', 'rateLimits: { requestsPerMinute: 60000001 }'),
    check: 'settings',
    line: 'requestsPerMinute: 60000001',
    message: /^registrar\.rateLimits\.requestsPerMinute: expected/,
    refuses: ['registrar', 'argument-invalid'],
    says: 'write an integer from 1 to 60000000',
    mend: () => edit('60000001', '60000000'),
  },
  {
    name: 'more connections than a registrar can have',
    spoil: () => edit(/limits: \{\}/, 'limits: { connections: 1000001 }'),
    check: 'settings',
    line: 'connections: 1000001',
    message: /^registrar\.limits\.connections: expected an integer from 1 to 1000000/,
    refuses: ['registrar', 'argument-invalid'],
    says: 'write an integer from 1 to 1000000',
    mend: () => edit('1000001', '4096'),
  },
  {
    name: 'a certificate that is not there',
    spoil: () => {
      writePair(-1, 90);
      add('coordinator', ADMIN_TLS.replace('c.pem', 'other.pem'));
    },
    check: 'files',
    line: 'certificate: tls/other.pem',
    message: /^coordinator\.admin\.tls\.certificate: .*other\.pem is not there/,
    refuses: ['coordinator', 'tls-invalid'],
    says: 'name the right file',
    mend: () => edit('tls/other.pem', 'tls/c.pem'),
  },
  {
    name: 'the key of another certificate',
    spoil: () => {
      writePair(-1, 90);
      write('tls/k.pem', selfSigned(new Date(), new Date()).key);
      add('coordinator', ADMIN_TLS);
    },
    check: 'certificates',
    line: 'certificate: tls/c.pem',
    message: /^coordinator\.admin\.tls: .* is not that of the certificate/,
    refuses: ['coordinator', 'tls-invalid'],
    says: 'the key that it was issued for',
    mend: () => writePair(-1, 90),
  },
  {
    name: 'a certificate of the admin listener that is none',
    spoil: () => {
      writePair(-1, 90);
      write('tls/c.pem', JUNK);
      add('coordinator', ADMIN_TLS);
    },
    check: 'certificates',
    line: 'certificate: tls/c.pem',
    message: /^coordinator\.admin\.tls: .* hold no certificate and key in PEM/,
    refuses: ['coordinator', 'tls-invalid'],
    says: 'both in PEM',
    mend: () => writePair(-1, 90),
  },
  {
    name: 'a chain that goes on with something else',
    spoil: () => {
      writePair(-1, 90);
      const pem = readFileSync(file('tls/c.pem'), 'utf8');
      write('tls/c.pem', `${pem}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`);
      add('coordinator', ADMIN_TLS);
    },
    check: 'certificates',
    line: 'certificate: tls/c.pem',
    message: /^coordinator\.admin\.tls: .* hold no certificate and key in PEM/,
    refuses: ['coordinator', 'tls-invalid'],
    says: 'both in PEM',
    mend: () => writePair(-1, 90),
  },
  {
    name: 'a manifest twice',
    spoil: () => {
      edit(/( {4}- manifest\.signed\.json\n)( {2}durations)/, '$1    - ./manifest.signed.json\n$2');
    },
    check: 'settings',
    line: '- ./manifest.signed.json',
    message: /^coordinator\.manifests\[1\]: expected a task not listed before/,
    refuses: ['coordinator', 'argument-invalid'],
    says: 'write each manifest once',
    mend: () => edit('    - ./manifest.signed.json\n', ''),
  },
  {
    name: 'a line that only a flag could stand in for',
    spoil: () => edit('  registrarUrl: http://127.0.0.1:8788\n  resultsDir', '  resultsDir'),
    check: 'settings',
    status: 'warn',
    line: 'coordinator:',
    message: /^coordinator: no line registrarUrl: the coordinator starts only with a flag/,
    refuses: ['coordinator', 'setting-missing'],
    says: 'write registrarUrl',
    mend: () => add('coordinator', 'registrarUrl: http://127.0.0.1:8788'),
  },
  {
    name: 'a certificate that has ended',
    spoil: () => {
      writePair(-10, -1);
      add('coordinator', ADMIN_TLS);
    },
    check: 'certificates',
    line: 'certificate: tls/c.pem',
    message: /^coordinator\.admin\.tls\.certificate: .* ended on/,
    says: 'renew it',
    mend: () => writePair(-1, 90),
  },
  {
    name: 'a key of TLS that others can read',
    spoil: () => {
      writePair(-1, 90, 0o644);
      add('coordinator', ADMIN_TLS);
    },
    check: 'files',
    line: 'key: tls/k.pem',
    message: /^coordinator\.admin\.tls\.key: .* can be read by others/,
    says: 'chmod 600 ',
  },
  {
    name: 'a previous key that is none',
    spoil: () => {
      write('keys/old.json', '{}');
      add('registrar', 'previousKeys: [keys/old.json]');
    },
    check: 'keys',
    line: 'keys/old.json',
    message: /^registrar\.previousKeys\[0\] .*old\.json/,
    refuses: ['registrar', 'key-file-invalid'],
    says: 'restore it from its backup',
    mend: () => write('keys/old.json', readFileSync(file('keys/registrar.json'), 'utf8')),
  },
  {
    name: "the coordinator's key among the registrar's",
    spoil: () => add('registrar', 'previousKeys:', '  - keys/coordinator.json'),
    check: 'keys',
    status: 'warn',
    line: '- keys/coordinator.json',
    message: /^registrar\.previousKeys\[0\]: .* is the coordinator's key/,
    says: 'take it out',
    mend: () => edit(/ {2}previousKeys:\n.*\n/, ''),
  },
  {
    name: 'a registrar on the network in the clear',
    spoil: () => edit('host: 127.0.0.1', 'host: 0.0.0.0'),
    check: 'addresses',
    status: 'warn',
    line: 'host: 0.0.0.0',
    message: /^registrar\.host: 0\.0\.0\.0 takes plain HTTP/,
    says: 'name it in trustProxy',
    mend: () => edit('host: 0.0.0.0', 'host: 0.0.0.0\n  trustProxy: [192.0.2.1]'),
  },
];

/** A finding's line of onlysum.yaml. */
function lineAt({ at = '' }: Finding): string {
  const [, path = '', line = ''] = /^(.*):(\d+):\d+$/.exec(at) ?? [];
  expect(path).toBe(file('onlysum.yaml'));
  return readFileSync(path, 'utf8').split('\n')[Number(line) - 1] ?? '';
}

/** But that no registrar runs, which doctor says. */
function faults(findings: readonly Finding[]): Finding[] {
  return findings.filter(({ status, check }) => status === 'fail' && check !== 'registrar');
}

describe('a deployment with one fault', () => {
  it.each(CASES)('$name', async (each) => {
    const { check, message, status = 'fail' } = each;
    each.spoil();
    const look = each.by === 'doctor' ? checkDeployment : checkConfiguration;
    const found = async (find = look) => {
      const all = await find(undefined, terminal());
      expect(JSON.stringify(all)).not.toContain(JUNK);
      return all.filter((finding) => finding.status === status && finding.check === check);
    };
    const findings = (await found()).filter((finding) => message.test(finding.message));
    expect(findings).toHaveLength(1);
    const [finding] = findings as [Finding];
    expect(lineAt(finding)).toContain(each.line);
    expect(finding.mend).toContain(each.says);
    // Nothing but the one fault is found, by whichever of the two.
    if (status === 'fail') {
      expect(faults(await look(undefined, terminal()))).toEqual([finding]);
    }
    // `config check` runs nothing, and may be without the coordinator's environment.
    if (each.by === 'doctor') expect(await found(checkConfiguration)).toEqual([]);
    if (each.refuses !== undefined) {
      const [role, code] = each.refuses;
      await expect(start(role)).rejects.toThrowError(UsageError);
      await expect(start(role)).rejects.toMatchObject({ code });
    }

    if (each.mend === undefined) {
      const { status: exit } = spawnSync('sh', ['-c', finding.mend ?? ''], { cwd });
      expect(exit).toBe(0);
    } else {
      each.mend();
    }
    const left = await look(undefined, terminal());
    expect(faults(left)).toEqual([]);
    expect(left.filter((other) => message.test(other.message))).toEqual([]);
    if (each.refuses !== undefined) await start(each.refuses[0]);
  });
});

describe('a deployment without a fault', () => {
  it('is warned of nothing but one machine without TLS', async () => {
    for (const host of ['127.0.0.1', '127.0.0.2', '::1', 'localhost']) {
      edit(/(registrar:\n +host: ).*/, `$1"${host}"`);
      const notes = (await checkConfiguration(undefined, terminal())).filter(
        ({ status }) => status !== 'ok',
      );
      expect(notes).toMatchObject([
        { status: 'warn', check: 'addresses', message: expect.stringContaining('ws://') as string },
      ]);
    }
  });
});

describe('a deployment with many faults', () => {
  it('has all of them found at once', async () => {
    add(
      'registrar',
      'tokenLimits: { devices: 100000 }',
      'rateLimits:',
      '  requestsPerMinute: 60000001',
    );
    const rates = 'rateLimits: { requestsPerMinute: 1000001 }';
    add('coordinator', 'exportRounds: true', `admin: { host: 0.0.0.0, port: 0, ${rates} }`);
    edit('limits: {} # connections, req', 'limits: { connections: 1000001 } # req');
    edit('limits: {} #', 'limits: { pingIntervalMs: 86400001, frameBytes: 10 } #');
    edit('  resultsDir: results\n', '');
    edit(/gatherMs: \d+/, 'gatherMs: 86400001');
    edit(/attestMs: \d+/, 'attestMs: 86400001');
    const findings = await checkConfiguration(undefined, terminal());
    const failed = findings.filter(({ status }) => status === 'fail');
    expect(failed.map(({ message }) => message.split(':')[0])).toEqual([
      'coordinator.limits.pingIntervalMs',
      'coordinator.durations.gatherMs',
      'coordinator.durations.attestMs',
      'coordinator.exportRounds',
      'coordinator.admin.host',
      'coordinator.admin.rateLimits.requestsPerMinute',
      'coordinator.limits.frameBytes',
      'registrar.limits.connections',
      'registrar.rateLimits.requestsPerMinute',
      'registrar.tokenLimits.devices',
    ]);
  });
});
