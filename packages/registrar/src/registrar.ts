/**
 * The registrar without a wire: the protocol's machine over a store. Protocol §5, §6.5.
 * Knows: key, clock, randomness, store. Doesn't know: HTTP.
 * Invariant: nothing it signed leaves before it is on disk.
 */
import { UsageError, runDerive, systemRng, toHex } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import {
  type Announcement,
  type Certificate,
  type EnrolRequest,
  type Ledger,
  RefusedRequest,
  type RegistrarParams,
  type RenewRequest,
  enrol,
  enrolChecks,
  enrolledIn,
  makeCodes,
  newIncarnation,
  presentIncarnation,
  renew,
  renewChecks,
  revoke,
  revokedPseudonyms,
} from '@onlysum/protocol';
import { announcements } from './announcements.js';
import { attestRequest } from './attestation.js';
import { attestationEntry, shortHex, silentLogger } from './log.js';
import { type RegistrarOptions, checkInteger, checkOptions, checkTasks } from './options.js';
import { claimStore } from './owner.js';
import { type Readiness, registrarReadiness } from './readiness.js';
import { REVOCATIONS_FRESH_MS, type RevocationList, signRevocations } from './revocations.js';

export interface RegistrarHealth {
  readonly status: 'ok';
  readonly role: 'registrar';
  /** Unix time on the registrar's clock. */
  readonly nowMs: number;
  readonly uptimeMs: number;
  readonly incarnation: number;
  /** The present epoch, and how many pseudonyms are enrolled for it. */
  readonly epoch: number;
  readonly enrolled: number;
  readonly tasks: readonly {
    readonly name: string;
    readonly version: number;
    readonly taskId: string;
  }[];
}

export interface Registrar {
  /** Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array;
  readonly epochLengthMs: number;
  /**
   * Answers a coordinator.
   *
   * @param requestBytes - a request as `encodeRequest` makes it; borrowed.
   * @returns the answer's bytes, durable by now; a refusal is an answer.
   * @throws {WireError} `wire-invalid` if the bytes are no request.
   */
  attest(requestBytes: Uint8Array): Promise<Uint8Array>;
  /**
   * The announcement of a task's present window; the first who asks freezes it. From memory after that.
   *
   * @param taskId - hex.
   * @throws {UsageError} `task-unknown`, `task-not-valid`.
   */
  announcement(taskId: string): Promise<Announcement>;
  /** @throws {UsageError} as `enrol` of the protocol. */
  enrol(request: EnrolRequest): Promise<Certificate>;
  /** @throws {UsageError} as `renew` of the protocol. */
  renew(request: RenewRequest): Promise<Certificate>;
  /**
   * @param count - 1…10,000.
   * @param lifetimeMs - how long an unused code can be used.
   * @returns one-time codes; only their hashes are kept.
   */
  makeCodes(count: number, lifetimeMs: number): Promise<string[]>;
  /**
   * Revokes an enrolment by any of its pseudonyms.
   *
   * @param pseudonym - hex.
   * @returns hex of all its pseudonyms.
   * @throws {UsageError} `pseudonym-unknown`, `hex-invalid`.
   */
  revoke(pseudonym: string): Promise<readonly string[]>;
  /** After a restore, or when continuity is in doubt: every open round is dead. @returns its number. */
  newIncarnation(): Promise<number>;
  /**
   * The list as of now, or as of up to {@link REVOCATIONS_FRESH_MS} ago if what was revoked since was
   * revoked by another process.
   */
  revocations(): RevocationList;
  health(): RegistrarHealth;
  readiness(): Readiness;
}

/** A run of codes is printed and handed out at once; more at a time would only hold up attestation. */
const MOST_CODES = 10_000;
/** A code has 27 characters; whoever issues codes of another form is no registrar of ours. */
const MOST_CODE_CHARACTERS = 64;

/**
 * Opens the registrar on its store; starts the first incarnation if the store has none.
 *
 * @throws {UsageError} `argument-invalid`; `task-mismatch` for a task of another registrar or epoch
 *   length; `store-mismatch` for a store that another registrar key has signed from.
 */
