import { UsageError } from '@onlysum/crypto';
import { DEFAULT_DURATIONS } from '@onlysum/protocol';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseConfiguration } from './configuration.js';
import { configurationTemplate } from './configuration-template.js';
import { manifestTemplate } from './manifest-template.js';

const KEYS = {
  publisher: 'aa'.repeat(32),
  registrar: 'bb'.repeat(32),
  coordinator: 'cc'.repeat(32),
};
const manifest = manifestTemplate(KEYS, 'ws://127.0.0.1:8787', 0);

function problemOf(value: unknown): string {
  try {
    parseConfiguration(value, '/etc/onlysum');
  } catch (error) {
    if (error instanceof UsageError && error.code === 'config-invalid') return error.message;
    throw error;
  }
  return 'none';
}

describe('parseConfiguration', () => {
  it('takes the template that init writes, with paths made absolute', () => {
    const configuration = parseConfiguration(
      parse(configurationTemplate(manifest)),
      '/etc/onlysum',
    );
    expect(configuration).toEqual({
      registrar: {
        host: '127.0.0.1',
        port: 8788,
        key: '/etc/onlysum/keys/registrar.json',
        store: '/etc/onlysum/registrar-store',
        epochLengthMs: manifest.epoch.lengthMs,
        manifests: ['/etc/onlysum/manifest.signed.json'],
        limits: {},
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
      },
      device: {
        manifest: '/etc/onlysum/manifest.signed.json',
        publisher: KEYS.publisher,
        registrarUrl: 'http://127.0.0.1:8788',
        store: '/etc/onlysum/device',
      },
    });
  });

  it('takes an empty file, and sections and limits left empty', () => {
    const nothing = { registrar: {}, coordinator: {}, device: {} };
    expect(parseConfiguration(null, '/')).toEqual(nothing);
    expect(parseConfiguration({ registrar: null }, '/')).toEqual(nothing);
    const { coordinator } = parseConfiguration({ coordinator: { limits: null } }, '/');
    expect(coordinator.limits).toEqual({});
  });

  it('takes true and false where they are meant, and nothing like them', () => {
    for (const exportRounds of [true, false]) {
      const { coordinator } = parseConfiguration({ coordinator: { exportRounds } }, '/');
      expect(coordinator.exportRounds).toBe(exportRounds);
    }
    expect(() => parseConfiguration({ coordinator: { exportRounds: 'yes' } }, '/')).toThrow(
      'coordinator.exportRounds: expected true or false, got "yes"',
    );
  });

  it.each([
    [
      { registar: {} },
      'configuration: expected only registrar, coordinator, device, got "registar"',
    ],
    [{ registrar: { prot: 1 } }, /^registrar: expected only host, port, .*, got "prot"$/],
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
      /^coordinator\.durations: expected only gatherMs, .*, got "gather"$/,
    ],
    [{ coordinator: [] }, /^coordinator: expected lines of host, .*, got an array of 0$/],
    ['text', 'configuration: expected lines of registrar, coordinator, device, got "text"'],
  ])('refuses %j', (value, problem) => {
    expect(problemOf(value)).toMatch(problem);
  });
});
