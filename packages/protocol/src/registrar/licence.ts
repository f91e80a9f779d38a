/**
 * Enrolment by a licence: a signed token in the place of a one-time code. Protocol §2.5.
 * Knows: that a licence enrols so many devices. Doesn't know: tokens' forms, issuers' keys; the host has
 * verified the token before it comes here.
 * Invariant: a licence never enrols more devices than it says, and the ledger does not name it: records and
 * lineages are under HMACs of it, with a key that is made once and stays in the ledger.
 */
import { type DeriveOp, type DeriveResult, LABELS, type Suite, UsageError } from '@onlysum/crypto';
import { encodeLabelled, toHex } from '@onlysum/crypto';
import type { Certificate } from '../certificate.js';
import { KEY_BYTES } from '../sizes.js';
import type { Ledger } from './ledger.js';
import {
  certificateOf,
  checkPseudonymKey,
  currentEpoch,
  isRevoked,
  proofInvalid,
  pseudonymTaken,
  register,
  revokedEnrolment,
  revokeLineage,
} from './lineage.js';
import { type LicenceRecord, records } from './records.js';
import type { MachineContext, RegistrarParams } from './types.js';

export interface LicenceId {
  /** Claim `iss` of its tokens. */
  readonly issuer: string;
  /** Claim `sub`. */
  readonly subject: string;
}

/** As a verified token has it. */
export interface Licence extends LicenceId {
  /** Devices that it may enrol, from 1. */
  readonly devices: number;
}

export interface LicensedEnrolRequest {
  /** {@link licenceTokenHash} of the token. */
  readonly tokenHash: Uint8Array;
  /** Ed25519 public key. */
  readonly pseudonym: Uint8Array;
  /** By the pseudonym's key over {@link licensedEnrolmentStatement}. */
  readonly proof: Uint8Array;
}

/** What a proof covers in the place of the token. */
export function licenceTokenHash(suite: Suite, token: string): Uint8Array {
  return suite.sha256(encodeLabelled(LABELS.licenceToken, token));
}

export function licensedEnrolmentStatement(
  registrarKey: Uint8Array,
  tokenHash: Uint8Array,
  pseudonym: Uint8Array,
): Uint8Array {
  return encodeLabelled(LABELS.licensedEnrolment, registrarKey, tokenHash, pseudonym);
}

export function licensedEnrolChecks(
  request: LicensedEnrolRequest,
  params: RegistrarParams,
): DeriveOp[] {
  const { tokenHash, pseudonym: publicKey, proof: signature } = request;
  const message = licensedEnrolmentStatement(params.publicKey, tokenHash, publicKey);
  return [{ op: 'ed25519-verify', publicKey, message, signature }];
}

/**
 * A pseudonym that this licence has enrolled gets its certificate again, by whichever of its tokens.
 *
 * @param licence - of the token that `request` is about, verified.
 * @param results - of {@link licensedEnrolChecks}.
 * @throws {UsageError} `licence-exhausted`, `revoked`, `proof-invalid`, `pseudonym-taken`, `key-invalid`.
 */
export function enrolLicensed(
  ledger: Ledger,
  request: LicensedEnrolRequest,
  licence: Licence,
  results: readonly DeriveResult[],
  params: RegistrarParams,
  context: MachineContext,
): Certificate {
  checkPseudonymKey(request.pseudonym);
  if (results[0] !== true) throw proofInvalid('proof');
  const names = licenceNames(ledger, licence, context);
  const record = records.licence.find(ledger, names.licence) ?? UNUSED;
  if (record.revoked) throw revokedEnrolment('token');
  const known = records.pseudonym.find(ledger, toHex(request.pseudonym));
  if (known !== undefined) {
    if (!lineagesOf(names, record).includes(known.lineage)) throw pseudonymTaken();
    if (isRevoked(ledger, known)) throw revokedEnrolment('pseudonym');
    return certificateOf(request.pseudonym, known, params, context);
  }
  if (record.enrolments >= licence.devices) {
    const message = `token: this licence has enrolled its ${licence.devices} devices already`;
    throw new UsageError('licence-exhausted', message, { field: 'token' });
  }
  const lineage = names.device(record.enrolments);
  const enrolments = record.enrolments + 1;
  records.licence.put(ledger, { ...record, enrolments }, names.licence);
  const epoch = currentEpoch(params, context);
  return register(ledger, request.pseudonym, lineage, epoch, params, context);
}

/**
 * Revokes all that a licence has enrolled, and lets it enrol nothing more; also if it has enrolled nothing.
 *
 * @returns how many devices, and hex of all their pseudonyms.
 */
export function revokeLicence(
  ledger: Ledger,
  licence: LicenceId,
  context: MachineContext,
): { readonly devices: number; readonly pseudonyms: readonly string[] } {
  const names = licenceNames(ledger, licence, context);
  const record = records.licence.find(ledger, names.licence) ?? UNUSED;
  records.licence.put(ledger, { ...record, revoked: true }, names.licence);
  const lineages = lineagesOf(names, record);
  const pseudonyms = lineages.flatMap((lineage) => revokeLineage(ledger, lineage));
  return { devices: lineages.length, pseudonyms };
}

const UNUSED: LicenceRecord = { enrolments: 0, revoked: false };

interface LicenceNames {
  readonly licence: string;
  /** Lineage of its device number `slot`, from 0. */
  device(slot: number): string;
}

function licenceNames(ledger: Ledger, licence: LicenceId, context: MachineContext): LicenceNames {
  const { issuer, subject } = licence;
  let key = records.licenceKey.find(ledger);
  if (key === undefined) {
    key = context.rng(KEY_BYTES);
    records.licenceKey.put(ledger, key);
  }
  const secret = key;
  const name = (message: Uint8Array) => toHex(context.suite.hmacSha256(secret, message));
  return {
    licence: name(encodeLabelled(LABELS.licence, issuer, subject)),
    device: (slot) => name(encodeLabelled(LABELS.licenceDevice, issuer, subject, slot)),
  };
}

function lineagesOf(names: LicenceNames, { enrolments }: LicenceRecord): string[] {
  return Array.from({ length: enrolments }, (_, slot) => names.device(slot));
}
