import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '@onlysum/crypto';
import { DEFAULT_DURATIONS } from '@onlysum/protocol';
import { afterAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { caseFolders } from '../test/captured-run.js';
import { loadConfiguration, parseConfiguration, problemText } from './configuration.js';
import { configurationTemplate } from './configuration-template.js';
import { manifestTemplate } from './manifest-template.js';

const KEYS = {
  publisher: 'aa'.repeat(32),
  registrar: 'bb'.repeat(32),
  coordinator: 'cc'.repeat(32),
};
const manifest = manifestTemplate(KEYS, 'ws://127.0.0.1:8787', 0);
const folders = caseFolders('onlysum-configuration-');
afterAll(() => folders.remove());

/** What is said of a text, without the file's name. */
function problemsOf(text: string): string[] {
  const { problems } = parseConfiguration(text, '/etc/onlysum');
  return problems.map((problem) => problemText('', problem).slice(1));
}

/** Of a value, without its place. */
function problemOf(value: unknown): string {
  return problemsOf(stringify(value))
    .map((problem) => problem.replace(/^\d+:\d+: /, ''))
    .join('\n');
}

const read = (text: string) => {
  const { configuration, problems } = parseConfiguration(text, '/etc/onlysum');
  expect(problems).toEqual([]);
  return configuration;
};

describe('parseConfiguration', () => {
  it('takes the template that init writes, with paths made absolute', () => {
    expect(read(configurationTemplate(manifest))).toEqual({
      registrar: {
        host: '127.0.0.1',
        port: 8788,
        key: '/etc/onlysum/keys/registrar.json',
        store: { lmdb: '/etc/onlysum/registrar-store' },
        epochLengthMs: manifest.epoch.lengthMs,
        manifests: ['/etc/onlysum/manifest.signed.json'],
        limits: {},
        metrics: true,
      },
      coordinator: {
        host: '127.0.0.1',
        port: 8787,
        key: '/etc/onlysum/keys/coordinator.json',
        registrarUrl: 'http://127.0.0.1:8788',
        resultsDir: '/etc/onlysum/results',
        manifests: ['/etc/onlysum/manifest.signed.json'],
        durations: DEFAULT_DURATIONS,
        limits: {},
        metrics: true,
      },
      device: {
        manifest: '/etc/onlysum/manifest.signed.json',
        publisher: KEYS.publisher,
        registrarUrl: 'http://127.0.0.1:8788',
        store: '/etc/onlysum/device',
      },
      log: { level: 'info' },
    });
  });

  it('takes an empty file, and sections and limits left empty', () => {
    const nothing = { registrar: {}, coordinator: {}, device: {}, log: {} };
    expect(read('')).toEqual(nothing);
    expect(read('# nothing yet\n')).toEqual(nothing);
    expect(read('registrar:\n')).toEqual(nothing);
    expect(read('coordinator:\n  limits:\n').coordinator.limits).toEqual({});
  });

  it('takes stores, key sources and issuers in each of their forms', () => {
    const { coordinator, registrar } = read(
      stringify({
        coordinator: {
          store: { postgres: { environment: 'DATABASE_URL' } },
          resultsKey: [{ command: ['/bin/vault', 'read'] }, { file: 'old.key' }],
          exportRounds: true,
          admin: {
            host: '127.0.0.1',
            port: 8789,
            tls: { certificate: 'a.pem', key: 'a.key' },
            trustProxy: ['10.0.0.1'],
            rateLimits: { requestsPerMinute: 100 },
          },
          tls: { certificate: 'b.pem', key: 'b.key' },
          trustProxy: ['10.0.0.0/8'],
          overSelection: false,
        },
        registrar: {
          store: { lmdb: 'store' },
          previousKeys: ['keys/old.json'],
          rateLimits: { requestsPerMinutePerAddress: 10 },
          trustProxy: ['10.0.0.5'],
          ledgerRetentionDays: 2,
          auditRetentionDays: 1,
          tokenLimits: { devices: 3, maxAgeMs: 60_000, clockToleranceMs: 0 },
          tokens: [
            {
              issuer: 'https://a.example',
              audience: 'us',
              keys: 'jwks.json',
              algorithms: ['ES256'],
            },
          ],
        },
      }),
    );
    expect(coordinator.store).toEqual({ postgres: { environment: 'DATABASE_URL' } });
    expect(coordinator.resultsKey).toEqual([
      { command: ['/bin/vault', 'read'] },
      { file: '/etc/onlysum/old.key' },
    ]);
    expect(coordinator.overSelection).toBe(false);
    expect(coordinator.trustProxy).toEqual(['10.0.0.0/8']);
    expect(coordinator.admin?.tls?.key).toBe('/etc/onlysum/a.key');
    expect(registrar.store).toEqual({ lmdb: '/etc/onlysum/store' });
    expect(registrar.tokenLimits).toEqual({ devices: 3, maxAgeMs: 60_000, clockToleranceMs: 0 });
    expect(registrar.trustProxy).toEqual(['10.0.0.5']);
    expect(registrar.tokens?.[0]?.keys).toBe('/etc/onlysum/jwks.json');
    const single = read('coordinator: { resultsKey: { environment: RESULTS_KEY } }');
    expect(single.coordinator.resultsKey).toEqual([{ environment: 'RESULTS_KEY' }]);
  });

  it('takes true and false where they are meant, and nothing like them', () => {
    for (const exportRounds of [true, false]) {
      const { coordinator } = read(stringify({ coordinator: { exportRounds } }));
      expect(coordinator.exportRounds).toBe(exportRounds);
    }
    expect(problemOf({ coordinator: { exportRounds: 'yes' } })).toBe(
      'coordinator.exportRounds: expected true or false, got "yes"',
    );
  });

  it.each([
    [
      { registar: {} },
      'configuration: expected only coordinator, registrar, device, log, got "registar"; did you mean registrar?',
    ],
    [
      { registrar: { prot: 1 } },
      /^registrar: expected only host, port, .*, got "prot"; did you mean port\?$/,
    ],
    [{ registrar: { zzz: 1 } }, /^registrar: expected only host, .*, got "zzz"$/],
    [
      { registrar: { port: '8788' } },
      'registrar.port: expected an integer from 0 to 65535, got "8788"',
    ],
    [
      { registrar: { port: 65536 } },
      'registrar.port: expected an integer from 0 to 65535, got 65536',
    ],
    [{ registrar: { key: '' } }, 'registrar.key: expected a path, got ""'],
    [{ registrar: { host: 7 } }, 'registrar.host: expected a text, got 7'],
    [
      { registrar: { epochLengthMs: 999 } },
      'registrar.epochLengthMs: expected an integer ≥ 1000, got 999',
    ],
    [
      { registrar: { manifests: 'm.json' } },
      'registrar.manifests: expected a list of at least one path, got "m.json"',
    ],
    [
      { registrar: { manifests: [] } },
      'registrar.manifests: expected a list of at least one path, got an array of 0',
    ],
    [{ registrar: { manifests: [3] } }, 'registrar.manifests[0]: expected a path, got 3'],
    [
      { registrar: { limits: { failure: 3 } } },
      /^registrar\.limits: expected only .*, got "failure"$/,
    ],
    [
      { coordinator: { limits: { connections: 0 } } },
      'coordinator.limits.connections: expected an integer ≥ 1, got 0',
    ],
    [
      { coordinator: { durations: { gatherMs: 1.5 } } },
      'coordinator.durations.gatherMs: expected an integer ≥ 1, got 1.5',
    ],
    [
      { coordinator: { durations: { gather: 1 } } },
      /^coordinator\.durations: expected only gatherMs, .*, got "gather"; did you mean gatherMs\?$/,
    ],
    [{ coordinator: [] }, /^coordinator: expected lines of host, .*, got an array of 0$/],
    ['text', 'configuration: expected lines of coordinator, registrar, device, log, got "text"'],
    [
      { coordinator: { registrarUrl: 'http://example.org' } },
      /^coordinator\.registrarUrl: expected an https:.*, got "http:\/\/example\.org"$/,
    ],
    [
      { registrar: { store: { lmbd: 'x' } } },
      'registrar.store: expected only lmdb, postgres, got "lmbd"; did you mean lmdb?',
    ],
    [
      { registrar: { store: 7 } },
      'registrar.store: expected a path, or lines of lmdb, postgres, got a number',
    ],
    [
      { registrar: { store: { lmdb: 'x', postgres: { environment: 'X' } } } },
      'registrar.store: expected exactly one line of lmdb, postgres, got lmdb, postgres',
    ],
    [
      { coordinator: { resultsKey: { environment: 'A B' } } },
      'coordinator.resultsKey.environment: expected the name of an environment variable, got a text',
    ],
    [
      { coordinator: { resultsKey: [{}] } },
      'coordinator.resultsKey[0]: expected exactly one line of file, environment, command, got none',
    ],
    [
      { coordinator: { admin: { host: '::1' } } },
      'coordinator.admin.port: expected this line, got nothing',
    ],
    [
      {
        registrar: {
          tokens: [{ issuer: 'a', audience: 'b', keys: 'c', algorithms: ['HS256'] }],
        },
      },
      /^registrar\.tokens\[0\]\.algorithms\[0\]: expected one of EdDSA, .*, got "HS256"$/,
    ],
    [
      { registrar: { tokens: [{ algorithms: ['ES384'] }] } },
      /algorithms\[0\]: expected one of EdDSA, ES256, RS256, PS256, got "ES384"$/m,
    ],
    [
      { registrar: { ledgerRetentionDays: 1 } },
      'registrar.ledgerRetentionDays: expected an integer from 2 to 36500, got 1',
    ],
    [
      { registrar: { trustProxy: [] } },
      'registrar.trustProxy: expected a list of at least one address, got an array of 0',
    ],
    [
      { registrar: { tokenLimits: { device: 1 } } },
      'registrar.tokenLimits: expected only devices, maxAgeMs, clockToleranceMs, got "device"; did you mean devices?',
    ],
    [{ log: { level: 'loud' } }, /^log\.level: expected one of trace, .*, got "loud"$/],
    [{ coordinator: { overSelection: 300 } }, /expected true or false, got 300$/],
    [{ coordinator: { metrics: 'yes' } }, /expected true or false, got "yes"$/],
  ])('refuses %j', (value, problem) => {
    expect(problemOf(value)).toMatch(problem);
  });

  it('says all that is wrong, with its place, in the order of the file', () => {
    const text = [
      'registrar:',
      '  port: x',
      '  prot: 1',
      '  kee: a',
      'coordinator:',
      '    manifests:',
      '      - a',
      '      - 3',
    ].join('\n');
    expect(problemsOf(text).map((problem) => problem.split(' expected')[0])).toEqual([
      '2:3: registrar.port:',
      '3:3: registrar:',
      '4:3: registrar:',
      '8:9: coordinator.manifests[1]:',
    ]);
  });

  it('names the place of YAML that is none, and of names given twice', () => {
    expect(problemsOf('registrar:\n  port: [1\n')[0]).toMatch(
      /^\d+:\d+: configuration: expected YAML/,
    );
    const twice = problemsOf('registrar:\n  port: 1\n  port: 2\n');
    expect(twice).toEqual([expect.stringMatching(/^3:3: .*unique/)]);
    expect(problemsOf('registrar: *nowhere\n')).toHaveLength(1);
  });

  it('refuses names that mean something to JavaScript', () => {
    for (const name of ['constructor', 'prototype', '__proto__']) {
      expect(problemsOf(`registrar:\n  ${name}: 1\n`)).toEqual([
        expect.stringContaining(`got "${name}"`),
      ]);
    }
  });

  it('never shows what may be a secret', () => {
    const secret = 'hunter2'.repeat(4);
    for (const value of [
      { coordinator: { resultsKey: secret } },
      { coordinator: { resultsKey: [secret] } },
      { coordinator: { resultsKey: { command: secret } } },
      { registrar: { store: { postgres: secret } } },
      { registrar: { store: { postgres: { url: `mysql://user:${secret}@host/db` } } } },
      { coordinator: { registrarUrl: `http://user:${secret}@example.org` } },
    ]) {
      const problem = problemOf(value);
      expect(problem).toContain('expected');
      expect(problem).not.toContain('hunter2');
    }
  });
});

describe('loadConfiguration', () => {
  it('names file, line and column, and how many more there are', () => {
    const cwd = folders.make();
    const path = join(cwd, 'onlysum.yaml');
    writeFileSync(path, 'registrar:\n  prot: 1\n  kee: 2\n');
    let caught: unknown;
    try {
      loadConfiguration(undefined, cwd);
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(UsageError);
    const { code, message } = caught as UsageError;
    expect(code).toBe('config-invalid');
    expect(message).toMatch(/onlysum\.yaml:2:3: registrar: .*did you mean port\? \(and 1 more/);
  });

  it('is empty where there is no file, unless one was named', () => {
    const cwd = folders.make();
    expect(loadConfiguration(undefined, cwd).registrar).toEqual({});
    expect(() => loadConfiguration('none.yaml', cwd)).toThrow(/none\.yaml/);
  });
});
