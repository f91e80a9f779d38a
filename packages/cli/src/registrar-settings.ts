/** What a registrar runs with: lines of onlysum.yaml, overridden by flags. */
import type { Command } from 'commander';
import { loadConfiguration, type Section } from './configuration.js';
import { given, integerFlag, pathFlag, portFlag, REQUIRED, repeated, required } from './flags.js';
import type { Terminal } from './terminal.js';

export interface RegistrarFlags {
  readonly config?: string;
  readonly host?: string;
  readonly port?: number;
  readonly key?: string;
  readonly previousKey?: string[];
  readonly store?: string;
  readonly epochLengthMs?: number;
  readonly manifest?: string[];
  readonly json?: true;
}

export interface RegistrarSettings {
  readonly host: string;
  readonly port: number;
  readonly key: string;
  /** The flag or line that gives the key, for errors. */
  readonly keyLabel: string;
  readonly previousKeys: readonly string[];
  readonly store: string;
  readonly epochLengthMs: number | undefined;
  readonly manifests: readonly string[];
  readonly limits: NonNullable<Section<'registrar'>['limits']>;
  readonly tokens: NonNullable<Section<'registrar'>['tokens']>;
  /** What is left to the registrar's own defaults where it is missing. */
  readonly optional: Pick<Section<'registrar'>, (typeof OPTIONAL)[number]>;
}

const OPTIONAL = [
  'tokenLimits',
  'rateLimits',
  'trustProxy',
  'ledgerRetentionDays',
  'auditRetentionDays',
] as const;

export const DEFAULT_HOST = '127.0.0.1';
const DEFAULT_PORT = 8788;

export function addRegistrarFlags(command: Command, { cwd }: Terminal): Command {
  return command
    .option('--config <file>', 'configuration (default: onlysum.yaml if there is one)')
    .option('--host <address>', `address to listen on (default: ${DEFAULT_HOST})`)
    .option('--port <port>', `port, 0 for any (default: ${DEFAULT_PORT})`, portFlag)
    .option('--key <file>', `registrar's key file ${REQUIRED}`, pathFlag('--key', cwd))
    .option(
      '--previous-key <file>',
      'key file from before a rotation; may be repeated',
      repeated(pathFlag('--previous-key', cwd)),
    )
    .option(
      '--store <folder>',
      `folder of the durable record ${REQUIRED}`,
      pathFlag('--store', cwd),
    )
    .option(
      '--epoch-length-ms <ms>',
      'length of an epoch (default: that of the first manifest)',
      integerFlag('--epoch-length-ms', 1000, Number.MAX_SAFE_INTEGER),
    )
    .option(
      '--manifest <file>',
      `signed manifest to attest for; may be repeated ${REQUIRED}`,
      repeated(pathFlag('--manifest', cwd)),
    );
}

/** @throws {UsageError} `setting-missing`, or as `loadConfiguration`. */
export function registrarSettings(flags: RegistrarFlags, terminal: Terminal): RegistrarSettings {
  const { registrar } = loadConfiguration(flags.config, terminal.cwd);
  const lines = {
    ...registrar,
    ...given({
      host: flags.host,
      port: flags.port,
      key: flags.key,
      previousKeys: flags.previousKey,
      store: flags.store,
      epochLengthMs: flags.epochLengthMs,
      manifests: flags.manifest,
    }),
  };
  return complete(lines, (flag) => flag);
}

/** For a registrar in another process, whose flags are its own. @throws {UsageError} `setting-missing`. */
export function embeddedRegistrarSettings(lines: Section<'registrar'>): RegistrarSettings {
  return complete(lines, () => undefined);
}

function complete(
  lines: Section<'registrar'>,
  flagFor: (flag: string) => string | undefined,
): RegistrarSettings {
  return {
    host: lines.host ?? DEFAULT_HOST,
    port: lines.port ?? DEFAULT_PORT,
    key: required(lines.key, flagFor('--key'), 'registrar.key'),
    keyLabel: flagFor('--key') ?? 'registrar.key',
    previousKeys: lines.previousKeys ?? [],
    store: required(lines.store, flagFor('--store'), 'registrar.store'),
    epochLengthMs: lines.epochLengthMs,
    manifests: required(lines.manifests, flagFor('--manifest'), 'registrar.manifests'),
    limits: lines.limits ?? {},
    tokens: lines.tokens ?? [],
    optional: Object.fromEntries(
      OPTIONAL.filter((name) => lines[name] !== undefined).map((name) => [name, lines[name]]),
    ),
  };
}
