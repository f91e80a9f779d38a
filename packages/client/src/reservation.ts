/**
 * The one all-or-nothing step before a masked input leaves. Protocol §2.3, §5.4.
 * Invariant: for each publisher and metric, contributed windows never overlap and never go back, and
 * none is contributed beyond the budget. What is reserved is spent, whatever becomes of the round.
 */
import { toHex } from '@onlysum/crypto';
import type { Reservation } from '@onlysum/protocol';
import { isWithinBudget, type Manifest } from '@onlysum/task';
import { type Charge, spentWith, withCharge } from './privacy-budget.js';
import { withEntry } from './receipt.js';
import type { ClientRecord, SentEntry } from './record.js';
import { own, registrarOf, withRegistrar } from './record.js';

/**
 * @param registrar - public key, hex.
 * @param charge - what the window costs; undefined without noise.
 * @param entry - what will have been sent, for the ledger, at `sentAtMs`.
 * @returns the record unchanged with `conflict` if the window starts before the end of the last
 *   interval of any metric, or the incarnation is below the highest met; with `budget-spent` if
 *   the budget does not bear the charge.
 */
export function reserve(
  record: ClientRecord,
  reservation: Reservation,
  registrar: string,
  charge: Charge | undefined,
  entry: Omit<SentEntry, 'privacy'>,
): readonly [ClientRecord, 'reserved' | 'conflict' | 'budget-spent'] {
  const publisher = toHex(reservation.publisher);
  const before = own(record.contributedUntil, publisher) ?? {};
  const isTaken = reservation.metrics.some(
    (metric) => reservation.windowStartMs < (own(before, metric) ?? 0),
  );
  if (isTaken || reservation.incarnation < registrarOf(record, registrar).incarnation) {
    return [record, 'conflict'];
  }
  const spentBefore = own(record.privacySpent, publisher) ?? [];
  const spent = charge === undefined ? 0 : spentWith(spentBefore, charge);
  if (charge !== undefined && !isWithinBudget(spent, charge.budget))
    return [record, 'budget-spent'];
  const until = { ...before };
  for (const metric of reservation.metrics) until[metric] = reservation.windowEndMs;
  const { incarnation } = reservation;
  const changed = {
    ...withRegistrar(record, registrar, { incarnation }),
    contributedUntil: { ...record.contributedUntil, [publisher]: until },
  };
  if (charge === undefined) {
    return [withEntry(changed, { ...entry, privacy: { mechanism: 'none' } }), 'reserved'];
  }
  const { mechanism, epsilon, delta, budget } = charge;
  const privacySpent = {
    ...record.privacySpent,
    [publisher]: withCharge(spentBefore, charge),
  };
  const privacy = { mechanism, epsilon, delta, budget, spent };
  return [withEntry({ ...changed, privacySpent }, { ...entry, privacy }), 'reserved'];
}

/** @returns the earliest time, Unix ms, at which a window open to all metrics of the task may start. */
export function freeFromMs(record: ClientRecord, manifest: Manifest): number {
  const until = own(record.contributedUntil, manifest.publisher) ?? {};
  return Math.max(0, ...manifest.metrics.map(({ name }) => own(until, name) ?? 0));
}
