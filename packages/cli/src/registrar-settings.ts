/** What a registrar runs with: lines of onlysum.yaml, overridden by flags. */
import type { Command } from 'commander';
import {
  type Configuration,
  loadConfiguration,
  type Section,
  type StoreSetting,
} from './configuration.js';
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
  readonly store: StoreSetting;
  readonly epochLengthMs: number | undefined;
  readonly manifests: readonly string[];
  readonly limits: NonNullable<Section<'registrar'>['limits']>;
  readonly metrics: boolean;
  readonly logLevel: LogLevel;
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

export type LogLevel = NonNullable<Section<'log'>['level']>;

export const DEFAULT_HOST = '127.0.0.1';
export const DEFAULT_REGISTRAR_PORT = 8788;
export const DEFAULT_LOG_LEVEL = 'info';

export function addRegistrarFlags(command: Command, { cwd }: Terminal): Command {
  return command
    .option('--config <file>', 'configuration (default: onlysum.yaml if there is one)')
    .option('--host <address>', `address to listen on (default: ${DEFAULT_HOST})`)
    .option('--port <port>', `port, 0 for any (default: ${DEFAULT_REGISTRAR_PORT})`, portFlag)
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
  const configuration = loadConfiguration(flags.config, terminal.cwd);
  const lines = {
    ...configuration.registrar,
    ...given({
      host: flags.host,
      port: flags.port,
      key: flags.key,
      previousKeys: flags.previousKey,
      epochLengthMs: flags.epochLengthMs,
      manifests: flags.manifest,
    }),
    ...(flags.store === undefined ? {} : { store: { lmdb: flags.store } }),
  };
  return complete({ ...configuration, registrar: lines }, (flag) => flag);
}

/** For a registrar in the coordinator's process, whose flags are the coordinator's. @throws as above. */
export function embeddedRegistrarSettings(configuration: Configuration): RegistrarSettings {
  return complete(configuration, () => undefined);
}

function complete(
  configuration: Configuration,
  flagFor: (flag: string) => string | undefined,
): RegistrarSettings {
  const { registrar: lines, log } = configuration;
  return {
    host: lines.host ?? DEFAULT_HOST,
    port: lines.port ?? DEFAULT_REGISTRAR_PORT,
    key: required(lines.key, flagFor('--key'), 'registrar.key'),
    keyLabel: flagFor('--key') ?? 'registrar.key',
    previousKeys: lines.previousKeys ?? [],
    store: required(lines.store, flagFor('--store'), 'registrar.store'),
    epochLengthMs: lines.epochLengthMs,
    manifests: required(lines.manifests, flagFor('--manifest'), 'registrar.manifests'),
    limits: lines.limits ?? {},
    metrics: lines.metrics ?? false,
    logLevel: log.level ?? DEFAULT_LOG_LEVEL,
    tokens: lines.tokens ?? [],
    optional: Object.fromEntries(
      OPTIONAL.filter((name) => lines[name] !== undefined).map((name) => [name, lines[name]]),
    ),
  };
}
