/**
 * Who took part, under a name that the registrar's key alone connects with a pseudonym. Protocol §6.5.
 * Knows: keyed hashes. Doesn't know: what is recorded under them.
 * Invariant: without the seed of the key that a task names, an id says nothing of a pseudonym, and nothing of
 * an id of another window or task.
 */
import {
  LABELS,
  type Suite,
  UsageError,
  encodeLabelled,
  equalBytes,
  invalidField,
  parseHex,
  wipe,
} from '@onlysum/crypto';
import { KEY_BYTES } from '../sizes.js';
import type { Ledger } from './ledger.js';
import { type RoundRecord, enrolledPseudonyms, records } from './records.js';

const NO_SALT = new Uint8Array(0);

/**
 * @param seed - of the registrar's key that the task names, 32 bytes; borrowed.
 * @returns 32 bytes, owned by the caller, who wipes them.
 */
export function participantKey(suite: Suite, seed: Uint8Array): Uint8Array {
  return suite.hkdfSha256(seed, NO_SALT, encodeLabelled(LABELS.participantKey), KEY_BYTES);
}

/** @param key - a {@link participantKey}. @returns 32 bytes. */
export function participantId(
  suite: Suite,
  key: Uint8Array,
  { taskId, window }: { readonly taskId: Uint8Array; readonly window: number },
  pseudonym: Uint8Array,
): Uint8Array {
  return suite.hmacSha256(key, encodeLabelled(LABELS.participant, taskId, window, pseudonym));
}

/** @param place - index in the roster, from 0. */
export function participantAt({ participants }: RoundRecord, place: number): Uint8Array {
  return participants.slice(place * KEY_BYTES, (place + 1) * KEY_BYTES);
}

/**
 * From a place in a round to the pseudonym that had it, by trying all that are enrolled.
 *
 * @param round - hex.
 * @param place - index in the roster, from 0.
 * @param seeds - of the registrar's keys, of which the task names one; borrowed.
 * @returns hex.
 * @throws {UsageError} `round-unknown`, `argument-invalid`; `participant-unknown` if it is none of them
 *   under any of these keys.
 */
export function findParticipant(
  ledger: Ledger,
  suite: Suite,
  seeds: readonly Uint8Array[],
  round: string,
  place: number,
): string {
  const record = records.round.find(ledger, round);
  if (record === undefined) throw unknownRound(round);
  if (!Number.isSafeInteger(place) || place < 0 || place >= record.n) {
    const expected = `a place in this round, from 0 to ${record.n - 1}`;
    throw invalidField(UsageError, 'argument-invalid', 'place', expected, place);
  }
  const wanted = participantAt(record, place);
  const keys = seeds.map((seed) => participantKey(suite, seed));
  try {
    for (const hex of enrolledPseudonyms(ledger)) {
      const pseudonym = parseHex('pseudonym', hex, KEY_BYTES);
      const isWanted = (key: Uint8Array) =>
        equalBytes(participantId(suite, key, record, pseudonym), wanted);
      if (keys.some(isWanted)) return hex;
    }
  } finally {
    wipe(...keys);
  }
  const expected = 'the key of the registrar that the task of this round names';
  const got = 'other keys';
  const message = `key: expected ${expected}, got ${got}: after a rotation it is one from before`;
  throw new UsageError('participant-unknown', message, { field: 'key', expected, got });
}

function unknownRound(round: string): UsageError {
  const expected = 'a round that is in the record';
  const message = `round: expected ${expected}, got ${round}: it was not attested here, or is forgotten`;
  return new UsageError('round-unknown', message, { field: 'round', expected, got: round });
}
