/**
 * Who may take part: one-time codes, certificates for one epoch, renewal for the next, revocation.
 * Knows: that a code makes one lineage of pseudonyms. Doesn't know: people, licences, devices.
 * Invariant: one lineage has at most one pseudonym per epoch, so renewing never multiplies a device.
 */
import { type DeriveOp, type DeriveResult, LABELS, type Suite, UsageError } from '@onlysum/crypto';
import { encodeLabelled, invalidField, parseHex, toHex } from '@onlysum/crypto';
import type { Certificate } from '../certificate.js';
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
  unknownPseudonym,
} from './lineage.js';
import { records } from './records.js';
import type { MachineContext, RegistrarParams } from './types.js';

/** Random bytes of a code: guessing one among a million unused codes takes 2^76 tries. */
const CODE_BYTES = 12;

export interface EnrolRequest {
  /** As {@link makeCodes} printed it. */
  readonly code: string;
  /** Ed25519 public key. */
  readonly pseudonym: Uint8Array;
  /** By the pseudonym's key over {@link enrolmentStatement}: proof of possession. */
  readonly proof: Uint8Array;
}

export interface RenewRequest {
  /** The pseudonym of an earlier epoch, or of this one. */
  readonly previous: Uint8Array;
  readonly pseudonym: Uint8Array;
  readonly epoch: number;
  /** By the previous key, then by the new one, both over {@link renewalStatement}. */
  readonly authorisation: Uint8Array;
  readonly proof: Uint8Array;
}

export function enrolmentStatement(
  registrarKey: Uint8Array,
  code: string,
  pseudonym: Uint8Array,
): Uint8Array {
  return encodeLabelled(LABELS.enrolment, registrarKey, code, pseudonym);
}

export function renewalStatement(
  registrarKey: Uint8Array,
  request: Pick<RenewRequest, 'previous' | 'pseudonym' | 'epoch'>,
): Uint8Array {
  const { previous, pseudonym, epoch } = request;
  return encodeLabelled(LABELS.renewal, registrarKey, previous, pseudonym, epoch);
}

/** @returns fresh codes; only their hashes are kept, so print them now. */
export function makeCodes(
  ledger: Ledger,
  count: number,
  lifetimeMs: number,
  context: MachineContext,
): string[] {
  return Array.from({ length: count }, () => {
    const code = toHex(context.rng(CODE_BYTES)).replace(/(.{6})(?=.)/g, '$1-');
    const record = { expiresMs: context.nowMs + lifetimeMs, pseudonym: new Uint8Array(0) };
    records.code.put(ledger, record, codeHash(context.suite, code));
    return code;
  });
}

export function enrolChecks(request: EnrolRequest, params: RegistrarParams): DeriveOp[] {
  const message = enrolmentStatement(params.publicKey, request.code, request.pseudonym);
  const { pseudonym: publicKey, proof: signature } = request;
  return [{ op: 'ed25519-verify', publicKey, message, signature }];
}

/**
 * The same code with the same pseudonym gives the same certificate again, so a lost answer costs
 * nothing.
 *
 * @param results - of {@link enrolChecks}.
 * @throws {UsageError} `code-invalid`, `code-used`, `proof-invalid`, `pseudonym-taken`, `key-invalid`.
 */
export function enrol(
  ledger: Ledger,
  request: EnrolRequest,
  results: readonly DeriveResult[],
  params: RegistrarParams,
  context: MachineContext,
): Certificate {
  checkPseudonymKey(request.pseudonym);
  if (results[0] !== true) throw proofInvalid('proof');
  const hash = codeHash(context.suite, request.code);
  const code = records.code.find(ledger, hash);
  const isUsed = code !== undefined && code.pseudonym.length > 0;
  if (code === undefined || (!isUsed && code.expiresMs <= context.nowMs)) {
    throw new UsageError(
      'code-invalid',
      'code: unknown or expired; ask the operator for a new one',
      {
        field: 'code',
      },
    );
  }
  const pseudonym = toHex(request.pseudonym);
  const known = records.pseudonym.find(ledger, pseudonym);
  if (isUsed) {
    if (toHex(code.pseudonym) !== pseudonym || known === undefined) {
      throw new UsageError('code-used', 'code: used by another pseudonym; ask for a new one', {
        field: 'code',
      });
    }
    return certificateOf(request.pseudonym, known, params, context);
  }
  if (known !== undefined) throw pseudonymTaken();
  records.code.put(ledger, { ...code, pseudonym: request.pseudonym }, hash);
  const lineage = toHex(hash);
  const epoch = currentEpoch(params, context);
  return register(ledger, request.pseudonym, lineage, epoch, params, context);
}

