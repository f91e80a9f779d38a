/**
 * What a coordinator is started with, checked as a whole before anything listens.
 * Invariant: `Settings` hold together: keys match tasks, every number is in range, limits fit tasks.
 */
import { type Rng, type Suite, systemRng } from '@onlysum/crypto';
import { UsageError, describe, equalBytes, invalidField, toHex } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import { DEFAULT_DURATIONS, type StageDurations } from '@onlysum/protocol';
import { parseTrustedProxies, type TrustedProxies } from '@onlysum/service';
import type { Task } from '@onlysum/task';
import type { LevelWithSilent, Logger } from 'pino';
import { type AdminOptions, type AdminSettings, checkAdminOptions } from './admin/admin-options.js';
import { DEFAULT_LIMITS, type Limits, largestFrameBytes } from './limits.js';
import { coordinatorLog } from './log.js';
import type { PublishedResult } from './published-result.js';
import type { RegistrarPort } from './registrar-port.js';
import { freshSealing, type ResultSealing } from './sealing.js';
import type { CoordinatorStore } from './store/coordinator-store.js';
import { memoryCoordinatorStore } from './store/memory-store.js';
import type { TlsFiles } from './tls.js';

export interface CoordinatorOptions {
  /** Tasks to serve, each with this coordinator's key in its manifest. */
  readonly tasks: readonly Task[];
  /** Ed25519 seed of the coordinator, 32 bytes; borrowed, and needed until `close` has resolved. */
  readonly seed: Uint8Array;
  /** An embedded registrar, or {@link httpRegistrar}. */
  readonly registrar: RegistrarPort;
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** How long each stage of a round may last. */
  readonly durations?: Partial<StageDurations>;
  readonly limits?: Partial<Limits>;
  /** Where each result is written as one JSON file. Made if it is not there. */
  readonly resultsDir?: string;
  /**
   * Whether each result comes with its round record, from which anyone can open the sum again. It says as
   * much as all lanes do, whoever may read which; kept under the seal of its sum and written beside the
   * result. Default: no.
   */
  readonly exportRounds?: boolean;
  /**
   * Where tasks, windows, rounds and results are kept; the caller closes it after the coordinator.
   * Default: in memory, gone with the process.
   */
  readonly store?: CoordinatorStore;
  /** Seals results in the store. Default: under a key that is gone with the process. */
  readonly sealing?: ResultSealing;
  /** Whether cohorts close larger by what recent rounds lost, so that `target` devices stay. Default: yes. */
  readonly overSelection?: boolean;
  /** The listener for operators, apart from that of devices. Default: none. */
  readonly admin?: AdminOptions;
  /** Certificate and key of the listener for devices. Default: plain, for a proxy that ends TLS. */
  readonly tls?: TlsFiles;
  /**
   * Addresses or networks (CIDR) of proxies before the listener for devices, whose `X-Forwarded-For` is
   * believed. Default: none.
   */
  readonly trustProxy?: readonly string[];
  /** Called with each result, after it was written. Its failures are logged and go no further. */
  readonly onResult?: (result: PublishedResult) => void | Promise<void>;
  /** Default: node:crypto. */
  readonly suite?: Suite;
  readonly rng?: Rng;
  /** Unix time in milliseconds. */
  readonly now?: () => number;
  /** Default: to standard error. */
  readonly logger?: Logger;
  /** The finest that is written, unless there is a `logger`. Default: info. */
  readonly logLevel?: LevelWithSilent;
  /** Whether `/metrics` answers, to whoever reaches the port. Default: no. */
  readonly metrics?: boolean;
}

/** What an operator may set of it, beside keys, tasks, stores and what else it works with. */
export type CoordinatorOperatorOptions = Pick<
  CoordinatorOptions,
  | 'host'
  | 'port'
  | 'durations'
  | 'limits'
  | 'resultsDir'
  | 'exportRounds'
  | 'overSelection'
  | 'admin'
  | 'trustProxy'
>;

