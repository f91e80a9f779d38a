/**
 * What a coordinator keeps beyond its rounds: tasks and whether they are stopped, windows, ends of
 * rounds, results and their retention. Put together over one store.
 * Knows: the order of start and end. Doesn't know: devices, sockets.
 * Invariant: what was left open by an earlier process is put right before the first device comes.
 */
import { parseHex, toHex } from '@onlysum/crypto';
import { type RoundRecord, signAuditHead } from '@onlysum/protocol';
import { type AuditEvent, type AuditHead, headBytes } from '@onlysum/service';
import { type Task, verifySignedManifest, type Window } from '@onlysum/task';
import { CLOSED, STARTED } from './audit-backwards.js';
import { KillSwitch } from './kill-switch.js';
import { errorFields } from './log.js';
import { endLostRounds } from './lost-rounds.js';
import type { Settings } from './options.js';
import { cohortSize, DropoutRate } from './over-selection.js';
import type { PublishedResult } from './published-result.js';
import { Retention, RETENTION_INTERVAL_MS } from './retention.js';
import { ResultFolder } from './result-folder.js';
import { RoundLedger, SYSTEM } from './round-ledger.js';
import { checkSealKeys } from './sealing.js';
import type { RoundOutcome, WindowName } from './store/records.js';
import type { WindowReport } from './window-report.js';
import { Windows } from './windows.js';

export interface BookkeepingHost {
  /** Ends a task's rounds. */
  onStopped(taskId: string, detail: string): void;
  /** Whether a window has rounds under way. */
  hasRounds(name: WindowName): boolean;
  onWindow(report: WindowReport): Promise<void>;
  /** A result that an earlier process stored and did not write to `resultsDir`. */
  onMissing(result: PublishedResult, record: RoundRecord | undefined): Promise<void>;
}

/** How often windows and the kill switch are looked at. */
const TICK_MS = 500;

export class Bookkeeping {
  readonly ledger: RoundLedger;
  readonly windows: Windows;
  readonly killSwitch: KillSwitch;
  readonly #settings: Settings;
  readonly #retention: Retention;
  readonly #folder: ResultFolder | undefined;
  /** Served, and those that were once. */
  readonly #tasks = new Map<string, Task>();
  readonly #dropout = new Map<string, DropoutRate>();
  readonly #timers: NodeJS.Timeout[] = [];
  /** Housekeeping that is being done; never rejects. */
  #working: Promise<void> = Promise.resolve();

