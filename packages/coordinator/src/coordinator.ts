/**
 * A running coordinator: server, lobby, registrar link, worker and results, put together and taken down
 * in order. Knows: lifetimes. Doesn't know: messages.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { toHex } from '@onlysum/crypto';
import type { RoundRecord } from '@onlysum/protocol';
import { type RunningAdmin, startAdmin } from './admin/admin-server.js';
import type { AdminPorts } from './admin/route.js';
import { Bookkeeping } from './bookkeeping.js';
import { KeyRotation } from './key-rotation.js';
import { Lobby } from './lobby.js';
import { errorFields } from './log.js';
import { Observations } from './observations.js';
import { sumOpener } from './open-sum-pool.js';
import { type CoordinatorOptions, type Settings, checkOptions, taskPath } from './options.js';
import type { PublishedResult } from './published-result.js';
import { coordinatorReadiness } from './readiness.js';
import type { TalliedReason } from './reason-tally.js';
import { registrarLink } from './registrar-link.js';
import { prepareResultsDir, saveRecord, saveResult, saveWindow } from './results.js';
import type { RoundStatus } from './round.js';
import { listen } from './server.js';
import { storeLook } from './store-look.js';
import { resultUnwritten, windowUnwritten } from './unfinished-files.js';
import type { WindowReport } from './window-report.js';

export interface CoordinatorHealth {
  readonly status: 'ok' | 'closing';
  readonly role: 'coordinator';
  /** Whether the registrar is another process. */
  readonly registrar: 'embedded' | 'remote';
  /** Unix time on the coordinator's clock. */
  readonly nowMs: number;
  readonly uptimeMs: number;
  readonly connections: number;
  /** Rounds that still take devices, and rounds past that. */
  readonly gathering: number;
  readonly running: number;
  /** Rounds since the start. */
  readonly opened: number;
  readonly aborted: number;
  /** Those that have not ended, oldest first. */
  readonly rounds: readonly RoundStatus[];
  /** Why rounds ended without a sum, the latest first. */
  readonly aborts: readonly TalliedReason[];
  /** Why devices were sent away or lost, by the stage they were in, the latest first. */
  readonly drops: readonly TalliedReason[];
  /** Results that could not be written to `resultsDir`. */
  readonly unsavedResults: number;
  /** Results that no key here opens, as retention last found. */
  readonly unopenableResults: number;
  readonly tasks: readonly {
    readonly name: string;
    readonly version: number;
    readonly taskId: string;
  }[];
}

export interface RunningCoordinator {
  readonly port: number;
  /** Where devices of the first task reach this process: ws://host:port/path, wss:// with TLS. */
  readonly url: string;
  health(): CoordinatorHealth;
  /**
   * Refuses new devices, lets rounds past gathering end within `graceMs` (default 30 s), then stops
   * them and tells their devices why. Repeated calls share the first one's end.
   */
  close(options?: { readonly graceMs?: number }): Promise<void>;
  /**
   * The kill switch: at once every round of the task ends, at whatever stage, and no device is taken until
   * {@link resumeTask}, also after a restart. Nothing of it is opened any more.
   *
   * @param taskId - hex.
   * @param reason - devices are told.
   * @param actor - for the audit log: who asks for it.
   * @throws {UsageError} `record-missing`; `store-unavailable`: then it is stopped all the same, and
   *   written when the store can be.
   */
  stopTask(taskId: string, reason: string, actor: string): Promise<void>;
  /**
   * @param reason - for the audit log.
   * @throws {UsageError} `record-missing`; `store-unavailable`: then it stays stopped.
   */
  resumeTask(taskId: string, reason: string, actor: string): Promise<void>;
  /**
   * What the store says of a window.
   *
   * @param taskId - hex.
   * @returns undefined if it never opened here.
   * @throws {UsageError} `seal-key-unknown`, `seal-open-failed`, `store-unavailable`.
   */
  windowResult(taskId: string, window: number): Promise<WindowReport | undefined>;
  /** Where the admin API and the dashboard are, without a slash at the end; undefined if they are off. */
  readonly adminUrl: string | undefined;
  /** Reads certificates and keys again at once; they are looked at every few seconds anyway. */
  reloadTls(): void;
}