export function renewChecks(request: RenewRequest, params: RegistrarParams): DeriveOp[] {
  const message = renewalStatement(params.publicKey, request);
  return [
    {
      op: 'ed25519-verify',
      publicKey: request.previous,
      message,
      signature: request.authorisation,
    },
    { op: 'ed25519-verify', publicKey: request.pseudonym, message, signature: request.proof },
  ];
}

/**
 * A new pseudonym for this epoch or the next, in the name of one that was enrolled before.
 *
 * @param results - of {@link renewChecks}.
 * @throws {UsageError} `proof-invalid`, `pseudonym-unknown`, `revoked`, `epoch-invalid`,
 *   `already-renewed`, `pseudonym-taken`, `key-invalid`.
 */
export function renew(
  ledger: Ledger,
  request: RenewRequest,
  results: readonly DeriveResult[],
  params: RegistrarParams,
  context: MachineContext,
): Certificate {
  checkPseudonymKey(request.pseudonym);
  if (results[0] !== true) throw proofInvalid('authorisation');
  if (results[1] !== true) throw proofInvalid('proof');
  const previousHex = toHex(request.previous);
  const previous = records.pseudonym.find(ledger, previousHex);
  if (previous === undefined) throw unknownPseudonym('previous');
  if (isRevoked(ledger, previous)) throw revokedEnrolment('previous');
  const now = currentEpoch(params, context);
  const isOpen = request.epoch === now || request.epoch === now + 1;
  if (!isOpen || request.epoch <= previous.epoch) {
    const expected = `${now} or ${now + 1}, and above the previous epoch ${previous.epoch}`;
    throw invalidField(UsageError, 'epoch-invalid', 'epoch', expected, request.epoch);
  }
  const pseudonym = toHex(request.pseudonym);
  const lineage = records.lineage.expect(ledger, previous.lineage);
  const inEpoch = lineage.pseudonyms.find(
    (hex) => records.pseudonym.find(ledger, hex)?.epoch === request.epoch,
  );
  if (inEpoch === pseudonym) {
    const record = records.pseudonym.expect(ledger, pseudonym);
    return certificateOf(request.pseudonym, record, params, context);
  }
  const newest = records.pseudonym.expect(ledger, lineage.pseudonyms.at(-1) ?? '').epoch;
  if (inEpoch !== undefined || newest !== previous.epoch) {
    // Only the newest key speaks for an enrolment: an old one that leaked must not outrun its owner.
    throw new UsageError(
      'already-renewed',
      `epoch: this enrolment has a pseudonym for epoch ${newest} already: renew with that one`,
      { field: 'epoch' },
    );
  }
  if (records.pseudonym.find(ledger, pseudonym) !== undefined) throw pseudonymTaken();
  return register(ledger, request.pseudonym, previous.lineage, request.epoch, params, context);
}

/**
 * Revokes an enrolment with all its pseudonyms, by any of them.
 *
 * @returns hex of the pseudonyms that are revoked with it.
 * @throws {UsageError} `pseudonym-unknown`.
 */
export function revoke(ledger: Ledger, pseudonym: string): readonly string[] {
  parseHex('pseudonym', pseudonym, 32);
  const record = records.pseudonym.find(ledger, pseudonym);
  if (record === undefined) throw unknownPseudonym('pseudonym');
  return revokeLineage(ledger, record.lineage);
}

/** Under which a code is known: its text is kept nowhere. */
export function codeHash(suite: Suite, code: string): Uint8Array {
  return suite.sha256(encodeLabelled(LABELS.code, code));
}
