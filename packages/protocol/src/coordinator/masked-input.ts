/** §5.4: hand out U2 and the boxes, add masked inputs into the running sum, close U3. */
import { InternalError, PeerError } from '@onlysum/crypto';
import { at } from '../at.js';
import { encodeBitmap } from '../bitmap.js';
import { maskContext } from '../context.js';
import { sharedSet, uploadGrant } from '../messages/from-coordinator.js';
import type { MaskedInput } from '../messages/from-device.js';
import { addPacked } from '../packing.js';
import { countNeighbours, positionOf } from '../graph.js';
import type { SetResponse } from '../registrar/requests.js';
import { BOX_BYTES } from '../sizes.js';
import { abort, isSettled, loseWaiting, send, sendOwn, waitFor } from './cohort.js';
import type {
  Cohort,
  CoordinatorEffect,
  CoordinatorStep,
  InStage,
  MachineContext,
  RoundParams,
} from './types.js';

export function openSharedSet(
  state: InStage<'attesting-shared-set'>,
  response: SetResponse,
  params: RoundParams,
  context: MachineContext,
): CoordinatorStep {
  const { cohort, keys, members } = state;
  const bitmap = encodeBitmap(members, cohort.facts.n);
  const isIn = new Set(members);
  const masking: InStage<'masking'> = {
    stage: 'masking',
    cohort,
    tags: keys.tags,
    boxes: keys.boxes,
    shared: {
      members,
      bitmap,
      context2: maskContext(context.suite, cohort.context, bitmap),
      signature: response.signature,
    },
    sum: new Uint32Array(params.task.layout.lanes.length),
    commitments: new Map(),
    grants: new Map(),
    queue: new Set(),
    granted: new Set(),
  };
  waitFor(cohort, members);
  return [
    masking,
    [
      { kind: 'stage', stage: 'masking', devices: members.length },
      { kind: 'timer', stage: 'masking', inMs: params.durations.maskedInputMs },
      ...members.flatMap((index) =>
        sendOwn(cohort, index, () => sharedSetMessage(masking, isIn, index)),
      ),
    ],
  ];
}

/**
 * U2, its signature, and the boxes that the neighbours of `index` in U2 sealed to it, ascending.
 *
 * @param isIn - U2 as a set, made once for all who are told.
 */
export function sharedSetMessage(
  state: InStage<'masking'>,
  isIn: ReadonlySet<number>,
  index: number,
): Uint8Array {
  const { cohort, shared, boxes } = state;
  const dealers = at(cohort.graph.neighbours, index).filter((dealer) => isIn.has(dealer));
  const { k } = cohort.parameters;
  const out = new Uint8Array(dealers.length * BOX_BYTES);
  dealers.forEach((dealer, i) => {
    const from = (dealer * k + positionOf(cohort.graph, dealer, index)) * BOX_BYTES;
    out.set(boxes.subarray(from, from + BOX_BYTES), i * BOX_BYTES);
  });
  const { bitmap: members, signature } = shared;
  return sharedSet.encode({ round: cohort.facts.round, members, signature, boxes: out });
}

/** A device has its vector ready: it may send when there is a credit. */
export function queueUpload(
  state: InStage<'masking'>,
  index: number,
  params: RoundParams,
  context: MachineContext,
): CoordinatorStep {
  state.queue.add(index);
  return [state, grantUploads(state, params, context)];
}

/**
 * Gives free credits to those who asked first. A credit that lies unused for `uploadMs` is free again:
 * a device that asked and fell silent must not keep others from sending.
 */
export function grantUploads(
  state: InStage<'masking'>,
  params: RoundParams,
  context: MachineContext,
): CoordinatorEffect[] {
  const { cohort, grants, queue } = state;
  if (queue.size === 0) return [];
  const { uploadMs } = params.durations;
  if (grants.size >= params.uploadCredits) {
    grants.forEach((sinceMs, index) => {
      const isFree = !cohort.waiting.has(index) || context.nowMs - sinceMs >= uploadMs;
      if (isFree) grants.delete(index);
    });
  }
  const effects: CoordinatorEffect[] = [];
  for (const index of queue) {
    if (grants.size >= params.uploadCredits) break;
    queue.delete(index);
    if (!cohort.waiting.has(index)) continue;
    grants.set(index, context.nowMs);
    state.granted.add(index);
    effects.push(...send(cohort, index, uploadGrant.encode({ round: cohort.facts.round })));
  }
  if (queue.size > 0) effects.push({ kind: 'grant-timer', inMs: uploadMs });
  return effects;
}

