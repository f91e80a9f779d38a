/**
 * Deleting results by itself: each metric when its retention ends, a result when that of all has.
 * Knows: retentionDays, sums under seal. Doesn't know: who reads results.
 * Invariant: at most an hour after its retention has ended, a metric's lanes are in no result that can be
 * opened; one that cannot does not keep the others.
 */
import type { Task } from '@onlysum/task';
import type { Logger } from 'pino';
import { errorFields } from './log.js';
import type { RoundSum } from './published-result.js';
import { roundEvent } from './round-ledger.js';
import { openSum, sealSum, withoutMetrics } from './sealed-sums.js';
import type { ResultSealing } from './sealing.js';
import type { CoordinatorStore } from './store/coordinator-store.js';
import type { ResultName, StoredResult } from './store/records.js';

export interface RetentionPorts {
  readonly store: CoordinatorStore;
  readonly sealing: ResultSealing;
  /** Served, and those that were once: their results end too. */
  readonly tasks: ReadonlyMap<string, Task>;
  readonly now: () => number;
  readonly log: Logger;
  /** What was written elsewhere of a result that is deleted. */
  readonly onDeleted: (task: Task, result: ResultName) => Promise<void>;
  /** What was written elsewhere of a result that has lost metrics. */
  readonly onTrimmed: (task: Task, result: ResultName) => Promise<void>;
}

export const RETENTION_INTERVAL_MS = 3_600_000;
export const RESULT_TRIMMED = 'result.trimmed';
export const RESULT_DELETED = 'result.deleted';
const DAY_MS = 86_400_000;
const PAGE = 100;

export class Retention {
  readonly #ports: RetentionPorts;
  /** By round: the days of the longest retention that was found to be over in it. */
  readonly #trimmedTo = new Map<string, number>();
  /** By round: what is still to be done elsewhere, as the store has done it. */
  readonly #due = new Map<string, () => Promise<void>>();
  #unknownKeys: readonly string[] = [];
  #unopenable = 0;

  constructor(ports: RetentionPorts) {
    this.#ports = ports;
  }

  /** Of results that could not be opened in the last run: ids of keys that are not given. */
  get unknownKeys(): readonly string[] {
    return this.#unknownKeys;
  }

  /** Results that could not be opened in the last run. */
  get unopenable(): number {
    return this.#unopenable;
  }

  /** What fails is logged, and tried again the next time; the rest goes on. Never rejects. */
  async run(): Promise<void> {
    const unopened: StoredResult[] = [];
    for (const [taskId, task] of this.#ports.tasks) {
      const failed: unknown[] = [];
      const carefully: Carefully = async (run) => {
        try {
          await run();
          return true;
        } catch (error) {
          failed.push(error);
          return false;
        }
      };
      await carefully(() => this.#deleteOld(taskId, task));
      await carefully(() => this.#trim(taskId, task, carefully, unopened));
      for (const [round, run] of this.#due) {
        if (await carefully(run)) this.#due.delete(round);
      }
      if (failed.length === 0) continue;
      const about = { task: task.manifest.name, failures: failed.length };
      const next = 'retention failed: tried again in an hour';
      this.#ports.log.error({ ...about, ...errorFields(failed[0]) }, next);
    }
    this.#unopenable = unopened.length;
    const { keyIds } = this.#ports.sealing;
    this.#unknownKeys = [...new Set(unopened.map(({ keyId }) => keyId))].filter(
      (keyId) => !keyIds.includes(keyId),
    );
  }

  async #deleteOld(taskId: string, task: Task): Promise<void> {
    const { store, now, log, onDeleted } = this.#ports;
    const days = Math.max(...task.manifest.metrics.map(({ retentionDays }) => retentionDays));
    const before = now() - days * DAY_MS;
    if (before < 0) return;
    let deleted: readonly ResultName[];
    do {
      deleted = await store.deleteResults(
        taskId,
        before,
        ([first, ...rest]) => [deletion(first!, days), ...rest.map((name) => deletion(name, days))],
        { limit: PAGE },
      );
      for (const name of deleted) {
        this.#trimmedTo.delete(name.round);
        const about = { round: name.round, task: task.manifest.name };
        log.info({ ...about, retentionDays: days }, 'result deleted');
        this.#due.set(name.round, () => onDeleted(task, name));
      }
    } while (deleted.length === PAGE);
  }

  async #trim(
    taskId: string,
    task: Task,
    carefully: Carefully,
    unopened: StoredResult[],
  ): Promise<void> {
    const { store, sealing } = this.#ports;
    let page: readonly StoredResult[];
    let before: StoredResult | undefined;
    do {
      page = await store.results(taskId, { limit: PAGE, ...(before && { before }) });
      for (const result of page) {
        const days = this.#endedDays(task, result);
        const isKnown = sealing.keyIds.includes(result.keyId);
        if (isKnown && days <= (this.#trimmedTo.get(result.round) ?? 0)) continue;
        let sum: RoundSum | undefined;
        await carefully(async () => (sum = openSum(sealing, result)));
        if (sum === undefined) unopened.push(result);
        else await carefully(() => this.#trimOne(task, result, sum!, days));
      }
      before = page.at(-1);
    } while (page.length === PAGE);
  }

  /** The longest retention that is over; 0 if none is. */
  #endedDays({ manifest }: Task, { closedMs }: StoredResult): number {
    const now = this.#ports.now();
    const days = manifest.metrics.map(({ retentionDays }) => retentionDays);
    return Math.max(0, ...days.filter((each) => closedMs < now - each * DAY_MS));
  }

  async #trimOne(task: Task, result: StoredResult, sum: RoundSum, days: number): Promise<void> {
    const { store, sealing, log, onTrimmed } = this.#ports;
    const { round, keyId } = result;
    const ended = task.manifest.metrics.filter(
      ({ name, retentionDays }) =>
        retentionDays <= days &&
        task.layout.lanes.some(({ metric, index }) => metric === name && sum.lanes[index] !== null),
    );
    if (ended.length > 0) {
      const metrics = ended.map(({ name }) => name);
      // Its record, which says all lanes, goes as well.
      const next = sealSum(sealing, withoutMetrics(task, sum, new Set(metrics)));
      const details = { metrics: metrics.join(' '), retentionDays: days };
      await store.reseal(round, keyId, next, [roundEvent(RESULT_TRIMMED, round, details)]);
      log.info({ round, task: task.manifest.name, metrics }, 'metrics deleted from a result');
      this.#due.set(round, () => onTrimmed(task, result));
    }
    this.#trimmedTo.set(round, days);
  }
}

/** Keeps what went wrong. @returns whether nothing did. */
type Carefully = (run: () => Promise<unknown>) => Promise<boolean>;

function deletion({ round }: ResultName, retentionDays: number) {
  return roundEvent(RESULT_DELETED, round, { retentionDays });
}
