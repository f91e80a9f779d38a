/**
 * Deleting results by itself: each metric when its retention ends, a result when that of all has.
 * Knows: retentionDays, sums under seal. Doesn't know: who reads results.
 * Invariant: at most an hour after its retention has ended, a metric's lanes are in no result.
 */
import type { Task } from '@onlysum/task';
import type { Logger } from 'pino';
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
const DAY_MS = 86_400_000;
const PAGE = 100;

export class Retention {
  readonly #ports: RetentionPorts;
  /** By round: the days of the longest retention that was found to be over in it. */
  readonly #trimmedTo = new Map<string, number>();

  constructor(ports: RetentionPorts) {
    this.#ports = ports;
  }

  async run(): Promise<void> {
    for (const [taskId, task] of this.#ports.tasks) {
      await this.#deleteOld(taskId, task);
      await this.#trim(taskId, task);
    }
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
        await onDeleted(task, name);
      }
    } while (deleted.length === PAGE);
  }

  async #trim(taskId: string, task: Task): Promise<void> {
    const { store } = this.#ports;
    let page: readonly StoredResult[];
    let before: StoredResult | undefined;
    do {
      page = await store.results(taskId, { limit: PAGE, ...(before && { before }) });
      for (const result of page) await this.#trimOne(task, result);
      before = page.at(-1);
    } while (page.length === PAGE);
  }

  async #trimOne(task: Task, result: StoredResult): Promise<void> {
    const { store, sealing, now, log, onTrimmed } = this.#ports;
    const { round, closedMs, keyId } = result;
    const over = task.manifest.metrics.filter(
      ({ retentionDays }) => closedMs < now() - retentionDays * DAY_MS,
    );
    const days = Math.max(0, ...over.map(({ retentionDays }) => retentionDays));
    if (days <= (this.#trimmedTo.get(round) ?? 0)) return;
    const sum = openSum(sealing, result);
    const ended = over.filter(({ name }) =>
      task.layout.lanes.some(({ metric, index }) => metric === name && sum.lanes[index] !== null),
    );
    if (ended.length > 0) {
      const metrics = ended.map(({ name }) => name);
      // Its record, which says all lanes, goes as well.
      const next = sealSum(sealing, withoutMetrics(task, sum, new Set(metrics)));
      const details = { metrics: metrics.join(' '), retentionDays: days };
      await store.reseal(round, keyId, next, [roundEvent('result.trimmed', round, details)]);
      log.info({ round, task: task.manifest.name, metrics }, 'metrics deleted from a result');
      await onTrimmed(task, result);
    }
    this.#trimmedTo.set(round, days);
  }
}

function deletion({ round }: ResultName, retentionDays: number) {
  return roundEvent('result.deleted', round, { retentionDays });
}
