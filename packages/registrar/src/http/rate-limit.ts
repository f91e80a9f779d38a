/** How many requests a registrar takes: one limit for each kind, so that a flood of one leaves the others alone. */
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
