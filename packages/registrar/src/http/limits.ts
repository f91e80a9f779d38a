/** What one registrar server bears from its clients. All of it can be set; nothing is unlimited. */
import { DEFAULT_FLOOR, type Task } from '@onlysum/task';
import { MOST_TOKEN_CHARACTERS } from '../licence-token.js';
import { checkInteger } from '../options.js';

export interface RegistrarLimits {
  /** Body of `POST /v1/attest`. Default: what the largest roster of its tasks takes, or one of 10,000. */
  readonly requestBytes: number;
  /** Body of every other request. */
  readonly jsonBytes: number;
  /** Until the head of a request has come. */
  readonly headersTimeoutMs: number;
  /** Until all of a request has come. */
  readonly requestTimeoutMs: number;
  /** Until an idle connection is closed. */
  readonly keepAliveTimeoutMs: number;
  /** Open at a time. */
  readonly connections: number;
}

/** A member of a roster request takes at most 254 bytes on the wire. */
const MEMBER_BYTES = 256;
/** The rest of a roster request, and bitmaps: a set of 65,535 devices is 8 kB. */
const OTHER_BYTES = 16_384;

/** Beyond these a limit limits nothing. */
const MOST: Readonly<Record<keyof RegistrarLimits, number>> = {
  requestBytes: 2 ** 28,
  jsonBytes: 2 ** 20,
  headersTimeoutMs: 3_600_000,
  requestTimeoutMs: 3_600_000,
  keepAliveTimeoutMs: 3_600_000,
  connections: 1_000_000,
};

/** @throws {UsageError} `argument-invalid` that names the limit. */
export function completeLimits(
  tasks: readonly Task[],
  given: Partial<RegistrarLimits> = {},
): RegistrarLimits {
  const largest = Math.max(0, ...tasks.map(({ manifest }) => manifest.cohort.max));
  // A roster is parsed before its signature can be checked; devices refuse a larger one unless told not to.
  const devices = Math.min(largest, DEFAULT_FLOOR.maxDevices);
  const limits: RegistrarLimits = {
    requestBytes: OTHER_BYTES + MEMBER_BYTES * devices,
    // A renewal is six fields, 600 characters in all; an enrolment may have a token.
    jsonBytes: MOST_TOKEN_CHARACTERS + 1024,
    headersTimeoutMs: 5000,
    requestTimeoutMs: 30_000,
    keepAliveTimeoutMs: 10_000,
    connections: 1000,
    ...given,
  };
  for (const [name, most] of Object.entries(MOST)) {
    checkInteger(`limits.${name}`, limits[name as keyof RegistrarLimits], 1, most);
  }
  return limits;
}
