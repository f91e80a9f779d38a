/** Statements and contexts: every fact is in the bytes, and no two kinds can be taken for each other. */
import { portableSuite, toHex } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import { describe, expect, test } from 'vitest';
import { announcementCheck, announcementStatement } from './announcement.js';
import { certificateCheck, certificateStatement } from './certificate.js';
import {
  type RosterFacts,
  maskContext,
  rosterStatement,
  roundContext,
  sharedSetStatement,
  survivorSetStatement,
} from './context.js';

const bytes = (length: number, fill: number) => new Uint8Array(length).fill(fill);
const suite = nativeSuite;

/** One copy of `value` per field, with that field changed. */
function variants<T extends object>(value: T): { field: string; value: T }[] {
  return Object.entries(value).map(([field, old]) => ({
    field,
    value: {
      ...value,
      [field]: old instanceof Uint8Array ? old.map((b) => b ^ 1) : Number(old) + 1,
    },
  }));
}

const facts: RosterFacts = {
  taskId: bytes(32, 1),
  window: 2,
  incarnation: 3,
  round: bytes(16, 4),
  n: 5,
  k: 4,
  t: 3,
  seed: bytes(32, 8),
  root: bytes(32, 9),
};

describe('the facts of a roster', () => {
  test.each(variants(facts))('$field is in the statement and in the context', ({ value }) => {
    expect(rosterStatement(value)).not.toEqual(rosterStatement(facts));
    expect(roundContext(suite, value)).not.toEqual(roundContext(suite, facts));
  });

  test('give the same context in both suites, which is no hash of the statement', () => {
    expect(roundContext(portableSuite, facts)).toEqual(roundContext(suite, facts));
    expect(roundContext(suite, facts)).not.toEqual(suite.sha256(rosterStatement(facts)));
  });
});

describe('the sets', () => {
  const [context, other] = [bytes(32, 1), bytes(32, 2)];
  const [set, otherSet] = [bytes(2, 3), bytes(2, 7)];

  test.each([
    ['U2 statement', sharedSetStatement],
    ['U3 statement', survivorSetStatement],
    ['context2', (c: Uint8Array, s: Uint8Array) => maskContext(suite, c, s)],
  ])('%s: context and members are in it', (_, make) => {
    const made = make(context, set);
    expect(make(other, set)).not.toEqual(made);
    expect(make(context, otherSet)).not.toEqual(made);
    expect(make(context, bytes(1, 3))).not.toEqual(made);
  });

  test('U2 can never pass for U3, nor its context for its statement', () => {
    const all = [
      sharedSetStatement(context, set),
      survivorSetStatement(context, set),
      maskContext(suite, context, set),
      suite.sha256(sharedSetStatement(context, set)),
    ];
    expect(new Set(all.map(toHex)).size).toBe(4);
  });
});

const seed = bytes(32, 6);
const publicKey = suite.ed25519PublicKey(seed);

describe('a certificate', () => {
  const unsigned = { epoch: 1, epochLengthMs: 86_400_000, pseudonym: bytes(32, 3) };
  const statement = certificateStatement(publicKey, unsigned);

  test.each(variants(unsigned))('$field is in the statement', ({ value }) => {
    expect(certificateStatement(publicKey, value)).not.toEqual(statement);
  });

  test('the registrar is in the statement', () => {
    expect(certificateStatement(bytes(32, 9), unsigned)).not.toEqual(statement);
  });

  test('its check verifies what the registrar signed, under the registrar’s key', () => {
    const signature = suite.ed25519Sign(seed, statement);
    expect(certificateCheck(publicKey, { ...unsigned, signature })).toEqual({
      op: 'ed25519-verify',
      publicKey,
      message: statement,
      signature,
    });
  });
});

describe('an announcement', () => {
  const unsigned = {
    window: 1,
    incarnation: 2,
    enrolled: 3,
    population: 7,
    pools: 4,
    value: bytes(32, 5),
  };
  const taskId = bytes(32, 1);
  const statement = announcementStatement(taskId, unsigned);

  test.each(variants(unsigned))('$field is in the statement', ({ value }) => {
    expect(announcementStatement(taskId, value)).not.toEqual(statement);
  });

  test('the task is in the statement', () => {
    expect(announcementStatement(bytes(32, 2), unsigned)).not.toEqual(statement);
  });

  test('its check verifies what the registrar signed, under the registrar’s key', () => {
    const signature = suite.ed25519Sign(seed, statement);
    expect(announcementCheck(publicKey, taskId, { ...unsigned, signature })).toEqual({
      op: 'ed25519-verify',
      publicKey,
      message: statement,
      signature,
    });
  });
});
