/**
 * A round record held against what the registrar signed, and its sum opened again. Protocol §5.11.
 * Knows: signatures, the graph, masks. Doesn't know: files, what a lane means.
 * Invariant: exactly the masks that must be left on the total of U3 come off it; none is missing, and
 * none is there that a device did not put on.
 *
 * Signatures bind who is in the sum. Nobody but the coordinator vouches for the masked total and the
 * seeds: that the sum follows from them does not show that they are what the devices sent.
 */
import {
  RoundError,
  type SignedStream,
  type Suite,
  WireError,
  equalBytes,
  merkleRoot,
  parseHex,
  toHex,
} from '@onlysum/crypto';
import { type Task, decodeLane } from '@onlysum/task';
import { at } from './at.js';
import { decodeBitmap } from './bitmap.js';
import {
  type RosterFacts,
  maskContext,
  rosterStatement,
  roundContext,
  sharedSetStatement,
  survivorSetStatement,
} from './context.js';
import { type Graph, countNeighbours, drawGraph } from './graph.js';
import { type RoundKeys, rosterLeaves } from './leaf.js';
import {
  type PairEnd,
  pairMask,
  pairSecret,
  removeMasks,
  selfCommitment,
  selfMask,
} from './masking.js';
import { addPacked } from './packing.js';
import { type GraphParameters, rosterParameters } from './parameters.js';
import type { AttestedRecord, RoundRecord } from './round-record.js';
import { DIGEST_BYTES, KEY_BYTES, ROUND_ID_BYTES, SIGNATURE_BYTES } from './sizes.js';

/** What was checked of a record that holds. */
export interface CheckedRound {
  readonly facts: RosterFacts;
  /** Sizes of U2 and U3. */
  readonly shared: number;
  readonly survivors: number;
  /** Masks that came off: self masks are one per survivor. */
  readonly revealedPairs: number;
  readonly recoveredPairs: number;
  /** The sum, opened again. */
  readonly lanes: readonly number[];
}

/**
 * @param task - of a manifest whose publisher is trusted.
 * @param record - as `parseRoundRecord` gives it.
 * @throws {RoundError} `audit-failed` that names the first thing that does not hold.
 */
export function verifyRoundRecord(suite: Suite, task: Task, record: RoundRecord): CheckedRound {
  const attested = readAttested(record.attested);
  const { facts, sharedSet, survivorSet } = attested;
  if (!equalBytes(facts.taskId, task.taskId)) {
    throw failed('attested.taskId', `the task ${toHex(task.taskId)}`, 'another task or version');
  }
  const parameters = parametersOf(facts, task);
  checkSignatures(suite, task, attested);
  const graph = drawGraph(suite, parameters, facts.seed);
  const shared = membersOf('sharedSet', sharedSet, facts.n);
  const survivors = membersOf('survivorSet', survivorSet, facts.n);
  checkSet('sharedSet', shared, graph, facts.t, parameters.fewestPresent);
  const least = Math.max(task.manifest.minSurvivors, parameters.fewestPresent);
  checkSet('survivorSet', survivors, graph, facts.t, least);
  if ([...survivors].some((index) => !shared.has(index))) {
    throw failed('attested.survivorSet', 'a part of U2', 'more');
  }
  const keys = readKeys(record.keys, facts.n);
  const leaves = rosterLeaves(keys, graph).map(({ leaf }) => leaf);
  if (!equalBytes(merkleRoot(suite, leaves), facts.root)) {
    throw failed('keys', 'the keys under the attested root', 'others');
  }
  const round: Round = {
    suite,
    context: roundContext(suite, facts),
    context2: maskContext(suite, roundContext(suite, facts), sharedSet),
    graph,
    survivors,
    dropped: new Set([...shared].filter((index) => !survivors.has(index))),
    ends: keys.map(({ s }, index) => ({ index, s })),
  };
  const self = selfMasks(round, record);
  const { masks: pairs, recovered } = pairMasks(round, record);
  const lanes = openTotal(suite, task, record, [...self, ...pairs]);
  lanes.forEach((lane, j) => {
    if (record.lanes[j] === lane) return;
    throw failed(`lanes[${j}]`, `${lane}, as it follows from the record`, `${record.lanes[j]}`);
  });
  if (record.lanes.length !== lanes.length) {
    throw failed('lanes', `${lanes.length} lanes`, `${record.lanes.length}`);
  }
  return {
    facts,
    shared: shared.size,
    survivors: survivors.size,
    revealedPairs: pairs.length - recovered,
    recoveredPairs: recovered,
    lanes,
  };
}