/** The vector is added and forgotten; only the running sum stays. */
export function addMaskedInput(
  state: InStage<'masking'>,
  index: number,
  message: MaskedInput,
  params: RoundParams,
  context: MachineContext,
): CoordinatorStep {
  if (!state.granted.has(index)) {
    throw new PeerError(
      'wrong-stage',
      'MaskedInput came without a credit: send UploadRequest first',
    );
  }
  addPacked(state.sum, message.vector, params.task.layout.widths);
  state.commitments.set(index, message.commitment);
  state.cohort.waiting.delete(index);
  state.grants.delete(index);
  return [state, grantUploads(state, params, context)];
}

/** Closes the stage once every present member has sent, and the round once too few can survive. */
export function settleMasking(
  state: InStage<'masking'>,
  params: RoundParams,
): CoordinatorStep | undefined {
  const { cohort, commitments } = state;
  const reachable = commitments.size + cohort.waiting.size;
  const fewest = fewestSurvivors(cohort, params);
  if (reachable < fewest) {
    return abort(cohort, 'too-many-dropped', tooFew(cohort, reachable, fewest), true);
  }
  return isSettled(cohort) ? closeMasking(state, params) : undefined;
}

export function closeMasking(state: InStage<'masking'>, params: RoundParams): CoordinatorStep {
  const { cohort, tags, shared, sum, commitments } = state;
  const told = loseWaiting(cohort, 'masked-input', 'no masked input came before the stage closed');
  const members = survivors(state);
  const problem = survivorProblem(cohort, members, params);
  if (problem !== undefined) {
    const [finished, effects] = abort(cohort, 'too-many-dropped', problem, true);
    return [finished, [...told, ...effects]];
  }
  return [
    { stage: 'attesting-survivor-set', cohort, tags, shared, sum, commitments, members },
    [
      ...told,
      { kind: 'stage', stage: 'attesting-survivor-set', devices: members.length },
      {
        kind: 'attest',
        request: {
          kind: 'survivor-set',
          round: cohort.facts.round,
          members: encodeBitmap(members, cohort.facts.n),
        },
      },
    ],
  ];
}

/** What a device whose masked input is in the sum committed to. */
export function commitmentOf(commitments: ReadonlyMap<number, Uint8Array>, index: number) {
  const commitment = commitments.get(index);
  if (commitment === undefined) throw new InternalError('internal', `${index} is not in the sum`);
  return commitment;
}

/** Those whose masked input is in the running sum, connected or not. */
function survivors(state: InStage<'masking'>): number[] {
  return state.shared.members.filter((index) => state.commitments.has(index));
}

function fewestSurvivors(cohort: Cohort, params: RoundParams): number {
  return Math.max(params.task.manifest.minSurvivors, cohort.parameters.fewestPresent);
}

function tooFew(cohort: Cohort, left: number, fewest: number): string {
  return (
    `${left} of ${cohort.facts.n} devices can survive, ${fewest} are needed: nothing was opened; raise ` +
    'assumptions.dropout in the manifest if devices drop this often'
  );
}

function survivorProblem(
  cohort: Cohort,
  members: readonly number[],
  params: RoundParams,
): string | undefined {
  const fewest = fewestSurvivors(cohort, params);
  if (members.length < fewest) {
    return tooFew(cohort, members.length, fewest);
  }
  const isIn = new Set(members);
  const { t } = cohort.parameters;
  const thin = members.find((index) => countNeighbours(cohort.graph, index, isIn) < t);
  return thin === undefined
    ? undefined
    : `survivor ${thin} has fewer than ${t} neighbours left: nothing was opened`;
}