export interface Settings {
  /** By path of the coordinator's URL, then by hex task id. */
  readonly tasksByPath: ReadonlyMap<string, ReadonlyMap<string, Task>>;
  readonly tasks: readonly Task[];
  readonly seed: Uint8Array;
  readonly registrar: RegistrarPort;
  readonly host: string;
  readonly port: number;
  readonly durations: StageDurations;
  readonly limits: Limits;
  readonly resultsDir: string | undefined;
  readonly exportRounds: boolean;
  readonly store: CoordinatorStore;
  readonly sealing: ResultSealing;
  /** Whether that was given: otherwise its key ends with the process. */
  readonly hasResultsKey: boolean;
  readonly overSelection: boolean;
  readonly admin: AdminSettings | undefined;
  readonly tls: TlsFiles | undefined;
  /** Before the listener for devices. */
  readonly proxies: TrustedProxies;
  readonly onResult: CoordinatorOptions['onResult'];
  readonly suite: Suite;
  readonly rng: Rng;
  readonly now: () => number;
  readonly log: Logger;
  readonly hasMetrics: boolean;
}

const SEED_BYTES = 32;
/** The most a timer can wait, and the longest a roster may stay open. */
const MOST_MS = 24 * 3_600_000;

/** @throws {UsageError} `argument-invalid`, `task-mismatch`, `tls-required`. */
export function checkOptions(options: CoordinatorOptions): Settings {
  const { tasks, seed, registrar, onResult } = options;
  const suite = options.suite ?? nativeSuite;
  if (!(seed instanceof Uint8Array) || seed.length !== SEED_BYTES) {
    // Never described: what came may be a seed in another form.
    throw new UsageError('argument-invalid', `seed: expected ${SEED_BYTES} bytes`, {
      field: 'seed',
    });
  }
  if (typeof registrar?.attest !== 'function') {
    throw invalid('registrar', 'an object with attest()', registrar);
  }
  if (options.store !== undefined && typeof options.store?.closeRound !== 'function') {
    throw invalid('store', 'a CoordinatorStore, e.g. memoryCoordinatorStore()', options.store);
  }
  if (options.sealing !== undefined && typeof options.sealing?.seal !== 'function') {
    throw new UsageError('argument-invalid', 'sealing: expected an object with seal() and open()', {
      field: 'sealing',
    });
  }
  const now = options.now ?? Date.now;
  checkKeys(tasks, suite.ed25519PublicKey(seed));
  return {
    ...checkOperatorOptions(options, tasks),
    tasksByPath: groupByPath(tasksById(tasks)),
    tasks,
    seed,
    registrar,
    store: options.store ?? memoryCoordinatorStore({ suite, now }),
    sealing: options.sealing ?? freshSealing(suite),
    hasResultsKey: options.sealing !== undefined,
    tls: options.tls,
    onResult,
    suite,
    rng: options.rng ?? systemRng,
    now,
    log: coordinatorLog(options.logger, options.logLevel),
    hasMetrics: options.metrics ?? false,
  };
}

type OperatorSettings = Pick<
  Settings,
  | 'host'
  | 'port'
  | 'durations'
  | 'limits'
  | 'resultsDir'
  | 'exportRounds'
  | 'overSelection'
  | 'admin'
  | 'proxies'
>;

/**
 * As {@link startCoordinator} checks them, for whoever only looks at a configuration: reads no file.
 *
 * @param tasks - each once, and its largest message fits into a frame.
 * @throws {UsageError} `argument-invalid`, `tls-required`.
 */
