/**
 * Bookkeeping every stage shares: who is there, whom the stage waits for, who was lost and why.
 * Invariant: a device that was lost once gets nothing more, and its loss has one reason.
 */
import { type Suite, PeerError, equalBytes } from '@onlysum/crypto';
import { at } from '../at.js';
import { type DropCode, MOST_DETAIL_CHARACTERS, retryInMs } from '../drop-reasons.js';
import type {
  AbortCode,
  Cohort,
  CoordinatorEffect,
  CoordinatorStep,
  DeviceId,
  Drop,
  Place,
} from './types.js';

export function dropEffect(device: DeviceId, code: DropCode, detail: string): CoordinatorEffect {
  const text = detail.slice(0, MOST_DETAIL_CHARACTERS);
  return { kind: 'drop', device, code, detail: text, retryInMs: retryInMs(code) };
}

/** Sends a device away. @returns what to tell it, nothing if it is gone already. */
export function lose(
  cohort: Cohort,
  index: number,
  stage: Drop['stage'],
  code: DropCode,
  detail: string,
): CoordinatorEffect[] {
  const place = at(cohort.places, index);
  const { isConnected } = place;
  if (!markLost(cohort, index, stage, isConnected ? code : 'connection-lost')) return [];
  return isConnected ? [dropEffect(place.device, code, detail)] : [];
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
  cohort.left--;
  cohort.waiting.delete(index);
  cohort.drops.push({ index, stage, code });
  return true;
}

/** What is the same for all who get it, encoded once. */
export function send(cohort: Cohort, index: number, bytes: Uint8Array): CoordinatorEffect[] {
  const device = reach(cohort, index);
  return device === undefined ? [] : [{ kind: 'send', device, bytes }];
}

/** What each device gets one of its own of, encoded when the host reads it. */
export function sendOwn(
  cohort: Cohort,
  index: number,
  encode: () => Uint8Array,
): CoordinatorEffect[] {
  const device = reach(cohort, index);
  if (device === undefined) return [];
  return [
    {
      kind: 'send',
      device,
      get bytes() {
        return encode();
      },
    },
  ];
}

function reach(cohort: Cohort, index: number): DeviceId | undefined {
  const place = at(cohort.places, index);
  return place.present && place.isConnected ? place.device : undefined;
}

/** Those of `members` that are not lost. */
export function present(cohort: Cohort, members: Iterable<number>): number[] {
  return [...members].filter((index) => at(cohort.places, index).present);
}

export function everyIndex(cohort: Cohort): number[] {
  return cohort.places.map((_, index) => index);
}

/** A stage begins: it waits for these, as far as they are not lost. */
export function waitFor(cohort: Cohort, members: Iterable<number>): void {
  cohort.waiting.clear();
  for (const index of present(cohort, members)) cohort.waiting.add(index);
}

/** Nobody is waited for but those whose grace is over. §6.3. */
export function isSettled({ waiting, places }: Cohort): boolean {
  for (const index of waiting) if (!at(places, index).isOverdue) return false;
  return true;
}

/** A stage closes: whoever has not answered is lost. */
export function loseWaiting(
  cohort: Cohort,
  stage: Drop['stage'],
  detail: string,
): CoordinatorEffect[] {
  return [...cohort.waiting].flatMap((index) =>
    lose(cohort, index, stage, 'deadline-missed', detail),
  );
}

/**
 * Whether this message is the first of its type from this device.
 *
 * @returns false for a repeat of the same bytes, which is ignored.
 * @throws {PeerError} `conflicting-message` for different bytes.
 */
export function isFirst(suite: Suite, place: Place, type: number, bytes: Uint8Array): boolean {
  const digest = suite.sha256(bytes);
  const before = place.accepted.get(type);
  if (before !== undefined && equalBytes(before, digest)) return false;
  if (before !== undefined) {
    throw new PeerError(
      'conflicting-message',
      `a second, different message of type ${type}: the first one stands`,
    );
  }
  place.accepted.set(type, digest);
  place.lastAccepted = digest;
  return true;
}

/** Ends the round: tells every present device what to do next, and frees the roster. */
export function abort(
  cohort: Cohort,
  code: AbortCode,
  detail: string,
  rosterIsOpen: boolean,
): CoordinatorStep {
  const dropCode = dropCodeOf(code);
  const told = cohort.places
    .filter((place) => place.present && place.isConnected)
    .map((place) => dropEffect(place.device, dropCode, `${code}: ${detail}`));
  const close: CoordinatorEffect[] = rosterIsOpen
    ? [{ kind: 'attest', request: { kind: 'close', round: cohort.facts.round } }]
    : [];
  return [{ stage: 'finished' }, [...told, ...close, { kind: 'abort', code, detail }]];
}

/** An operator's reasons, and that nobody knows whether the sum is kept. */
const TOLD_APART: ReadonlySet<AbortCode> = new Set(['shutting-down', 'task-stopped', 'not-kept']);

/** What devices are told of a round that ends. */
export function dropCodeOf(code: AbortCode): DropCode {
  return TOLD_APART.has(code) ? (code as DropCode) : 'round-aborted';
}
