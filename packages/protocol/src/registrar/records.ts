/**
 * The records of the registrar's ledger: one key format and one type each. Protocol §6.5.
 * Invariant: a record is read and written through its own functions here and nowhere else.
 */
import { InternalError, toHex } from '@onlysum/crypto';
import type { Ledger, LedgerValue } from './ledger.js';

/** Grows with every doubt about continuity; signed into every statement about a round. */
export interface IncarnationRecord {
  readonly incarnation: number;
}

/** A one-time code, by the hash of the code: the code itself is never kept. */
export interface CodeRecord {
  readonly expiresMs: number;
  /** The pseudonym that used it; empty while unused. */
  readonly pseudonym: Uint8Array;
}

export interface PseudonymRecord {
  readonly epoch: number;
  readonly epochLengthMs: number;
  /** Order of enrolment; a window freezes all below some number. */
  readonly sequence: number;
  /** Hex of the enrolment this pseudonym descends from. */
  readonly lineage: string;
}

/** One enrolment, over all its epochs. */
export interface LineageRecord {
  readonly revoked: boolean;
  readonly pseudonyms: readonly string[];
}

/** What a licence has enrolled; by a keyed hash of it, so that it is not named here. */
export interface LicenceRecord {
  /** Devices enrolled by it, revoked ones included. */
  readonly enrolments: number;
  readonly revoked: boolean;
}

export interface CounterRecord {
  readonly value: number;
}

/** The announcement of a window, as it was signed. */
export interface WindowRecord {
  readonly enrolled: number;
  /** Enrolments not revoked, of whatever epoch: colluders renew early, honest devices late. */
  readonly population: number;
  /** Pseudonyms with a lower sequence were enrolled when the window was frozen. */
  readonly frozenSequence: number;
  readonly pools: number;
  readonly value: Uint8Array;
  readonly signature: Uint8Array;
  /** Unix time, of the window. */
  readonly endMs: number;
}

export interface RoundRecord {
  /** Hash of the request: the same request gets the same answer, another one is refused. */
  readonly digest: Uint8Array;
  readonly taskId: Uint8Array;
  readonly window: number;
  readonly incarnation: number;
  readonly n: number;
  readonly k: number;
  readonly t: number;
  readonly seed: Uint8Array;
  readonly root: Uint8Array;
  readonly signature: Uint8Array;
  /** Participant ids, n · 32 bytes, by roster index. */
  readonly participants: Uint8Array;
  readonly openUntilMs: number;
  readonly closed: boolean;
}

/** An attested U2 or U3. */
export interface SetRecord {
  readonly members: Uint8Array;
  readonly signature: Uint8Array;
}

/** What a participant did in one window of one task. */
export interface ParticipationRecord {
  readonly attempts: number;
  /** Hex of the last roster it was in. */
  readonly round: string;
  readonly included: boolean;
}

export const records = {
  incarnation: kind<IncarnationRecord>()(() => 'incarnation'),
  code: kind<CodeRecord>()((codeHash: Uint8Array) => `code/${toHex(codeHash)}`),
  pseudonym: kind<PseudonymRecord>()((pseudonym: string) => `pseudonym/${pseudonym}`),
  licence: kind<LicenceRecord>()((licence: string) => `licence/${licence}`),
  /** What licences are hashed with. */
  licenceKey: kind<Uint8Array>()(() => 'licence-key'),
  lineage: kind<LineageRecord>()((lineage: string) => `lineage/${lineage}`),
  revoked: kind<CounterRecord>()((pseudonym: string) => `revoked/${pseudonym}`),
  sequence: kind<CounterRecord>()(() => 'sequence'),
  enrolled: kind<CounterRecord>()(
    (epochLengthMs: number, epoch: number) => `enrolled/${epochLengthMs}/${epoch}`,
  ),
  population: kind<CounterRecord>()(() => 'population'),
  window: kind<WindowRecord>()(
    (taskId: Uint8Array | string, window: number, incarnation: number) =>
      `window/${hex(taskId)}/${window}/${incarnation}`,
  ),
  /** The latest end of a window whose records were pruned. */
  prunedUntil: kind<CounterRecord>()(() => 'pruned-until'),
  /** Which rounds a window has had. */
  windowRound: kind<true>()(
    (taskId: Uint8Array | string, window: number, round: Uint8Array | string) =>
      `window-round/${hex(taskId)}/${window}/${hex(round)}`,
  ),
  round: kind<RoundRecord>()((round: Uint8Array | string) => `round/${hex(round)}`),
  sharedSet: kind<SetRecord>()((round: Uint8Array | string) => `shared-set/${hex(round)}`),
  survivorSet: kind<SetRecord>()((round: Uint8Array | string) => `survivor-set/${hex(round)}`),
  participation: kind<ParticipationRecord>()(
    (taskId: Uint8Array, window: number, participant: Uint8Array) =>
      `participation/${toHex(taskId)}/${window}/${toHex(participant)}`,
  ),
};

/** Hex of the revoked pseudonyms, ascending. */
export function revokedPseudonyms(ledger: Ledger): string[] {
  return namesUnder(ledger, 'revoked/');
}

/** Hex of all pseudonyms, of every epoch, ascending. */
export function enrolledPseudonyms(ledger: Ledger): string[] {
  return namesUnder(ledger, 'pseudonym/');
}

function namesUnder(ledger: Ledger, prefix: string): string[] {
  return [...ledger.keys(prefix)].map((key) => key.slice(prefix.length));
}

interface RecordKind<T, A extends readonly unknown[]> {
  find(ledger: Ledger, ...id: A): T | undefined;
  /** Where only our own bug could make it absent. */
  expect(ledger: Ledger, ...id: A): T;
  put(ledger: Ledger, value: T, ...id: A): void;
  remove(ledger: Ledger, ...id: A): void;
}

/** Curried, so that the record's type is written and its id's type is inferred. */
function kind<T>() {
  return <A extends readonly unknown[]>(key: (...id: A) => string): RecordKind<T, A> => ({
    find: (ledger, ...id) => ledger.read(key(...id)) as T | undefined,
    expect: (ledger, ...id) => {
      const value = ledger.read(key(...id)) as T | undefined;
      if (value === undefined) throw new InternalError('internal', `no record ${key(...id)}`);
      return value;
    },
    put: (ledger, value, ...id) => ledger.put(key(...id), value as LedgerValue),
    remove: (ledger, ...id) => ledger.remove(key(...id)),
  });
}

function hex(id: Uint8Array | string): string {
  return typeof id === 'string' ? id : toHex(id);
}