export function checkOperatorOptions(
  options: CoordinatorOperatorOptions,
  tasks: readonly Task[],
): OperatorSettings {
  const { host, port, resultsDir, exportRounds = false, overSelection = true } = options;
  if (typeof host !== 'string' || host === '') throw invalid('host', 'a host name', host);
  if (!isIntegerIn(port, 0, 65_535)) throw invalid('port', 'an integer from 0 to 65535', port);
  if (typeof exportRounds !== 'boolean' || (exportRounds && resultsDir === undefined)) {
    throw invalid('exportRounds', 'true or false, true only with resultsDir', exportRounds);
  }
  if (typeof overSelection !== 'boolean') {
    throw invalid('overSelection', 'true or false', overSelection);
  }
  const limits = merged('limits', DEFAULT_LIMITS, options.limits, Number.MAX_SAFE_INTEGER);
  for (const name of ['helloTimeoutMs', 'pingIntervalMs', 'closeTimeoutMs'] as const) {
    checkNumber(`limits.${name}`, limits[name], MOST_MS);
  }
  for (const task of tasksById(tasks).values()) checkFrames(task, limits);
  return {
    host,
    port,
    durations: merged('durations', DEFAULT_DURATIONS, options.durations, MOST_MS),
    limits,
    resultsDir,
    exportRounds,
    overSelection,
    admin: options.admin === undefined ? undefined : checkAdminOptions(options.admin),
    proxies: parseTrustedProxies(options.trustProxy ?? []),
  };
}

function checkFrames(task: Task, { frameBytes }: Limits): void {
  const needed = largestFrameBytes(task);
  if (needed <= frameBytes) return;
  const expected = `at least ${needed} bytes, the largest message of ${task.manifest.name}`;
  throw invalid('limits.frameBytes', expected, frameBytes);
}

function checkKeys(tasks: readonly Task[], publicKey: Uint8Array): void {
  if (!Array.isArray(tasks) || tasks.length === 0) {
    throw invalid('tasks', 'at least one task', tasks);
  }
  tasks.forEach(({ manifest, coordinatorKey }: Task, i) => {
    if (equalBytes(coordinatorKey, publicKey)) return;
    const expected = `the coordinator key of ${manifest.name}, ${manifest.coordinator.key}`;
    throw invalidKey(`tasks[${i}]`, expected, toHex(publicKey));
  });
}

function tasksById(tasks: readonly Task[]): Map<string, Task> {
  const byId = new Map<string, Task>();
  tasks.forEach((task, i) => {
    const { name, version } = task.manifest;
    const id = toHex(task.taskId);
    if (byId.has(id)) {
      throw invalid(`tasks[${i}]`, 'a task not listed before', `${name} v${version}`);
    }
    byId.set(id, task);
  });
  return byId;
}

function groupByPath(tasks: ReadonlyMap<string, Task>): Map<string, Map<string, Task>> {
  const paths = new Map<string, Map<string, Task>>();
  for (const [id, task] of tasks) {
    const path = taskPath(task);
    const here = paths.get(path) ?? new Map<string, Task>();
    paths.set(path, here.set(id, task));
  }
  return paths;
}

/** The path at which devices of this task connect. */
export function taskPath(task: Task): string {
  return new URL(task.manifest.coordinator.url).pathname;
}

/** Defaults overwritten by what was given; unknown names and anything but whole numbers ≥ 1 refused. */
function merged<T extends object>(
  field: string,
  defaults: T,
  given: Partial<T> | undefined,
  most: number,
): T {
  for (const [name, value] of Object.entries(given ?? {})) {
    if (!Object.hasOwn(defaults, name)) {
      const expected = `one of ${Object.keys(defaults).join(', ')}`;
      throw invalid(`${field}.${name}`, expected, name);
    }
    checkNumber(`${field}.${name}`, value, most);
  }
  return { ...defaults, ...given };
}

function checkNumber(field: string, value: unknown, most: number): void {
  if (!isIntegerIn(value, 1, most)) throw invalid(field, `an integer from 1 to ${most}`, value);
}

function isIntegerIn(value: unknown, least: number, most: number): boolean {
  return Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most;
}

function invalid(field: string, expected: string, got: unknown): UsageError {
  return invalidField(UsageError, 'argument-invalid', field, expected, got);
}

function invalidKey(field: string, expected: string, got: string): UsageError {
  return new UsageError(
    'task-mismatch',
    `${field}: expected ${expected}, got ${describe(got)}: the key given is another coordinator's`,
    { field, expected, got },
  );
}