/** What masks of a round are made with. */
interface Round {
  readonly suite: Suite;
  readonly context: Uint8Array;
  readonly context2: Uint8Array;
  readonly graph: Graph;
  readonly survivors: ReadonlySet<number>;
  /** U2 without U3. */
  readonly dropped: ReadonlySet<number>;
  readonly ends: readonly PairEnd[];
}

/** One for each member of U3, no more and no less. */
function selfMasks({ suite, context2, survivors }: Round, record: RoundRecord): SignedStream[] {
  const members = [...survivors];
  if (record.selfMasks.length !== members.length) {
    const expected = `one for each of the ${members.length} members of U3`;
    throw failed('selfMasks', expected, `${record.selfMasks.length}`);
  }
  return record.selfMasks.map(({ index, b, commitment }, i) => {
    const field = `selfMasks[${i}]`;
    if (index !== members[i]) {
      throw failed(`${field}.index`, `${members[i]}, a member of U3`, `${index}`);
    }
    const seed = parseHex(`${field}.b`, b, KEY_BYTES);
    const committed = parseHex(`${field}.commitment`, commitment, DIGEST_BYTES);
    if (!equalBytes(selfCommitment(suite, context2, index, seed), committed)) {
      throw failed(`${field}.b`, 'what the device committed to', 'something else');
    }
    return selfMask(suite, context2, index, seed);
  });
}

/**
 * One for each pair of neighbours of which one is in U3 and the other in U2 only: their masks did not
 * cancel. By the secret that the survivor revealed, or else by the dropout's key.
 */
function pairMasks(
  { suite, context, context2, graph, survivors, dropped, ends }: Round,
  record: RoundRecord,
): { readonly masks: SignedStream[]; readonly recovered: number } {
  const agreements = recoveredKeys(suite, ends, dropped, record);
  const used = new Set<number>();
  const masks: SignedStream[] = [];
  let next = 0;
  let recovered = 0;
  for (const survivor of survivors) {
    for (const other of at(graph.neighbours, survivor)) {
      if (!dropped.has(other)) continue;
      const revealed = record.pairSecrets[next];
      if (revealed?.survivor === survivor && revealed.dropped === other) {
        const p = parseHex(`pairSecrets[${next}].p`, revealed.p, KEY_BYTES);
        masks.push(pairMask(suite, context2, survivor, other, p));
        next++;
        continue;
      }
      const agree = agreements.get(other);
      if (agree === undefined) {
        const expected = `the secret of survivor ${survivor} and dropout ${other}, or its mask key`;
        throw failed(`pairSecrets[${next}]`, expected, 'neither');
      }
      used.add(other);
      recovered++;
      const [one, two] = [at(ends, survivor), at(ends, other)];
      const p = pairSecret(suite, agree(one.s), context, one, two);
      masks.push(pairMask(suite, context2, survivor, other, p));
    }
  }
  if (next < record.pairSecrets.length) {
    throw failed(`pairSecrets[${next}]`, 'a pair of a survivor and a dropout in order', 'another');
  }
  for (const index of agreements.keys()) {
    if (!used.has(index)) throw failed('maskKeys', 'no key that is not needed', `that of ${index}`);
  }
  return { masks, recovered };
}

/** @returns by dropout: the agreement with a partner's key. */
function recoveredKeys(
  suite: Suite,
  ends: readonly PairEnd[],
  dropped: ReadonlySet<number>,
  { maskKeys }: RoundRecord,
): Map<number, (publicKey: Uint8Array) => Uint8Array> {
  let previous = -1;
  return new Map(
    maskKeys.map(({ index, s }, i) => {
      const field = `maskKeys[${i}]`;
      if (index <= previous || !dropped.has(index)) {
        throw failed(`${field}.index`, `a dropout above ${previous}`, `${index}`);
      }
      previous = index;
      const key = parseHex(`${field}.s`, s, KEY_BYTES);
      if (!equalBytes(suite.x25519PublicKey(key), at(ends, index).s)) {
        throw failed(`${field}.s`, 'the key of which the roster has the public half', 'another');
      }
      return [index, suite.x25519With(key)];
    }),
  );
}

