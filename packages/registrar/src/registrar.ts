/**
 * The registrar without a wire: the protocol's machine over a store. Protocol §5, §6.5.
 * Knows: key, clock, randomness, store. Doesn't know: HTTP.
 * Invariant: nothing it signed leaves before it is on disk.
 */
import { UsageError, systemRng, toHex } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import {
  type Announcement,
  type Certificate,
  type Ledger,
  RefusedRequest,
  type RegistrarParams,
  newIncarnation,
  presentIncarnation,
} from '@onlysum/protocol';
import { AuditTally } from '@onlysum/service';
import { beginIncarnation, issueCodes, revokeEnrolment, revokeLicensed } from './administration.js';
import { announcements } from './announcements.js';
import { attestRequest } from './attestation.js';
import { attestationRefused } from './attestation-audit.js';
import { appendAudit } from './audit.js';
import {
  type CertifyingHost,
  type Enrolment,
  type Recertification,
  type Renewal,
  certificateRefused,
  certificateRenewed,
  certifyAgain,
  certifyEnrolment,
  certifyRenewal,
} from './certifying.js';
import { type RegistrarHealth, registrarHealth } from './health.js';
import { makeKeyRing } from './key-ring.js';
import { completeTokenLimits, makeTokenVerifier } from './licence-token.js';
import { attestationEntry, errorFields, registrarLog, silentLogger } from './log.js';
import { type Maintained, completeRetention, maintain } from './maintenance.js';
import type { CertificateKind } from './observations.js';
import { type RegistrarOptions, checkInteger, checkOptions, checkTasks } from './options.js';
import { claimStore } from './owner.js';
import { type Readiness, registrarReadiness } from './readiness.js';
import { type RevocationList, RevocationLists } from './revocations.js';
import { changedSettings, prefixed, startSettings } from './start-audit.js';

export interface Registrar {
  /** Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** Of before a rotation, as far as it still signs with them. */
  readonly previousKeys: readonly Uint8Array[];
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
  /**
   * @throws {UsageError} as `enrol` or `enrolLicensed` of the protocol; `token-invalid`, `token-expired`,
   *   `registrar-key-unknown`.
   */
  enrol(request: Enrolment): Promise<Certificate>;
  /** @throws {UsageError} as `renew` of the protocol; `registrar-key-unknown`. */
  renew(request: Renewal): Promise<Certificate>;
  /** @throws {UsageError} as `recertify` of the protocol; `registrar-key-unknown`. */
  recertify(request: Recertification): Promise<Certificate>;
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
  /**
   * Revokes all that a licence has enrolled, for good.
   *
   * @returns hex of the pseudonyms.
   */
  revokeLicence(issuer: string, subject: string): Promise<readonly string[]>;
  /** After a restore, or when continuity is in doubt: every open round is dead. @returns its number. */
  newIncarnation(): Promise<number>;
  /**
   * The list as of now, or as of a few seconds ago if what was revoked since was revoked by another process.
   *
   * @param publicKey - the key to sign it with; default: the present one.
   * @throws {UsageError} `registrar-key-unknown`.
   */
  revocations(publicKey?: Uint8Array): RevocationList;
  /** Never throws: whoever asks whether it runs is answered while it does. */
  health(): RegistrarHealth;
  readiness(): Readiness;
  /** Forgets what need not be kept any longer. To be called now and then. */
  maintain(): Promise<Maintained>;
  /** Ends its audit log with what is still to be written and an entry of the end. The store stays open. */
  close(): Promise<void>;
}

/** A run of codes is printed and handed out at once; more at a time would only hold up attestation. */
const MOST_CODES = 10_000;

/**
 * Opens the registrar on its store; starts the first incarnation if the store has none.
 *
 * @throws {UsageError} `argument-invalid`; `task-mismatch` for a task of another registrar or epoch
 *   length; `store-mismatch` for a store that another registrar key has signed from.
 */
