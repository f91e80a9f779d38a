/**
 * What an operator does to a registrar's ledger, each with its entry in the audit log. Beside a running
 * registrar as well as within one: nothing here needs its key but {@link lookUpParticipant}.
 */
import {
  type Ledger,
  type LicenceId,
  type MachineContext,
  findParticipant,
  makeCodes,
  newIncarnation,
  revoke,
  revokeLicence,
} from '@onlysum/protocol';
import type { AuditEvent } from '@onlysum/service';
import { appendAudit } from './audit.js';

/** @returns one-time codes; only their hashes are kept. */
export function issueCodes(
  ledger: Ledger,
  count: number,
  lifetimeMs: number,
  context: MachineContext,
): string[] {
  const codes = makeCodes(ledger, count, lifetimeMs, context);
  audit(ledger, 'codes.made', { count, lifetimeMs }, context);
  return codes;
}

/** @param pseudonym - hex. @throws {UsageError} as `revoke` of the protocol. */
export function revokeEnrolment(
  ledger: Ledger,
  pseudonym: string,
  context: MachineContext,
): readonly string[] {
  const revoked = revoke(ledger, pseudonym);
  audit(ledger, 'enrolment.revoked', { pseudonyms: revoked.length }, context);
  return revoked;
}

/** As `revokeLicence` of the protocol. */
export function revokeLicensed(
  ledger: Ledger,
  licence: LicenceId,
  context: MachineContext,
): ReturnType<typeof revokeLicence> {
  const revoked = revokeLicence(ledger, licence, context);
  const { devices, pseudonyms } = revoked;
  audit(ledger, 'licence.revoked', { devices, pseudonyms: pseudonyms.length }, context);
  return revoked;
}

/**
 * Whose place in a round it was. That it was asked is an entry, whose it was is not in it.
 *
 * @param round - hex.
 * @param place - index in the roster, from 0.
 * @param seeds - of the registrar's keys; borrowed.
 * @returns hex of the pseudonym.
 * @throws {UsageError} as `findParticipant` of the protocol.
 */
export function lookUpParticipant(
  ledger: Ledger,
  round: string,
  place: number,
  seeds: readonly Uint8Array[],
  context: MachineContext,
): string {
  const { suite, nowMs } = context;
  const pseudonym = findParticipant(ledger, suite, seeds, round, place);
  const event = { action: 'participant.found', actor: 'operator', outcome: 'done' } as const;
  appendAudit(ledger, suite, { ...event, subject: round, details: { place } }, nowMs);
  return pseudonym;
}

/** After a restore, or when continuity is in doubt. @returns its number. */
export function beginIncarnation(ledger: Ledger, context: MachineContext): number {
  const incarnation = newIncarnation(ledger, context);
  audit(ledger, 'incarnation.begun', { incarnation }, context);
  return incarnation;
}

function audit(
  ledger: Ledger,
  action: string,
  details: NonNullable<AuditEvent['details']>,
  { suite, nowMs }: MachineContext,
): void {
  appendAudit(ledger, suite, { action, actor: 'operator', outcome: 'done', details }, nowMs);
}
