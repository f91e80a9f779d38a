/**
 * From a device's request to its certificate: by a code, by a licence token, by renewal, by a change of the
 * registrar's key.
 * Knows: the order of checks, what is logged and audited. Doesn't know: HTTP.
 * Invariant: no code, token, licence or pseudonym is logged; a certificate leaves once it is on disk.
 */
import { UsageError, equalBytes, runDerive } from '@onlysum/crypto';
import {
  type Certificate,
  type EnrolRequest,
  type Ledger,
  type MachineContext,
  type RecertifyRequest,
  type RegistrarParams,
  type RenewRequest,
  enrol,
  enrolChecks,
  enrolLicensed,
  enrolledIn,
  licenceTokenHash,
  licensedEnrolChecks,
  recertify,
  recertifyChecks,
  renew,
  renewChecks,
} from '@onlysum/protocol';
import type { AuditEvent } from '@onlysum/service';
import type { Logger } from 'pino';
import { appendAudit, watchLedger } from './audit.js';
import { type KeyRing, keyUnknown } from './key-ring.js';
import { MOST_TOKEN_CHARACTERS, type TokenVerifier } from './licence-token.js';
import type { CertificateKind } from './observations.js';
import { checkInteger } from './options.js';
import { formerOwners } from './owner.js';
import type { RegistrarStore } from './store/registrar-store.js';

interface WantedKey {
  /** The registrar's public key to certify under. Default: the present one. */
  readonly registrar?: Uint8Array;
}

export type CodeEnrolment = EnrolRequest & WantedKey;

export interface TokenEnrolment extends WantedKey {
  /** A JWT of one of the registrar's issuers. */
  readonly token: string;
  readonly pseudonym: Uint8Array;
  /** By the pseudonym's key over `licensedEnrolmentStatement`. */
  readonly proof: Uint8Array;
}

export type Enrolment = CodeEnrolment | TokenEnrolment;
export type Renewal = RenewRequest & WantedKey;
export type Recertification = RecertifyRequest & WantedKey;

export interface CertifyingHost {
  readonly ring: KeyRing;
  readonly paramsOf: (publicKey: Uint8Array | undefined) => RegistrarParams;
  readonly store: RegistrarStore;
  readonly verifyToken: TokenVerifier;
  readonly logger: Logger;
  /** Taken inside the transaction. */
  readonly context: () => MachineContext;
}

/** Counted, not one entry each: anybody may try. */
export function certificateRefused(kind: CertificateKind, code: string): AuditEvent {
  const details = { kind, code };
  return { action: 'certificate.refused', actor: 'device', outcome: 'refused', details };
}

/** Counted, not one entry each: a fleet renews when an epoch begins. */
export function certificateRenewed(kind: CertificateKind): AuditEvent {
  return { action: 'certificate.renewed', actor: 'device', outcome: 'done', details: { kind } };
}

/** A code has 27 characters; whoever issues codes of another form is no registrar of ours. */
const MOST_CODE_CHARACTERS = 64;

export async function certifyEnrolment(
  request: Enrolment,
  host: CertifyingHost,
): Promise<Certificate> {
  const params = host.paramsOf(request.registrar);
  const { suite, nowMs } = host.context();
  if ('code' in request) {
    checkText('code', request.code, MOST_CODE_CHARACTERS);
    const results = runDerive(suite, enrolChecks(request, params));
    return enrolled(host, 'code', (ledger, context) =>
      enrol(ledger, request, results, params, context),
    );
  }
  checkText('token', request.token, MOST_TOKEN_CHARACTERS);
  const licence = await host.verifyToken(request.token, nowMs);
  const { pseudonym, proof } = request;
  const licensed = { tokenHash: licenceTokenHash(suite, request.token), pseudonym, proof };
  const results = runDerive(suite, licensedEnrolChecks(licensed, params));
  return enrolled(host, 'licence', (ledger, context) =>
    enrolLicensed(ledger, licensed, licence, results, params, context),
  );
}

export async function certifyRenewal(request: Renewal, host: CertifyingHost): Promise<Certificate> {
  checkInteger('epoch', request.epoch, 0, Number.MAX_SAFE_INTEGER);
  const params = host.paramsOf(request.registrar);
  const results = runDerive(host.context().suite, renewChecks(request, params));
  const certificate = await host.store.transact((ledger) =>
    renew(ledger, request, results, params, host.context()),
  );
  host.logger.info({ epoch: certificate.epoch }, 'renew');
  return certificate;
}

export async function certifyAgain(
  request: Recertification,
  host: CertifyingHost,
): Promise<Certificate> {
  const params = host.paramsOf(request.registrar);
  const results = runDerive(host.context().suite, recertifyChecks(request, params));
  const certificate = await host.store.transact((ledger) => {
    checkFormer(ledger, request.from, params, host.ring);
    return recertify(ledger, request, results, params, host.context());
  });
  host.logger.info({ epoch: certificate.epoch }, 'recertify');
  return certificate;
}

async function enrolled(
  host: CertifyingHost,
  by: 'code' | 'licence',
  run: (ledger: Ledger, context: MachineContext) => Certificate,
): Promise<Certificate> {
  const certificate = await host.store.transact((ledger) => {
    const context = host.context();
    const watched = watchLedger(ledger);
    const made = run(watched.ledger, context);
    if (!watched.hasChanged()) return made;
    const { epoch, epochLengthMs } = made;
    const details = { by, epoch, enrolled: enrolledIn(ledger, epochLengthMs, epoch) };
    const event = { action: 'enrolment.made', actor: 'device', outcome: 'done', details } as const;
    appendAudit(ledger, context.suite, event, context.nowMs);
    return made;
  });
  host.logger.info({ by, epoch: certificate.epoch }, 'enrol');
  return certificate;
}

/** @throws {UsageError} `registrar-key-unknown`: the device's certificate is another registrar's. */
function checkFormer(
  ledger: Ledger,
  from: Uint8Array,
  { publicKey }: RegistrarParams,
  { present, previous }: KeyRing,
): void {
  const former = formerOwners(ledger).map((key) => ({ publicKey: key }));
  const others = [present, ...previous, ...former].filter(
    (key) => !equalBytes(key.publicKey, publicKey),
  );
  if (others.some((key) => equalBytes(key.publicKey, from))) return;
  throw keyUnknown('from', from, others);
}

function checkText(field: string, value: unknown, most: number): void {
  if (typeof value === 'string' && value.length > 0 && value.length <= most) return;
  // A secret until it is used: only its kind and length are told.
  const got = typeof value === 'string' ? `${value.length} characters` : `a ${typeof value}`;
  const expected = `text of 1 to ${most} characters`;
  throw new UsageError('argument-invalid', `${field}: expected ${expected}, got ${got}`, {
    field,
    expected,
    got,
  });
}
