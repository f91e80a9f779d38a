/**
 * onlysum.yaml: what each role of a deployment is started with. Paths in it are relative to it.
 * Knows: sections, names, forms. Doesn't know: flags, defaults, whether the files are there.
 * Invariant: no unknown name is ignored, and every path that leaves here is absolute.
 */
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Limits } from '@onlysum/coordinator';
import { invalidField, UsageError } from '@onlysum/crypto';
import { DEFAULT_DURATIONS } from '@onlysum/protocol';
import type { RegistrarLimits } from '@onlysum/registrar';
import { inFile, readYaml } from './files.js';

export const CONFIGURATION_FILE = 'onlysum.yaml';

type Reader<T> = (field: string, value: unknown, directory: string) => T;

const REGISTRAR_LIMITS = {
  requestBytes: true,
  jsonBytes: true,
  headersTimeoutMs: true,
  requestTimeoutMs: true,
  keepAliveTimeoutMs: true,
  connections: true,
} satisfies Record<keyof RegistrarLimits, true>;

const COORDINATOR_LIMITS = {
  connections: true,
  connectionsPerAddress: true,
  helloTimeoutMs: true,
  frameBytes: true,
  waitingMessages: true,
  messagesPerConnection: true,
  pingIntervalMs: true,
  closeTimeoutMs: true,
  uploadCredits: true,
} satisfies Record<keyof Limits, true>;

const SECTIONS = {
  registrar: {
    host: text,
    port: integer(0, 65_535),
    key: path,
    store: path,
    epochLengthMs: integer(1000, Number.MAX_SAFE_INTEGER),
    manifests: paths,
    limits: integers(Object.keys(REGISTRAR_LIMITS) as (keyof RegistrarLimits)[]),
  },
  coordinator: {
    host: text,
    port: integer(0, 65_535),
    key: path,
    registrarUrl: text,
    resultsDir: path,
    exportRounds: boolean,
    manifests: paths,
    durations: integers(Object.keys(DEFAULT_DURATIONS) as (keyof typeof DEFAULT_DURATIONS)[]),
    limits: integers(Object.keys(COORDINATOR_LIMITS) as (keyof Limits)[]),
  },
  device: {
    manifest: path,
    publisher: text,
    registrarUrl: text,
    store: path,
  },
} as const;

type Sections = typeof SECTIONS;
type SectionName = keyof Sections;
/** Every line of a section may be left out: a flag can stand in for it. */
export type Section<S extends SectionName> = {
  readonly [K in keyof Sections[S]]?: Sections[S][K] extends Reader<infer T> ? T : never;
};

export type Configuration = { readonly [S in SectionName]: Section<S> };

/**
 * @param file - undefined: `onlysum.yaml` of `cwd` if there is one, else an empty configuration.
 * @throws {UsageError} `file-unreadable`, `file-invalid`, `config-invalid` with the name of the line.
 */
export function loadConfiguration(file: string | undefined, cwd: string): Configuration {
  const path = resolve(cwd, file ?? CONFIGURATION_FILE);
  if (file === undefined && !existsSync(path))
    return { registrar: {}, coordinator: {}, device: {} };
  const value = readYaml(path);
  return inFile(path, () => parseConfiguration(value, dirname(path)));
}

/** @param directory - what paths are relative to. @throws {UsageError} `config-invalid`. */
export function parseConfiguration(value: unknown, directory: string): Configuration {
  // A file of comments only is null.
  const sections = record('configuration', value ?? {}, Object.keys(SECTIONS));
  const section = <S extends SectionName>(name: S): Section<S> => {
    const readers: Readonly<Record<string, Reader<unknown>>> = SECTIONS[name];
    const lines = record(name, sections[name] ?? {}, Object.keys(readers));
    const read = Object.entries(lines).map(([key, line]) => {
      const reader = readers[key];
      return [key, reader?.(`${name}.${key}`, line, directory)] as const;
    });
    return Object.fromEntries(read) as Section<S>;
  };
  return {
    registrar: section('registrar'),
    coordinator: section('coordinator'),
    device: section('device'),
  };
}

function text(field: string, value: unknown): string {
  if (typeof value !== 'string' || value === '') throw invalid(field, 'a text', value);
  return value;
}

function boolean(field: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw invalid(field, 'true or false', value);
  return value;
}

function path(field: string, value: unknown, directory: string): string {
  if (typeof value !== 'string' || value === '') throw invalid(field, 'a path', value);
  return resolve(directory, value);
}

function paths(field: string, value: unknown, directory: string): readonly string[] {
  if (!Array.isArray(value) || value.length === 0) {
    throw invalid(field, 'a list of at least one path', value);
  }
  return value.map((item, i) => path(`${field}[${i}]`, item, directory));
}

function integer(least: number, most: number): Reader<number> {
  return (field, value) => {
    if (Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most) {
      return Number(value);
    }
    const range = most === Number.MAX_SAFE_INTEGER ? `≥ ${least}` : `from ${least} to ${most}`;
    throw invalid(field, `an integer ${range}`, value);
  };
}

function integers<K extends string>(known: readonly K[]): Reader<{ readonly [P in K]?: number }> {
  const positive = integer(1, Number.MAX_SAFE_INTEGER);
  return (field, value, directory) => {
    const lines = Object.entries(record(field, value ?? {}, known));
    const read = lines.map(([key, line]) => [key, positive(`${field}.${key}`, line, directory)]);
    return Object.fromEntries(read) as { readonly [P in K]?: number };
  };
}

function record(field: string, value: unknown, known: readonly string[]): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(field, `lines of ${known.join(', ')}`, value);
  }
  for (const name of Object.keys(value)) {
    if (!known.includes(name)) throw invalid(field, `only ${known.join(', ')}`, name);
  }
  return value as Record<string, unknown>;
}

function invalid(field: string, expected: string, got: unknown): UsageError {
  return invalidField(UsageError, 'config-invalid', field, expected, got);
}