export async function createRegistrar(options: RegistrarOptions): Promise<Registrar> {
  checkOptions(options);
  const { seed, tasks, epochLengthMs, store } = options;
  const { suite = nativeSuite, rng = systemRng, now = Date.now, logger = silentLogger() } = options;
  const { observer } = options;
  const startedMs = performance.now();
  const publicKey = suite.ed25519PublicKey(seed);
  checkTasks(tasks, publicKey, epochLengthMs);
  const byId = new Map(tasks.map((task) => [toHex(task.taskId), task]));
  const params: RegistrarParams = { seed, publicKey, epochLengthMs, tasks: byId };
  const context = () => ({ suite, rng, nowMs: Math.floor(now()) });
  const announced = announcements({ params, store, context });
  let latest: RevocationList | undefined;
  await store.transact((ledger) => {
    claimStore(ledger, publicKey);
    if (incarnationOf(ledger) === undefined) newIncarnation(ledger, context());
  });

  const observed =
    <R>(kind: 'enrol' | 'renew', run: (request: R) => Promise<Certificate>) =>
    async (request: R): Promise<Certificate> => {
      try {
        const certificate = await run(request);
        observer?.onCertificate(kind, 'granted');
        return certificate;
      } catch (error) {
        observer?.onCertificate(kind, error instanceof UsageError ? error.code : 'internal');
        throw error;
      }
    };

  return {
    publicKey,
    epochLengthMs,
    attest: async (requestBytes) => {
      const beganMs = performance.now();
      const attestation = await attestRequest(requestBytes, { params, store, suite, context });
      const { request, response, task, bytes } = attestation;
      const elapsedMs = performance.now() - beganMs;
      logger.info(attestationEntry(request, response, task, elapsedMs), 'attest');
      observer?.onAnswer(request, response, elapsedMs);
      return bytes;
    },
    announcement: (taskId) => announced(taskId),
    enrol: observed('enrol', async (request: EnrolRequest) => {
      checkText('code', request.code);
      const results = runDerive(suite, enrolChecks(request, params));
      const certificate = await store.transact((ledger) =>
        enrol(ledger, request, results, params, context()),
      );
      logger.info({ pseudonym: shortHex(request.pseudonym), epoch: certificate.epoch }, 'enrol');
      return certificate;
    }),
    renew: observed('renew', async (request: RenewRequest) => {
      checkInteger('epoch', request.epoch, 0, Number.MAX_SAFE_INTEGER);
      const results = runDerive(suite, renewChecks(request, params));
      const certificate = await store.transact((ledger) =>
        renew(ledger, request, results, params, context()),
      );
      logger.info({ pseudonym: shortHex(request.pseudonym), epoch: certificate.epoch }, 'renew');
      return certificate;
    }),
    makeCodes: async (count, lifetimeMs) => {
      checkInteger('count', count, 1, MOST_CODES);
      checkInteger('lifetimeMs', lifetimeMs, 1, Number.MAX_SAFE_INTEGER - context().nowMs);
      const codes = await store.transact((ledger) =>
        makeCodes(ledger, count, lifetimeMs, context()),
      );
      logger.info({ count, lifetimeMs }, 'make codes');
      return codes;
    },
    revoke: async (pseudonym) => {
      const revoked = await store.transact((ledger) => revoke(ledger, pseudonym));
      latest = undefined;
      logger.info({ revoked: revoked.length }, 'revoke');
      return revoked;
    },
    newIncarnation: async () => {
      const incarnation = await store.transact((ledger) => newIncarnation(ledger, context()));
      latest = undefined;
      logger.warn({ incarnation }, 'new incarnation: open rounds are dead');
      return incarnation;
    },
    revocations: () => {
      const { nowMs: issuedMs } = context();
      // An age below zero: the clock was set back, and the list would seem to be of the future.
      const ageMs = latest === undefined ? -1 : issuedMs - latest.issuedMs;
      if (latest !== undefined && ageMs >= 0 && ageMs < REVOCATIONS_FRESH_MS) return latest;
      const list = store.read((ledger) => ({
        incarnation: presentIncarnation(ledger),
        issuedMs,
        pseudonyms: revokedPseudonyms(ledger),
      }));
      latest = signRevocations(suite, seed, list);
      return latest;
    },
    health: () => {
      const { nowMs } = context();
      const epoch = Math.floor(nowMs / epochLengthMs);
      return store.read((ledger) => ({
        status: 'ok',
        role: 'registrar',
        nowMs,
        uptimeMs: Math.round(performance.now() - startedMs),
        incarnation: presentIncarnation(ledger),
        epoch,
        enrolled: enrolledIn(ledger, epochLengthMs, epoch),
        tasks: [...byId].map(([taskId, { manifest }]) => {
          const { name, version } = manifest;
          return { name, version, taskId };
        }),
      }));
    },
    readiness: () => registrarReadiness(tasks, store, context().nowMs),
  };
}

function incarnationOf(ledger: Ledger): number | undefined {
  try {
    return presentIncarnation(ledger);
  } catch (error) {
    if (error instanceof RefusedRequest) return undefined;
    throw error;
  }
}

function checkText(field: string, value: unknown): void {
  if (typeof value === 'string' && value.length > 0 && value.length <= MOST_CODE_CHARACTERS) return;
  // A code is a secret until it is used: only its kind and length are told.
  const got = typeof value === 'string' ? `${value.length} characters` : `a ${typeof value}`;
  const expected = `text of 1 to ${MOST_CODE_CHARACTERS} characters`;
  throw new UsageError('argument-invalid', `${field}: expected ${expected}, got ${got}`, {
    field,
    expected,
    got,
  });
}
