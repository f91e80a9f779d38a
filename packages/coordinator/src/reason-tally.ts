/**
 * How often each reason came, and when last. Knows: reasons. Doesn't know: whose.
 * Invariant: it is as long as there are pairs of stage and code, both of fixed sets.
 */

export interface TalliedReason {
  /** Undefined where a reason belongs to no stage. */
  readonly stage?: string;
  readonly code: string;
  readonly count: number;
  /** Unix time. */
  readonly lastMs: number;
}

export class ReasonTally {
  /** The one that came last is at the end. */
  readonly #byKey = new Map<string, TalliedReason>();

  add(code: string, nowMs: number, stage?: string): void {
    const key = `${stage ?? ''} ${code}`;
    const count = (this.#byKey.get(key)?.count ?? 0) + 1;
    this.#byKey.delete(key);
    const reason = { code, count, lastMs: nowMs };
    this.#byKey.set(key, stage === undefined ? reason : { stage, ...reason });
  }

  /** The latest first. */
  list(): TalliedReason[] {
    return [...this.#byKey.values()].reverse();
  }
}
