/**
 * A certificate for an enrolled pseudonym under another key of the same registrar, while its signing key
 * changes. Protocol §2.5.
 * Knows: that certificates say nothing but (epoch, pseudonym). Doesn't know: which keys there are.
 * Invariant: it enrols nothing and makes no pseudonym, so that under all its keys together an enrolment
 * still has one pseudonym per epoch, and counts once.
 */
import { type DeriveOp, type DeriveResult, LABELS, encodeLabelled, toHex } from '@onlysum/crypto';
import type { Certificate } from '../certificate.js';
import type { Ledger } from './ledger.js';
import {
  certificateOf,
  isRevoked,
  proofInvalid,
  revokedEnrolment,
  unknownPseudonym,
} from './lineage.js';
import { records } from './records.js';
import type { MachineContext, RegistrarParams } from './types.js';

export interface RecertifyRequest {
  /** The registrar's public key under which the device has its certificate. */
  readonly from: Uint8Array;
  readonly pseudonym: Uint8Array;
  /** By the pseudonym's key over {@link keyChangeStatement}. */
  readonly proof: Uint8Array;
}

/** @param to - the registrar's public key that the device wants its certificate under. */
export function keyChangeStatement(
  from: Uint8Array,
  to: Uint8Array,
  pseudonym: Uint8Array,
): Uint8Array {
  return encodeLabelled(LABELS.keyChange, from, to, pseudonym);
}

export function recertifyChecks(request: RecertifyRequest, params: RegistrarParams): DeriveOp[] {
  const { from, pseudonym: publicKey, proof: signature } = request;
  const message = keyChangeStatement(from, params.publicKey, publicKey);
  return [{ op: 'ed25519-verify', publicKey, message, signature }];
}

/**
 * @param results - of {@link recertifyChecks}.
 * @param params - with the key to certify under; the host has checked that `from` is another one of its own.
 * @returns a certificate for the pseudonym's own epoch, whichever that is.
 * @throws {UsageError} `proof-invalid`, `pseudonym-unknown`, `revoked`.
 */
export function recertify(
  ledger: Ledger,
  request: RecertifyRequest,
  results: readonly DeriveResult[],
  params: RegistrarParams,
  context: MachineContext,
): Certificate {
  if (results[0] !== true) throw proofInvalid('proof');
  const known = records.pseudonym.find(ledger, toHex(request.pseudonym));
  if (known === undefined) throw unknownPseudonym('pseudonym');
  if (isRevoked(ledger, known)) throw revokedEnrolment('pseudonym');
  return certificateOf(request.pseudonym, known, params, context);
}