function openTotal(
  suite: Suite,
  { layout }: Task,
  { maskedTotal }: RoundRecord,
  masks: readonly SignedStream[],
): number[] {
  const packed = parseHex('maskedTotal', maskedTotal, layout.vectorBytes);
  const total = new Uint32Array(layout.lanes.length);
  inRecord('maskedTotal', () => addPacked(total, packed, layout.widths));
  removeMasks(suite, total, masks);
  return layout.lanes.map((lane, j) => decodeLane(at(total, j), lane));
}

interface Attested {
  readonly facts: RosterFacts;
  readonly sharedSet: Uint8Array;
  readonly survivorSet: Uint8Array;
  readonly rosterSignature: Uint8Array;
  readonly sharedSetSignature: Uint8Array;
  readonly survivorSetSignature: Uint8Array;
}

function readAttested(record: AttestedRecord): Attested {
  const { window, incarnation, n, k, t } = record;
  const bytes = (name: keyof AttestedRecord, length: number): Uint8Array =>
    parseHex(`attested.${name}`, record[name], length);
  const facts: RosterFacts = {
    taskId: bytes('taskId', DIGEST_BYTES),
    window,
    incarnation,
    round: bytes('round', ROUND_ID_BYTES),
    n,
    k,
    t,
    seed: bytes('seed', DIGEST_BYTES),
    root: bytes('root', DIGEST_BYTES),
  };
  return {
    facts,
    sharedSet: bytes('sharedSet', Math.ceil(n / 8)),
    survivorSet: bytes('survivorSet', Math.ceil(n / 8)),
    rosterSignature: bytes('rosterSignature', SIGNATURE_BYTES),
    sharedSetSignature: bytes('sharedSetSignature', SIGNATURE_BYTES),
    survivorSetSignature: bytes('survivorSetSignature', SIGNATURE_BYTES),
  };
}

/** Before the graph is drawn: a graph of any k that a file names could take forever. */
function parametersOf({ n, k, t }: RosterFacts, { manifest }: Task): GraphParameters {
  const parameters = rosterParameters(n, manifest.assumptions);
  if (parameters.k === k && parameters.t === t) return parameters;
  const expected = `k = ${parameters.k} and t = ${parameters.t}, as n = ${n} has`;
  throw failed('attested.k', expected, `k = ${k} and t = ${t}`);
}

function checkSignatures(suite: Suite, { registrarKey }: Task, attested: Attested): void {
  const { facts, sharedSet, survivorSet } = attested;
  const context = roundContext(suite, facts);
  const context2 = maskContext(suite, context, sharedSet);
  const signed = [
    ['rosterSignature', rosterStatement(facts)],
    ['sharedSetSignature', sharedSetStatement(context, sharedSet)],
    ['survivorSetSignature', survivorSetStatement(context2, survivorSet)],
  ] as const;
  for (const [name, statement] of signed) {
    if (suite.ed25519Verify(registrarKey, statement, attested[name])) continue;
    throw failed(`attested.${name}`, "the registrar's over this round", 'another');
  }
}

function checkSet(
  name: 'sharedSet' | 'survivorSet',
  members: ReadonlySet<number>,
  graph: Graph,
  t: number,
  least: number,
): void {
  if (members.size < least) {
    throw failed(`attested.${name}`, `at least ${least} members`, `${members.size}`);
  }
  for (const index of members) {
    const count = countNeighbours(graph, index, members);
    if (count >= t) continue;
    throw failed(
      `attested.${name}`,
      `${t} neighbours of each member in it`,
      `${count} of ${index}`,
    );
  }
}

function membersOf(name: string, bitmap: Uint8Array, n: number): ReadonlySet<number> {
  return new Set(inRecord(`attested.${name}`, () => decodeBitmap(bitmap, n, name)));
}

function readKeys(keys: string, n: number): RoundKeys[] {
  const bytes = parseHex('keys', keys, 2 * KEY_BYTES * n);
  return Array.from({ length: n }, (_, index) => {
    const from = 2 * KEY_BYTES * index;
    const middle = from + KEY_BYTES;
    return { c: bytes.subarray(from, middle), s: bytes.subarray(middle, middle + KEY_BYTES) };
  });
}

/** Bytes that the protocol does not allow are here what does not hold of the record. */
function inRecord<T>(field: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    throw failed(field, error.expected ?? 'zero padding bits', error.got ?? 'others');
  }
}

function failed(field: string, expected: string, got: string): RoundError {
  return new RoundError('audit-failed', `${field}: expected ${expected}, got ${got}`, {
    field,
    expected,
    got,
  });
}
