/**
 * Tasks that are or were served, read from the store.
 * Knows: records and signed manifests. Doesn't know: requests.
 */
import type { Suite } from '@onlysum/crypto';
import { type Manifest, type Task, verifySignedManifest } from '@onlysum/task';
import type { InferOutput } from 'valibot';
import type { CoordinatorStore } from '../store/coordinator-store.js';
import type { TaskRecord } from '../store/records.js';
import type { KnownTask } from './route.js';
import type * as schema from './schema.js';

export class KnownTasks {
  readonly #store: CoordinatorStore;
  readonly #suite: Suite;
  /** A manifest never changes under its id, and there are as many as the operator has served. */
  readonly #verified = new Map<string, Task>();

  constructor(store: CoordinatorStore, suite: Suite) {
    this.#store = store;
    this.#suite = suite;
  }

  async task(taskId: string): Promise<KnownTask | undefined> {
    const record = await this.#store.task(taskId);
    return record === undefined ? undefined : this.#known(record);
  }

  /** By name, then version. */
  async all(): Promise<readonly KnownTask[]> {
    return (await this.#store.tasks()).map((record) => this.#known(record));
  }

  #known(record: TaskRecord): KnownTask {
    const known = this.#verified.get(record.taskId);
    if (known !== undefined) return { record, task: known };
    const signed: unknown = JSON.parse(record.signedManifest);
    const task = verifySignedManifest(this.#suite, signed);
    this.#verified.set(record.taskId, task);
    return { record, task };
  }
}

export function taskView(
  { record, task: { manifest } }: KnownTask,
  served: boolean,
): InferOutput<typeof schema.task> {
  const { name, version, publisher, registrar, coordinator, window, cohort, privacy } = manifest;
  return {
    taskId: record.taskId,
    ...{ name, version, state: record.state, served, publisher, registrar },
    ...(record.state === 'stopped' ? { reason: record.reason } : {}),
    url: coordinator.url,
    ...{ window, cohort, privacy },
    minSurvivors: manifest.minSurvivors,
    minRespondents: manifest.minRespondents,
    groups: [...manifest.groups],
    metrics: manifest.metrics.map((metric) => {
      const { name, kind, group, purpose, owner, retentionDays, access } = metric;
      const unit = unitOf(metric);
      const facts = { name, kind, group, purpose, owner, retentionDays, access: [...access] };
      return unit === undefined ? facts : { ...facts, unit };
    }),
  };
}

export function unitOf(metric: Manifest['metrics'][number]): string | undefined {
  return 'unit' in metric ? metric.unit : undefined;
}
