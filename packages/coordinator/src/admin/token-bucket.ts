/**
 * Token buckets by key. Knows: counts and time. Doesn't know: what a key is.
 * Invariant: no more than {@link MOST_KEYS} are remembered. Who is forgotten begins with a full bucket:
 * those who came longest ago go first, so a flood of new keys costs nobody more than that.
 */
export const MOST_KEYS = 10_000;

interface Bucket {
  readonly level: number;
  readonly atMs: number;
}

export class TokenBuckets {
  readonly #perMinute: number;
  readonly #now: () => number;
  /** In the order of their last use. */
  readonly #buckets = new Map<string, Bucket>();

  /** @param perMinute - refill, and how many may come at once. @param now - milliseconds, monotonic. */
  constructor(perMinute: number, now: () => number) {
    this.#perMinute = perMinute;
    this.#now = now;
  }

  /** @returns 0 if there was one to take, else after how many milliseconds there will be. */
  take(key: string): number {
    const nowMs = this.#now();
    const before = this.#buckets.get(key) ?? { level: this.#perMinute, atMs: nowMs };
    const refilled = before.level + ((nowMs - before.atMs) * this.#perMinute) / 60_000;
    const level = Math.min(this.#perMinute, refilled);
    const isTaken = level >= 1;
    this.#buckets.delete(key);
    this.#buckets.set(key, { level: isTaken ? level - 1 : level, atMs: nowMs });
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size > MOST_KEYS && oldest !== undefined) this.#buckets.delete(oldest);
    return isTaken ? 0 : Math.ceil(((1 - level) * 60_000) / this.#perMinute);
  }
}
