/**
 * One enrolment over its epochs: its pseudonyms, its certificates, its end; and how many there are.
 * Knows: lineages. Doesn't know: by what a device was enrolled.
 * Invariant: a pseudonym belongs to one lineage for good; N and L count what is not revoked.
 */
import { UsageError, ed25519KeyProblem, toHex } from '@onlysum/crypto';
import { type Certificate, certificateStatement } from '../certificate.js';
import type { Ledger } from './ledger.js';
import { type PseudonymRecord, records } from './records.js';
import { type MachineContext, type RegistrarParams, sign } from './types.js';

/** @returns hex of the pseudonyms that are revoked with it. */
export function revokeLineage(ledger: Ledger, id: string): readonly string[] {
  const lineage = records.lineage.expect(ledger, id);
  if (lineage.revoked) return lineage.pseudonyms;
  records.lineage.put(ledger, { ...lineage, revoked: true }, id);
  records.population.put(ledger, { value: population(ledger) - 1 });
  for (const hex of lineage.pseudonyms) {
    const { epoch, epochLengthMs } = records.pseudonym.expect(ledger, hex);
    records.revoked.put(ledger, { value: epoch }, hex);
    count(ledger, epochLengthMs, epoch, -1);
  }
  return lineage.pseudonyms;
}

export function isRevoked(ledger: Ledger, pseudonym: PseudonymRecord): boolean {
  return records.lineage.expect(ledger, pseudonym.lineage).revoked;
}

/** N: pseudonyms enrolled for an epoch and not revoked. */
export function enrolledIn(ledger: Ledger, epochLengthMs: number, epoch: number): number {
  return records.enrolled.find(ledger, epochLengthMs, epoch)?.value ?? 0;
}

/** L: enrolments that are not revoked, whether or not they have renewed for the present epoch. */
export function population(ledger: Ledger): number {
  return records.population.find(ledger)?.value ?? 0;
}

export function nextSequence(ledger: Ledger): number {
  return records.sequence.find(ledger)?.value ?? 0;
}

/** Adds a pseudonym to a lineage, or begins one. The caller has checked that both may be. */
export function register(
  ledger: Ledger,
  pseudonym: Uint8Array,
  lineage: string,
  epoch: number,
  params: RegistrarParams,
  context: MachineContext,
): Certificate {
  const { epochLengthMs } = params;
  const sequence = nextSequence(ledger);
  const record = { epoch, epochLengthMs, sequence, lineage };
  const hex = toHex(pseudonym);
  records.sequence.put(ledger, { value: sequence + 1 });
  records.pseudonym.put(ledger, record, hex);
  const before = records.lineage.find(ledger, lineage)?.pseudonyms;
  const pseudonyms = [...(before ?? []), hex];
  records.lineage.put(ledger, { revoked: false, pseudonyms }, lineage);
  if (before === undefined) records.population.put(ledger, { value: population(ledger) + 1 });
  count(ledger, epochLengthMs, epoch, 1);
  return certificateOf(pseudonym, record, params, context);
}

export function certificateOf(
  pseudonym: Uint8Array,
  { epoch, epochLengthMs }: PseudonymRecord,
  params: RegistrarParams,
  context: MachineContext,
): Certificate {
  const unsigned = { epoch, epochLengthMs, pseudonym };
  const statement = certificateStatement(params.publicKey, unsigned);
  return { ...unsigned, signature: sign(context.suite, params, statement) };
}

function count(ledger: Ledger, epochLengthMs: number, epoch: number, change: number): void {
  const value = enrolledIn(ledger, epochLengthMs, epoch) + change;
  records.enrolled.put(ledger, { value }, epochLengthMs, epoch);
}

export function currentEpoch(params: RegistrarParams, context: MachineContext): number {
  return Math.floor(context.nowMs / params.epochLengthMs);
}

export function checkPseudonymKey(pseudonym: Uint8Array): void {
  const problem = ed25519KeyProblem(pseudonym);
  if (problem === undefined) return;
  throw new UsageError('key-invalid', `pseudonym: ${problem}`, { field: 'pseudonym' });
}

export function revokedEnrolment(field: string): UsageError {
  return new UsageError('revoked', `${field}: this enrolment was revoked; ask the operator`, {
    field,
  });
}

export function proofInvalid(field: string): UsageError {
  return new UsageError('proof-invalid', `${field}: the signature does not hold`, { field });
}

export function unknownPseudonym(field: string): UsageError {
  return new UsageError('pseudonym-unknown', `${field}: not enrolled here; enrol first`, {
    field,
  });
}

export function pseudonymTaken(): UsageError {
  return new UsageError('pseudonym-taken', 'pseudonym: enrolled already; make a fresh key', {
    field: 'pseudonym',
  });
}