const DEFAULT_GRACE_MS = 30_000;
/** Closing words to the registrar may take this long. */
const FAREWELL_MS = 2_000;
const SAVE_ATTEMPTS = 3;
const SAVE_PAUSE_MS = 500;

/** Whoever runs it should not have to read manifests to know. */
function warnOfNoNoise({ tasks, log }: Settings): void {
  for (const { manifest, taskId } of tasks) {
    if (manifest.privacy.mechanism !== 'none') continue;
    const { name, version } = manifest;
    const task = { name, version, taskId: toHex(taskId) };
    log.warn({ code: 'noise-off', task }, 'noise is off for this task: its totals are exact');
  }
}

/** @throws {UsageError} `argument-invalid`, `task-mismatch`, `seal-key-unknown`, `store-…`, `listen-failed`. */
export async function startCoordinator(options: CoordinatorOptions): Promise<RunningCoordinator> {
  const settings = checkOptions(options);
  const { log, suite, resultsDir, host } = settings;
  if (resultsDir !== undefined) await prepareResultsDir(resultsDir);
  const startedMs = performance.now();
  const observations = new Observations(settings.now);
  const link = registrarLink(settings.registrar, settings.seed, suite, log, observations.onAnswer);
  const opener = sumOpener(suite.name, log);
  const look = storeLook(settings.store);
  const publishing = new Set<Promise<void>>();
  let unsavedResults = 0;
  let closing: Promise<void> | undefined;

  /** Of the lines of the log about a result. */
  const about = ({ round, task }: PublishedResult) => ({ round, task: task.name });

  const write = async (result: PublishedResult, record: RoundRecord | undefined): Promise<void> => {
    if (resultsDir === undefined) return;
    const of = about(result);
    const isSaved = await save(of, 'result', () => saveResult(resultsDir, result));
    if (!isSaved) unsavedResults++;
    const isWhole =
      record === undefined ||
      (await save(of, 'round record', () => saveRecord(resultsDir, result, record)));
    if (!isSaved || !isWhole) await books.noteUnwritten(resultUnwritten(result.round));
  };

  const publish = async (
    result: PublishedResult,
    record: RoundRecord | undefined,
  ): Promise<void> => {
    await write(result, record);
    try {
      await settings.onResult?.(result);
    } catch (error) {
      log.error({ ...about(result), ...errorFields(error) }, 'onResult failed');
    }
  };

  const save = async (
    of: Readonly<Record<string, string | number>>,
    what: string,
    write: () => Promise<string>,
  ): Promise<boolean> => {
    for (let attempt = 1; attempt <= SAVE_ATTEMPTS; attempt++) {
      try {
        const file = await write();
        log.info({ ...of, file }, `${what} written`);
        return true;
      } catch (error) {
        log.error({ ...of, attempt, ...errorFields(error) }, `${what} not written`);
        if (attempt < SAVE_ATTEMPTS) await sleep(SAVE_PAUSE_MS);
      }
    }
    return false;
  };

  const books: Bookkeeping = new Bookkeeping(settings, {
    onStopped: (taskId, detail) => lobby.stopTask(taskId, detail),
    hasRounds: (name) => lobby.hasRounds(name),
    onMissing: write,
    onWindow: async (report) => {
      if (resultsDir === undefined) return;
      const name = { window: report.window.index, task: report.task.name };
      const isSaved = await save(name, 'window', () => saveWindow(resultsDir, report));
      if (isSaved) return;
      unsavedResults++;
      const { taskId } = report.task;
      await books.noteUnwritten(windowUnwritten({ taskId, window: report.window.index }));
    },
  });
  const lobby: Lobby = new Lobby(settings, link, opener, books, observations, (result, record) => {
    const done = publish(result, record).finally(() => publishing.delete(done));
    publishing.add(done);
  });
  await books.start();

  const health = (): CoordinatorHealth => ({
    status: closing === undefined ? 'ok' : 'closing',
    role: 'coordinator',
    registrar: settings.registrar.greet === undefined ? 'embedded' : 'remote',
    nowMs: settings.now(),
    uptimeMs: Math.round(performance.now() - startedMs),
    connections: server.connections,
    gathering: lobby.gathering,
    running: lobby.running,
    opened: lobby.opened,
    aborted: lobby.aborted,
    rounds: lobby.rounds,
    aborts: observations.aborts.list(),
    drops: observations.drops.list(),
    unsavedResults,
    unopenableResults: books.sealedAway.unopenable,
    tasks: settings.tasks.map(({ manifest, taskId }) => ({
      name: manifest.name,
      version: manifest.version,
      taskId: toHex(taskId),
    })),
  });

  const control: Pick<AdminPorts, 'stopTask' | 'resumeTask' | 'windowResult'> = {
    stopTask: (taskId, reason, actor) => books.killSwitch.stop(taskId, reason, actor),
    resumeTask: (taskId, reason, actor) => books.killSwitch.resume(taskId, reason, actor),
    windowResult: (taskId, window) => books.windows.report({ taskId, window }),
  };
  const release = async (error: unknown): Promise<never> => {
    await admin?.close();
    await books.close();
    throw error;
  };
  let admin: RunningAdmin | undefined;
  if (settings.admin !== undefined) {
    const { store, rng, now } = settings;
    const served = new Set(settings.tasks.map(({ taskId }) => toHex(taskId)));
    const rounds = () => lobby.live();
    const rotation = new KeyRotation(settings);
    const resealResults: AdminPorts['resealResults'] = (...args) => rotation.run(...args);
    const ports = { ...control, store, suite, rng, now, log, served, rounds, resealResults };
    admin = await startAdmin(settings.admin, ports).catch(release);
  }

  const server = await listen(settings, {
    onDevice: (connection, tasks) => lobby.accept(connection, tasks),
    onTurnedAway: (code) => observations.onTurnedAway(code),
    health,
    readiness: () => {
      const { unknownKeys } = books.sealedAway;
      const isClosing = closing !== undefined;
      return coordinatorReadiness(settings, { link, store: look, isClosing, unknownKeys });
    },
    metrics: settings.hasMetrics ? observations.expose(health) : undefined,
  }).catch(release);

  const close = async (graceMs: number): Promise<void> => {
    log.info({ graceMs, running: lobby.running }, 'closing');
    const drained = lobby.close();
    await Promise.race([drained, sleep(graceMs, undefined, { ref: false })]);
    lobby.stop();
    await drained;
    await Promise.race([link.settled(), sleep(FAREWELL_MS, undefined, { ref: false })]);
    link.close();
    await server.close();
    await admin?.close();
    await Promise.all(publishing);
    await books.close();
    await opener.close();
    observations.close();
    log.info('closed');
  };

  const shownHost = host.includes(':') ? `[${host}]` : host;
  const path = settings.tasks[0] === undefined ? '/' : taskPath(settings.tasks[0]);
  const url = `${settings.tls === undefined ? 'ws' : 'wss'}://${shownHost}:${server.port}${path}`;
  log.info({ url }, 'listening');
  warnOfNoNoise(settings);
  // The registrar may start later; nothing waits for it here.
  void link.greet();
  return {
    port: server.port,
    url,
    health,
    ...control,
    adminUrl: admin?.url,
    reloadTls: () => {
      server.reloadTls();
      admin?.reloadTls();
    },
    close: ({ graceMs = DEFAULT_GRACE_MS } = {}) => (closing ??= close(graceMs)),
  };
}
