/**
 * The one all-or-nothing step before a masked input leaves. Protocol §2.3, §5.4.
 * Invariant: for each publisher and metric, contributed windows never overlap and never go back.
 */
import { toHex } from '@onlysum/crypto';
import type { Reservation } from '@onlysum/protocol';
import type { Manifest } from '@onlysum/task';
import type { ClientRecord, SentEntry } from './record.js';
import { MOST_RECEIPTS, own, registrarOf, withRegistrar } from './record.js';

/**
 * @param registrar - public key, hex.
 * @param entry - what will have been sent, for the ledger.
 * @returns the record unchanged with `conflict` if the window starts before the end of the last
 *   interval of any metric, or the incarnation is below the highest met.
 */
export function reserve(
  record: ClientRecord,
  reservation: Reservation,
  registrar: string,
  entry: SentEntry,
): readonly [ClientRecord, 'reserved' | 'conflict'] {
  const publisher = toHex(reservation.publisher);
  const before = own(record.contributedUntil, publisher) ?? {};
  const isTaken = reservation.metrics.some(
    (metric) => reservation.windowStartMs < (own(before, metric) ?? 0),
  );
  if (isTaken || reservation.incarnation < registrarOf(record, registrar).incarnation) {
    return [record, 'conflict'];
  }
  const until = { ...before };
  for (const metric of reservation.metrics) until[metric] = reservation.windowEndMs;
  const { incarnation } = reservation;
  return [
    {
      ...withRegistrar(record, registrar, { incarnation }),
      contributedUntil: { ...record.contributedUntil, [publisher]: until },
      receipts: [...record.receipts, entry].slice(-MOST_RECEIPTS),
    },
    'reserved',
  ];
}

/** @returns the earliest time, Unix ms, at which a window open to all metrics of the task may start. */
export function freeFromMs(record: ClientRecord, manifest: Manifest): number {
  const until = own(record.contributedUntil, manifest.publisher) ?? {};
  return Math.max(0, ...manifest.metrics.map(({ name }) => own(until, name) ?? 0));
}
