/**
 * Bookkeeping every stage shares: who is present, who was lost and why, what may be sent to whom.
 * Invariant: a device that was lost once gets nothing more, and its loss has one reason.
 */
import { type Suite, PeerError, toHex } from '@onlysum/crypto';
import { at } from '../at.js';
import { DROP_REASONS, type DropCode } from '../drop-reasons.js';
import type {
  AbortCode,
  Cohort,
  CoordinatorEffect,
  CoordinatorStep,
  DeviceId,
  Drop,
  Place,
} from './types.js';

/** Retries are spread over this long by the devices themselves. */
const RETRY_MS = 1_000;

/** What `Dropped` has room for; a refusal of the registrar is passed on with a code before it. */
const MOST_DETAIL = 512;

export function dropEffect(device: DeviceId, code: DropCode, detail: string): CoordinatorEffect {
  const retryInMs = DROP_REASONS[code].retry ? RETRY_MS : -1;
  return { kind: 'drop', device, code, detail: detail.slice(0, MOST_DETAIL), retryInMs };
}

/** Sends a device away. @returns what to tell it, nothing if it is gone already. */
export function lose(
  cohort: Cohort,
  index: number,
  stage: Drop['stage'],
  code: DropCode,
  detail: string,
): CoordinatorEffect[] {
  if (!markLost(cohort, index, stage, code)) return [];
  return [dropEffect(at(cohort.places, index).device, code, detail)];
}

/** Marks a device as lost. @returns whether it was there until now. */
export function markLost(
  cohort: Cohort,
  index: number,
  stage: Drop['stage'],
  code: DropCode,
): boolean {
  const place = at(cohort.places, index);
  if (!place.present) return false;
  place.present = false;
  cohort.drops.push({ index, stage, code });
  return true;
}

export function send(cohort: Cohort, index: number, bytes: Uint8Array): CoordinatorEffect[] {
  const place = at(cohort.places, index);
  return place.present ? [{ kind: 'send', device: place.device, bytes }] : [];
}

/** Indices of the devices in `members` that are still connected. */
export function present(cohort: Cohort, members: Iterable<number>): number[] {
  return [...members].filter((index) => at(cohort.places, index).present);
}

export function everyIndex(cohort: Cohort): number[] {
  return cohort.places.map((_, index) => index);
}

/**
 * Whether this message is the first of its type from this device.
 *
 * @returns false for a repeat of the same bytes, which is ignored.
 * @throws {PeerError} `conflicting-message` for different bytes.
 */
export function isFirst(suite: Suite, place: Place, type: number, bytes: Uint8Array): boolean {
  const digest = toHex(suite.sha256(bytes));
  const before = place.accepted.get(type);
  if (before === digest) return false;
  if (before !== undefined) {
    throw new PeerError(
      'conflicting-message',
      `a second, different message of type ${type}: the first one stands`,
    );
  }
  place.accepted.set(type, digest);
  return true;
}

/** Ends the round: tells every present device what to do next, and frees the roster. */
export function abort(
  cohort: Cohort,
  code: AbortCode,
  detail: string,
  rosterIsOpen: boolean,
): CoordinatorStep {
  const dropCode: DropCode = code === 'shutting-down' ? 'shutting-down' : 'round-aborted';
  const told = cohort.places
    .filter((place) => place.present)
    .map((place) => dropEffect(place.device, dropCode, `${code}: ${detail}`));
  const close: CoordinatorEffect[] = rosterIsOpen
    ? [{ kind: 'attest', request: { kind: 'close', round: cohort.facts.round } }]
    : [];
  return [{ stage: 'finished' }, [...told, ...close, { kind: 'abort', code, detail }]];
}
