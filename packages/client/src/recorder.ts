/**
 * Values between `record` and the masked input, in memory. A value is sent in the window in which it
 * is submitted, whenever it was recorded: what no round has taken stays for the next one.
 * Invariant: no value is here of a group that is not given, and none is lost by a round that fails.
 */
import { accumulate, findMetric, type RecordedValue } from '@onlysum/metrics';
import type { Manifest } from '@onlysum/task';

export type Values = ReadonlyMap<string, RecordedValue>;

export class Recorder {
  readonly #manifest: Manifest;
  readonly #isGiven: (group: string) => boolean;
  #kept = new Map<string, RecordedValue>();
  #taken: Map<string, RecordedValue> | undefined;

  /** @param isGiven - whether the user gives this group now. */
  constructor(manifest: Manifest, isGiven: (group: string) => boolean) {
    this.#manifest = manifest;
    this.#isGiven = isGiven;
  }

  /**
   * @returns the group whose consent is missing, so that nothing was kept; undefined if the value was.
   * @throws {UsageError} `metric-unknown`, `value-type`, `value-not-finite`.
   */
  record(name: string, value: unknown): string | undefined {
    const metric = findMetric(this.#manifest, name);
    const next = accumulate(metric, this.#kept.get(name), value);
    if (!this.#isGiven(metric.group)) return metric.group;
    this.#kept.set(name, next);
    return undefined;
  }

  /** What the next round would take. */
  values(): Values {
    return new Map(this.#kept);
  }

  /** Hands the values to a round; until it is settled, new ones are kept apart. */
  take(): Values {
    this.giveBack();
    this.#taken = this.#kept;
    this.#kept = new Map();
    return new Map(this.#taken);
  }

  /** The round has sent what it took. */
  drop(): void {
    this.#taken = undefined;
  }

  /** The round has sent nothing: what it took comes first, what was recorded since is added. */
  giveBack(): void {
    const since = this.#kept;
    if (this.#taken === undefined) return;
    this.#kept = this.#taken;
    this.#taken = undefined;
    for (const [name, value] of since) this.record(name, value);
  }

  /**
   * The user takes a group back: its values go at once, also those that a round would give back, should
   * the group be given again meanwhile.
   */
  forget(group: string): void {
    for (const { name, group: own } of this.#manifest.metrics) {
      if (own !== group) continue;
      this.#kept.delete(name);
      this.#taken?.delete(name);
    }
  }

  /** The device leaves the task. */
  forgetAll(): void {
    this.#kept.clear();
    this.#taken?.clear();
  }
}
