/**
 * §5.4, §5.5: one attested U2 and one attested U3 per round, each only if every member keeps t
 * neighbours and at least n − D devices are in it.
 */
import { type Suite, WireError, toHex } from '@onlysum/crypto';
import type { Task } from '@onlysum/task';
import { decodeBitmap } from '../bitmap.js';
import {
  type RosterFacts,
  maskContext,
  roundContext,
  sharedSetStatement,
  survivorSetStatement,
} from '../context.js';
import { countNeighbours, drawGraph } from '../graph.js';
import { rosterParameters } from '../parameters.js';
import type { Ledger } from './ledger.js';
import { participantAt } from './participant.js';
import { type RoundRecord, type SetRecord, records } from './records.js';
import { isOpenRoster } from './roster.js';
import { type MachineContext, RefusedRequest, type RegistrarParams, sign } from './types.js';

export function attestSharedSet(
  ledger: Ledger,
  round: Uint8Array,
  members: Uint8Array,
  task: Task,
  params: RegistrarParams,
  context: MachineContext,
): Uint8Array {
  const record = records.round.expect(ledger, round);
  const before = records.sharedSet.find(ledger, round);
  if (before !== undefined) return repeated(before, members, 'U2');
  checkOpen(ledger, round, record, context);
  const set = checkedSet('U2', members, record, task, context.suite);
  const { fewestPresent } = set.parameters;
  checkSize('U2', set.members.length, fewestPresent);
  const { suite } = context;
  const statement = sharedSetStatement(roundContext(suite, factsOf(record, round)), members);
  const signature = sign(suite, params, statement);
  records.sharedSet.put(ledger, { members, signature }, round);
  return signature;
}

export function attestSurvivorSet(
  ledger: Ledger,
  round: Uint8Array,
  members: Uint8Array,
  task: Task,
  params: RegistrarParams,
  context: MachineContext,
): Uint8Array {
  const record = records.round.expect(ledger, round);
  const before = records.survivorSet.find(ledger, round);
  if (before !== undefined) return repeated(before, members, 'U3');
  const sharedSet = records.sharedSet.find(ledger, round);
  if (sharedSet === undefined) {
    throw new RefusedRequest(
      'set-too-early',
      'U3 comes after U2, and no U2 of this round is attested',
    );
  }
  checkOpen(ledger, round, record, context);
  const set = checkedSet('U3', members, record, task, context.suite);
  const shared = new Set(decodeBitmap(sharedSet.members, record.n, 'U2'));
  const stranger = set.members.find((index) => !shared.has(index));
  if (stranger !== undefined) {
    throw new RefusedRequest('set-not-nested', `U3: device ${stranger} is not in the attested U2`);
  }
  const fewest = Math.max(task.manifest.minSurvivors, set.parameters.fewestPresent);
  checkSize('U3', set.members.length, fewest);
  const { suite } = context;
  const roundHash = roundContext(suite, factsOf(record, round));
  const context2 = maskContext(suite, roundHash, sharedSet.members);
  const signature = sign(suite, params, survivorSetStatement(context2, members));
  records.survivorSet.put(ledger, { members, signature }, round);
  for (const index of set.members) markIncluded(ledger, record, index);
  return signature;
}

export function closeRoster(ledger: Ledger, round: Uint8Array): void {
  const record = records.round.expect(ledger, round);
  records.round.put(ledger, { ...record, closed: true }, round);
}

function factsOf(record: RoundRecord, round: Uint8Array): RosterFacts {
  const { taskId, window, incarnation, n, k, t, seed, root } = record;
  return { taskId, window, incarnation, round, n, k, t, seed, root };
}

function repeated(before: SetRecord, members: Uint8Array, name: string): Uint8Array {
  if (toHex(before.members) === toHex(members)) return before.signature;
  throw new RefusedRequest('set-known', `${name}: another set of this round was attested already`);
}

function checkOpen(
  ledger: Ledger,
  round: Uint8Array,
  record: RoundRecord,
  context: MachineContext,
): void {
  if (isOpenRoster(ledger, toHex(round), record, context)) return;
  throw new RefusedRequest(
    'roster-closed',
    'this roster was closed, is past its deadline, or is of an earlier incarnation',
  );
}

function checkedSet(
  name: string,
  bitmap: Uint8Array,
  record: RoundRecord,
  task: Task,
  suite: Suite,
) {
  const parameters = rosterParameters(record.n, task.manifest.assumptions);
  const members = decodedMembers(name, bitmap, record.n);
  const graph = drawGraph(suite, parameters, record.seed);
  const isIn = new Set(members);
  const thin = members.find((index) => countNeighbours(graph, index, isIn) < record.t);
  if (thin !== undefined) {
    throw new RefusedRequest(
      'set-too-thin',
      `${name}: device ${thin} has fewer than t = ${record.t} neighbours in it`,
    );
  }
  return { parameters, members };
}

function decodedMembers(name: string, bitmap: Uint8Array, n: number): number[] {
  try {
    return decodeBitmap(bitmap, n, name);
  } catch (error) {
    if (error instanceof WireError) throw new RefusedRequest('set-not-nested', error.message);
    throw error;
  }
}

function checkSize(name: string, size: number, fewest: number): void {
  if (size >= fewest) return;
  throw new RefusedRequest('set-too-small', `${name}: expected at least ${fewest}, got ${size}`);
}

function markIncluded(ledger: Ledger, record: RoundRecord, index: number): void {
  const participant = participantAt(record, index);
  const { taskId, window } = record;
  const seen = records.participation.expect(ledger, taskId, window, participant);
  records.participation.put(ledger, { ...seen, included: true }, taskId, window, participant);
}
