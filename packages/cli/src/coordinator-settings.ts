/** What a coordinator runs with: lines of onlysum.yaml, overridden by flags. */
import { dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import {
  type Configuration,
  type KeySources,
  loadConfiguration,
  type Section,
  type StoreSetting,
} from './configuration.js';
import {
  given,
  pathFlag,
  portFlag,
  REQUIRED,
  registrarUrlFlag,
  repeated,
  required,
} from './flags.js';
import {
  DEFAULT_HOST,
  DEFAULT_LOG_LEVEL,
  embeddedRegistrarSettings,
  type LogLevel,
  type RegistrarSettings,
} from './registrar-settings.js';
import type { Terminal } from './terminal.js';

export interface CoordinatorFlags {
  readonly config?: string;
  readonly host?: string;
  readonly port?: number;
  readonly key?: string;
  readonly registrarUrl?: string;
  readonly embedRegistrar?: true;
  readonly resultsDir?: string;
  readonly exportRounds?: true;
  readonly manifest?: string[];
  readonly json?: true;
}

export interface CoordinatorSettings {
  readonly host: string;
  readonly port: number;
  readonly key: string;
  /** Where the registrar is, or what to run it with in this process. */
  readonly registrar: { readonly url: string } | { readonly embedded: RegistrarSettings };
  /** Of the durable record. */
  readonly store: StoreSetting;
  /** What results are sealed with: keys that lie elsewhere, or a file that is made if it is not there. */
  readonly resultsKey: KeySources | { readonly keyFile: string };
  readonly resultsDir: string | undefined;
  readonly exportRounds: boolean;
  readonly manifests: readonly string[];
  readonly durations: NonNullable<Section<'coordinator'>['durations']>;
  readonly limits: NonNullable<Section<'coordinator'>['limits']>;
  readonly metrics: boolean;
  readonly admin: Section<'coordinator'>['admin'];
  readonly tls: Section<'coordinator'>['tls'];
  readonly trustProxy: readonly string[];
  readonly overSelection: boolean | undefined;
  readonly logLevel: LogLevel;
}

export const DEFAULT_COORDINATOR_PORT = 8787;
/** Needed beside a database. */
export const RESULTS_KEY_LINE = 'coordinator.resultsKey';

export function addCoordinatorFlags(command: Command, { cwd }: Terminal): Command {
  return command
    .option('--config <file>', 'configuration (default: onlysum.yaml if there is one)')
    .option('--host <address>', `address to listen on (default: ${DEFAULT_HOST})`)
    .option('--port <port>', `port, 0 for any (default: ${DEFAULT_COORDINATOR_PORT})`, portFlag)
    .option('--key <file>', `coordinator's key file ${REQUIRED}`, pathFlag('--key', cwd))
    .option(
      '--registrar-url <url>',
      `where the registrar is ${REQUIRED}`,
      registrarUrlFlag('--registrar-url'),
    )
    .option(
      '--embed-registrar',
      'run the registrar in this process, to try things out: it gives up the separation of duties',
    )
    .option('--results-dir <folder>', 'one JSON file a round', pathFlag('--results-dir', cwd))
    .option('--export-rounds', 'write the record of each round beside its result (audit round)')
    .option(
      '--manifest <file>',
      `signed manifest to serve; may be repeated ${REQUIRED}`,
      repeated(pathFlag('--manifest', cwd)),
    );
}

/** @throws {UsageError} `setting-missing`, or as `loadConfiguration`. */
export function coordinatorSettings(
  flags: CoordinatorFlags,
  terminal: Terminal,
): CoordinatorSettings {
  const configuration = loadConfiguration(flags.config, terminal.cwd);
  const lines: Section<'coordinator'> = {
    ...configuration.coordinator,
    ...given({
      host: flags.host,
      port: flags.port,
      key: flags.key,
      registrarUrl: flags.registrarUrl,
      resultsDir: flags.resultsDir,
      exportRounds: flags.exportRounds,
      manifests: flags.manifest,
    }),
  };
  const store = coordinatorStore(configuration, flags.config, terminal.cwd);
  const registrarUrl = () =>
    required(lines.registrarUrl, '--registrar-url', 'coordinator.registrarUrl');
  return {
    host: lines.host ?? DEFAULT_HOST,
    port: lines.port ?? DEFAULT_COORDINATOR_PORT,
    key: required(lines.key, '--key', 'coordinator.key'),
    registrar:
      flags.embedRegistrar === true
        ? { embedded: embeddedRegistrarSettings(configuration) }
        : { url: registrarUrl() },
    store,
    resultsKey: lines.resultsKey ?? besideStore(store),
    resultsDir: lines.resultsDir,
    exportRounds: lines.exportRounds ?? false,
    manifests: required(lines.manifests, '--manifest', 'coordinator.manifests'),
    durations: lines.durations ?? {},
    limits: lines.limits ?? {},
    metrics: lines.metrics ?? false,
    admin: lines.admin,
    tls: lines.tls,
    trustProxy: lines.trustProxy ?? [],
    overSelection: lines.overSelection,
    logLevel: configuration.log.level ?? DEFAULT_LOG_LEVEL,
  };
}

/** @param config - where the configuration was asked for: by default, the store is beside it. */
export function coordinatorStore(
  { coordinator }: Configuration,
  config: string | undefined,
  cwd: string,
): StoreSetting {
  return coordinator.store ?? { lmdb: join(directoryOf(config, cwd), 'coordinator-store') };
}

/** A database has no place beside it, and several machines may share it. */
function besideStore(store: StoreSetting): { readonly keyFile: string } {
  if ('lmdb' in store) return { keyFile: `${store.lmdb}.key` };
  return required<{ readonly keyFile: string }>(undefined, undefined, RESULTS_KEY_LINE);
}

/** Where the configuration lies, or would. */
function directoryOf(config: string | undefined, cwd: string): string {
  return config === undefined ? cwd : dirname(resolve(cwd, config));
}