  constructor(settings: Settings, host: BookkeepingHost) {
    const { store, sealing, now, log, suite, seed } = settings;
    this.#settings = settings;
    const tasks = this.#tasks;
    const onClosed = (outcome: RoundOutcome) => this.#dropout.get(outcome.taskId)?.add(outcome);
    const signHead = (round: string, head: AuditHead) =>
      signAuditHead(suite, seed, 'coordinator', parseHex('round', round, 16), headBytes(head));
    const isStopped = (taskId: string) => this.killSwitch.reasonFor(taskId) !== undefined;
    this.ledger = new RoundLedger({ store, sealing, now, log, signHead, isStopped, onClosed });
    this.killSwitch = new KillSwitch(store, (taskId, detail) => {
      log.warn({ taskId, detail }, 'task stopped');
      host.onStopped(taskId, detail);
    });
    this.windows = new Windows({
      ...{ store, sealing, tasks, now, log },
      isStopped,
      isBusy: (name) => host.hasRounds(name) || this.ledger.isBusy(name),
      onDecided: (report) => host.onWindow(report),
    });
    this.#retention = new Retention({
      ...{ store, sealing, tasks, now, log },
      onDeleted: async (task, result) => this.#folder?.remove(task, result),
      onTrimmed: async (task, result) => this.#folder?.replace(task, result),
    });
    const { resultsDir, exportRounds } = settings;
    if (resultsDir === undefined) return;
    this.#folder = new ResultFolder({
      ...{ directory: resultsDir, exportRounds, store, sealing, tasks, log },
      windows: this.windows,
      write: (result, record) => host.onMissing(result, record),
      writeWindow: (report) => host.onWindow(report),
    });
  }

  /** @throws {UsageError} `seal-key-unknown`, `store-unavailable`, `store-conflict`. */
  async start(): Promise<void> {
    const { store, sealing, tasks, log } = this.#settings;
    await checkSealKeys(store, sealing);
    for (const task of tasks) await this.#recordTask(task);
    for (const { taskId, signedManifest } of await store.tasks()) {
      if (this.#tasks.has(taskId)) continue;
      const signed: unknown = JSON.parse(signedManifest);
      this.#tasks.set(taskId, verifySignedManifest(this.#settings.suite, signed));
    }
    const lost = await endLostRounds(store, this.ledger);
    if (lost > 0) log.warn({ rounds: lost }, 'rounds were lost when the coordinator last ended');
    await store.appendAudit([this.#started()]);
    for (const task of tasks) {
      const taskId = toHex(task.taskId);
      this.#dropout.set(taskId, await DropoutRate.of(store, taskId));
    }
    await this.killSwitch.refresh();
    await this.windows.load();
    await this.#keepRetention();
    // After retention: nothing is written whose time is over.
    await this.#folder?.catchUp();
    await this.#tick();
    this.#every(TICK_MS, () => this.#tick());
    this.#every(RETENTION_INTERVAL_MS, () => this.#keepRetention());
  }

  /** What retention found that no key here opens. */
  get sealedAway(): Pick<Retention, 'unknownKeys' | 'unopenable'> {
    return this.#retention;
  }

  /** How many devices close a cohort of this task now. */
  cohortSize(task: Task): number {
    const rate = this.#dropout.get(toHex(task.taskId))?.rate ?? 0;
    return cohortSize(task, this.#settings.overSelection ? rate : 0);
  }

  openWindow(task: Task, window: Window): Promise<void> {
    return this.windows.open(task, window);
  }

  /** What could not be written to `resultsDir`: the next process makes up for it. Never rejects. */
  async noteUnwritten(event: AuditEvent): Promise<void> {
    const { store, log } = this.#settings;
    await store
      .appendAudit([event])
      .catch((error: unknown) => log.error(errorFields(error), 'a missing file is not recorded'));
  }

  /** After the last round: what is being written is waited for. */
  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await this.#working;
    await this.ledger.settled();
    await this.#settings.store
      .appendAudit([{ action: CLOSED, actor: SYSTEM, outcome: 'done' }])
      .catch((error: unknown) => this.#settings.log.error(errorFields(error), 'end not recorded'));
  }

  /** What decides who can read what: a change of it is seen between two starts. */
  #started(): AuditEvent {
    const { suite, seed, tasks, sealing, resultsDir, exportRounds, overSelection } = this.#settings;
    const [keyId = sealing.keyId, ...olderKeyIds] = sealing.keyIds;
    const details = {
      publicKey: toHex(suite.ed25519PublicKey(seed)),
      tasks: tasks.map(({ manifest: { name, version } }) => `${name} v${version}`).join(', '),
      keyId,
      olderKeyIds: olderKeyIds.join(', '),
      resultFiles: resultsDir !== undefined,
      exportRounds,
      overSelection,
    };
    return { action: STARTED, actor: SYSTEM, outcome: 'done', details };
  }

  async #recordTask(task: Task): Promise<void> {
    const taskId = toHex(task.taskId);
    const { name, version } = task.manifest;
    this.#tasks.set(taskId, task);
    // The canonical bytes are JSON: the same text whoever wrote the file.
    const manifest = new TextDecoder().decode(task.bytes);
    const signedManifest = `{"manifest":${manifest},"signature":"${toHex(task.signature)}"}`;
    await this.#settings.store.recordTask({ taskId, name, version, signedManifest }, [
      {
        ...{ action: 'task.recorded', actor: SYSTEM, subject: taskId, outcome: 'done' },
        details: { name, version },
      },
    ]);
  }

  /** One thing after the other; what still waits when its time comes again is done once. */
  #every(ms: number, run: () => Promise<void>): void {
    let isWaiting = false;
    const timer = setInterval(() => {
      if (isWaiting) return;
      isWaiting = true;
      this.#working = this.#working.then(run).finally(() => (isWaiting = false));
    }, ms);
    timer.unref();
    this.#timers.push(timer);
  }

  async #tick(): Promise<void> {
    const { log, tasks } = this.#settings;
    try {
      await this.killSwitch.refresh();
    } catch (error) {
      log.error(errorFields(error), 'stopped tasks are not known');
    }
    await this.windows.tick(tasks);
  }

  async #keepRetention(): Promise<void> {
    await this.#retention.run();
    await this.#folder?.sweep();
  }
}
