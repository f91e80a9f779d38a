import { createHmac, hkdfSync } from 'node:crypto';
import { LABELS, encodeLabelled, toHex } from '@onlysum/crypto';
import { nativeSuite as suite } from '@onlysum/crypto/node';
import { describe, expect, test } from 'vitest';
import { MemoryLedger } from './ledger.js';
import { findParticipant, participantAt, participantId, participantKey } from './participant.js';
import { type RoundRecord, records } from './records.js';

const bytes = (length: number, fill: number) => new Uint8Array(length).fill(fill);
const SEED = bytes(32, 1);
const OTHER_SEED = bytes(32, 2);
const PSEUDONYMS = [3, 4, 5].map((fill) => bytes(32, fill));
const ROUND = '0a'.repeat(16);
const WINDOW = { taskId: bytes(32, 6), window: 7 };

const idOf = (pseudonym: Uint8Array, window = WINDOW, seed = SEED) =>
  participantId(suite, participantKey(suite, seed), window, pseudonym);

describe('a participant id', () => {
  test('is HMAC under a key that HKDF makes from the seed', () => {
    const info = encodeLabelled(LABELS.participantKey);
    const key = new Uint8Array(hkdfSync('sha256', SEED, new Uint8Array(0), info, 32));
    const { taskId, window } = WINDOW;
    const message = encodeLabelled('onlysum/1 participant', taskId, window, bytes(32, 3));
    const expected = createHmac('sha256', key).update(message).digest('hex');
    expect(toHex(idOf(bytes(32, 3)))).toBe(expected);
  });

  test('is another one for each pseudonym, window, task and seed', () => {
    const [pseudonym = SEED] = PSEUDONYMS;
    const ids = [
      ...PSEUDONYMS.map((each) => idOf(each)),
      idOf(pseudonym, { ...WINDOW, window: 8 }),
      idOf(pseudonym, { ...WINDOW, taskId: bytes(32, 9) }),
      idOf(pseudonym, WINDOW, OTHER_SEED),
    ].map(toHex);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('findParticipant', () => {
  function ledger() {
    const made = new MemoryLedger();
    PSEUDONYMS.forEach((pseudonym, sequence) => {
      const record = { epoch: 1, epochLengthMs: 1000, sequence, lineage: 'aa' };
      records.pseudonym.put(made, record, toHex(pseudonym));
    });
    records.round.put(made, roundOf(PSEUDONYMS.toReversed()), ROUND);
    return made;
  }

  const find = (place: number, seeds = [SEED], round = ROUND) =>
    findParticipant(ledger(), suite, seeds, round, place);

  test('leads from each place back to its pseudonym', () => {
    expect([0, 1, 2].map((place) => find(place))).toEqual(PSEUDONYMS.toReversed().map(toHex));
    expect(find(0, [OTHER_SEED, SEED])).toBe(toHex(bytes(32, 5)));
  });

  test('does not without the key that the task names', () => {
    expect(() => find(0, [OTHER_SEED])).toThrow(
      expect.objectContaining({ code: 'participant-unknown' }),
    );
  });

  test.each([-1, 3, 0.5])('refuses place %d', (place) => {
    expect(() => find(place)).toThrow(
      expect.objectContaining({ code: 'argument-invalid', field: 'place' }),
    );
  });

  test('refuses a round that is not there', () => {
    expect(() => find(0, [SEED], 'bb')).toThrow(expect.objectContaining({ code: 'round-unknown' }));
  });
});

function roundOf(pseudonyms: readonly Uint8Array[]): RoundRecord {
  const ids = pseudonyms.map((pseudonym) => idOf(pseudonym));
  const record = {
    digest: bytes(32, 0),
    ...WINDOW,
    incarnation: 1,
    n: pseudonyms.length,
    k: 2,
    t: 2,
    seed: bytes(32, 0),
    root: bytes(32, 0),
    signature: bytes(64, 0),
    participants: new Uint8Array(Buffer.concat(ids)),
    openUntilMs: 0,
    closed: false,
  };
  expect(ids.map((_, place) => participantAt(record, place))).toEqual(ids);
  return record;
}