export async function createRegistrar(options: RegistrarOptions): Promise<Registrar> {
  checkOptions(options);
  const { seed, previousSeeds = [], tasks, epochLengthMs, store } = options;
  const { suite = nativeSuite, rng = systemRng, now = Date.now } = options;
  const logger = registrarLog(options.logger ?? silentLogger());
  const { observer } = options;
  const startedMs = performance.now();
  const ring = makeKeyRing(suite, seed, previousSeeds);
  const { publicKey } = ring.present;
  checkTasks(tasks, ring, epochLengthMs);
  const retention = completeRetention(options);
  const { tokenIssuers = [], auditedSettings = {} } = options;
  const verifyToken = makeTokenVerifier(tokenIssuers, options.tokenLimits);
  const settings = await startSettings(tasks, tokenIssuers, ring, {
    epochLengthMs,
    ...retention,
    ...prefixed('tokenLimits', completeTokenLimits(options.tokenLimits)),
    ...auditedSettings,
  });
  const byId = new Map(tasks.map((task) => [toHex(task.taskId), task]));
  const paramsOf = (key: Uint8Array | undefined): RegistrarParams => {
    return { ...ring.expect(key), epochLengthMs, tasks: byId };
  };
  const context = () => ({ suite, rng, nowMs: Math.floor(now()) });
  const announced = announcements({ tasks: byId, paramsOf, store, context });
  const lists = new RevocationLists(suite, store);
  const host: CertifyingHost = { ring, paramsOf, store, verifyToken, logger, context };
  const tally = new AuditTally({
    append: (events) =>
      store.transact((ledger) => {
        for (const event of events) appendAudit(ledger, suite, event, context().nowMs);
      }),
    onUnwritten: (error, kinds) =>
      logger.error({ kinds, ...errorFields(error) }, 'refusals not recorded'),
  });
  const claimed = await store.transact((ledger) => open(ledger));
  if (claimed === 'rotated') logger.warn({ publicKey: toHex(publicKey) }, 'signing key rotated');

  function open(ledger: Ledger) {
    const { nowMs } = context();
    const event = { actor: 'system', outcome: 'done' } as const;
    const claim = claimStore(ledger, ring);
    if (incarnationOf(ledger) === undefined) newIncarnation(ledger, context());
    if (claim === 'rotated') {
      const details = { publicKey: toHex(publicKey) };
      appendAudit(ledger, suite, { action: 'key.rotated', ...event, details }, nowMs);
    }
    const incarnation = presentIncarnation(ledger);
    const changed = changedSettings(ledger, settings).join(', ');
    const details = { ...settings, incarnation, ...(changed === '' ? {} : { changed }) };
    appendAudit(ledger, suite, { action: 'registrar.started', ...event, details }, nowMs);
    return claim;
  }

  const observed =
    <R>(kind: CertificateKind, run: (request: R) => Promise<Certificate>) =>
    async (request: R): Promise<Certificate> => {
      try {
        const certificate = await run(request);
        observer?.onCertificate(kind, 'granted');
        // An enrolment has an entry of its own.
        if (kind !== 'enrol') tally.add(certificateRenewed(kind));
        return certificate;
      } catch (error) {
        const code = error instanceof UsageError ? error.code : 'internal';
        observer?.onCertificate(kind, code);
        if (isRefusal(error)) tally.add(certificateRefused(kind, code));
        throw error;
      }
    };

  return {
    publicKey,
    previousKeys: ring.previous.map((key) => key.publicKey),
    epochLengthMs,
    attest: async (requestBytes) => {
      const beganMs = performance.now();
      const params = paramsOf(undefined);
      const attestation = await attestRequest(requestBytes, {
        params,
        paramsOf,
        store,
        suite,
        context,
        onUnrecorded: (kind, code) => tally.add(attestationRefused(kind, code)),
      });
      const { request, response, task, bytes } = attestation;
      const elapsedMs = performance.now() - beganMs;
      logger.info(attestationEntry(request, response, task, elapsedMs), 'attest');
      observer?.onAnswer(request, response, elapsedMs);
      return bytes;
    },
    announcement: (taskId) => announced(taskId),
    enrol: observed('enrol', (request: Enrolment) => certifyEnrolment(request, host)),
    renew: observed('renew', (request: Renewal) => certifyRenewal(request, host)),
    recertify: observed('recertify', (request: Recertification) => certifyAgain(request, host)),
    makeCodes: async (count, lifetimeMs) => {
      checkInteger('count', count, 1, MOST_CODES);
      checkInteger('lifetimeMs', lifetimeMs, 1, Number.MAX_SAFE_INTEGER - context().nowMs);
      const codes = await store.transact((ledger) =>
        issueCodes(ledger, count, lifetimeMs, context()),
      );
      logger.info({ count, lifetimeMs }, 'make codes');
      return codes;
    },
    revoke: async (pseudonym) => {
      const revoked = await store.transact((ledger) =>
        revokeEnrolment(ledger, pseudonym, context()),
      );
      lists.forget();
      logger.info({ revoked: revoked.length }, 'revoke');
      return revoked;
    },
    revokeLicence: async (issuer, subject) => {
      const { devices, pseudonyms } = await store.transact((ledger) =>
        revokeLicensed(ledger, { issuer, subject }, context()),
      );
      lists.forget();
      logger.info({ devices, revoked: pseudonyms.length }, 'revoke licence');
      return pseudonyms;
    },
    newIncarnation: async () => {
      const incarnation = await store.transact((ledger) => beginIncarnation(ledger, context()));
      lists.forget();
      logger.warn({ incarnation }, 'new incarnation: open rounds are dead');
      return incarnation;
    },
    revocations: (key) => lists.latest(ring.expect(key), context().nowMs),
    maintain: async () => {
      const maintained = await maintain(store, suite, retention, context().nowMs);
      const { windows, auditEntries } = maintained;
      if (windows + auditEntries > 0) logger.info({ ...maintained }, 'pruned');
      return maintained;
    },
    close: async () => {
      await tally.close();
      const event = { action: 'registrar.closed', actor: 'system', outcome: 'done' } as const;
      try {
        await store.transact((ledger) => appendAudit(ledger, suite, event, context().nowMs));
      } catch (error) {
        logger.error(errorFields(error), 'the end is not in the audit log');
      }
    },
    health: () => {
      const uptimeMs = Math.round(performance.now() - startedMs);
      return registrarHealth(
        { store, ring, tasks: [...byId.values()], epochLengthMs, uptimeMs },
        context().nowMs,
      );
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

/** Of the caller's doing: not a store that is gone. */
function isRefusal(error: unknown): boolean {
  return error instanceof UsageError && !error.code.startsWith('store-');
}
