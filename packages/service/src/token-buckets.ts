/**
 * How much a server takes of one client, and of all: token buckets by key (Turner 1986).
 * Knows: counts, a clock. Doesn't know: what a key is, what is asked for.
 * Invariant: memory is bounded. Who is forgotten begins with a full bucket: those who came longest ago go
 * first, so a flood of new keys costs nobody more than that.
 */

/** About 1 MB. */
const MOST_KEYS = 10_000;
const MINUTE_MS = 60_000;

interface Bucket {
  tokens: number;
  atMs: number;
}

export class TokenBuckets {
  readonly #perMinute: number;
  readonly #now: () => number;
  readonly #mostKeys: number;
  /** The one that was used longest ago first. */
  readonly #buckets = new Map<string, Bucket>();

  /**
   * @param perMinute - what flows in, and how much may be taken at once.
   * @param now - ms. A clock that is set back gives nothing, and goes on from there.
   * @param mostKeys - how many are remembered.
   */
  constructor(perMinute: number, now: () => number, mostKeys = MOST_KEYS) {
    this.#perMinute = perMinute;
    this.#now = now;
    this.#mostKeys = mostKeys;
  }

  /** How many keys are remembered. */
  get size(): number {
    return this.#buckets.size;
  }

  /** @returns 0 if there is a token, else after how many ms there will be. Takes none. */
  wait(key: string): number {
    const { tokens } = this.#bucket(key);
    return tokens >= 1 ? 0 : ((1 - tokens) * MINUTE_MS) / this.#perMinute;
  }

  /** Takes a token if there is one. @returns as `wait`. */
  take(key: string): number {
    const waitMs = this.wait(key);
    if (waitMs === 0) this.#bucket(key).tokens -= 1;
    return waitMs;
  }

  /** Filled up to now, and the one used last. */
  #bucket(key: string): Bucket {
    const nowMs = this.#now();
    const bucket = this.#buckets.get(key) ?? { tokens: this.#perMinute, atMs: nowMs };
    const gained = (Math.max(0, nowMs - bucket.atMs) * this.#perMinute) / MINUTE_MS;
    bucket.tokens = Math.min(this.#perMinute, bucket.tokens + gained);
    bucket.atMs = nowMs;
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size > this.#mostKeys && oldest !== undefined) this.#buckets.delete(oldest);
    return bucket;
  }
}

/**
 * Takes a token of each, or of none: who has used up its own share takes nothing from all.
 *
 * @returns 0, or after how many ms each has one.
 */
export function takeTogether(...shares: readonly (readonly [TokenBuckets, string])[]): number {
  const waitMs = Math.max(...shares.map(([buckets, key]) => buckets.wait(key)));
  if (waitMs === 0) for (const [buckets, key] of shares) buckets.take(key);
  return waitMs;
}
