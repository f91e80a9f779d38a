/**
 * How much a registrar takes of one client, and of all: token buckets (Turner 1986), one set for each kind of
 * request, so that a flood of one kind leaves the others alone.
 * Knows: addresses, a clock. Doesn't know: what is asked for.
 * Invariant: memory is bounded; an address that had to be forgotten still counts in the bucket of all.
 */
import { limitedAs, plainAddress } from '@onlysum/service';
import { checkInteger } from '../options.js';

/** For each kind of request. What was not used in a minute may come at once in the next. */
export interface RateLimits {
  /** All clients together. */
  readonly requestsPerMinute: number;
  /** One IPv4 address, or one IPv6 network of 64 bits. */
  readonly requestsPerMinutePerAddress: number;
}

/** Kinds that are counted apart. */
export type RateLimited = 'enrol' | 'renew' | 'revocations' | 'window' | 'attest';

const MOST: RateLimits = {
  requestsPerMinute: 60_000_000,
  requestsPerMinutePerAddress: 60_000_000,
};

/** @throws {UsageError} `argument-invalid` that names the limit. */
export function completeRateLimits(given: Partial<RateLimits> = {}): RateLimits {
  const limits: RateLimits = {
    // A fleet renews when an epoch begins: 60,000 at once, and 1,000 a second from then on, which is about
    // what a core verifies and a disk commits.
    requestsPerMinute: 60_000,
    // An office behind one address.
    requestsPerMinutePerAddress: 6000,
    ...given,
  };
  for (const name of Object.keys(MOST) as (keyof RateLimits)[]) {
    checkInteger(`rateLimits.${name}`, limits[name], 1, MOST[name]);
  }
  return limits;
}

/** About 1 MB. */
const MOST_ADDRESSES = 10_000;
const MINUTE_MS = 60_000;

interface Bucket {
  tokens: number;
  atMs: number;
}

export class RateLimiter {
  readonly #limits: RateLimits;
  readonly #all = new Map<RateLimited, Bucket>();
  /** By kind and address; the one that was used longest ago first. */
  readonly #addresses = new Map<string, Bucket>();
  readonly #mostAddresses: number;

  constructor(limits: RateLimits, mostAddresses = MOST_ADDRESSES) {
    this.#limits = limits;
    this.#mostAddresses = mostAddresses;
  }

  /** How many addresses are remembered. */
  get size(): number {
    return this.#addresses.size;
  }

  /** Takes a token. @returns 0, or after how many ms there is one; then none is taken. */
  take(kind: RateLimited, address: string, nowMs: number): number {
    const { requestsPerMinute, requestsPerMinutePerAddress } = this.#limits;
    const name = `${kind} ${limitedAs(plainAddress(address))}`;
    const own = this.#addresses.get(name) ?? { tokens: requestsPerMinutePerAddress, atMs: nowMs };
    this.#addresses.delete(name);
    this.#addresses.set(name, own);
    this.#forget();
    const all = this.#all.get(kind) ?? { tokens: requestsPerMinute, atMs: nowMs };
    this.#all.set(kind, all);
    refill(own, requestsPerMinutePerAddress, nowMs);
    refill(all, requestsPerMinute, nowMs);
    const waitMs = Math.max(
      waitFor(own, requestsPerMinutePerAddress),
      waitFor(all, requestsPerMinute),
    );
    if (waitMs > 0) return waitMs;
    own.tokens -= 1;
    all.tokens -= 1;
    return 0;
  }

  #forget(): void {
    for (const oldest of this.#addresses.keys()) {
      if (this.#addresses.size <= this.#mostAddresses) return;
      this.#addresses.delete(oldest);
    }
  }
}

function refill(bucket: Bucket, perMinute: number, nowMs: number): void {
  // A clock that was set back gives nothing, and goes on from there.
  const elapsedMs = Math.max(0, nowMs - bucket.atMs);
  bucket.tokens = Math.min(perMinute, bucket.tokens + (elapsedMs * perMinute) / MINUTE_MS);
  bucket.atMs = nowMs;
}

function waitFor({ tokens }: Bucket, perMinute: number): number {
  return tokens >= 1 ? 0 : ((1 - tokens) * MINUTE_MS) / perMinute;
}
