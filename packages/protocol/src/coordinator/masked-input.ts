/** §5.4: hand out U2 and the boxes, add masked inputs into the running sum, close U3. */
import { at } from '../at.js';
import { encodeBitmap } from '../bitmap.js';
import { maskContext } from '../context.js';
import { sharedSet } from '../messages/from-coordinator.js';
import type { MaskedInput } from '../messages/from-device.js';
import { addPacked } from '../packing.js';
import { countNeighbours, positionOf } from '../graph.js';
import type { SetResponse } from '../registrar/requests.js';
import { BOX_BYTES } from '../sizes.js';
import { abort, lose, present, send } from './cohort.js';
import type {
  Cohort,
  CoordinatorEffect,
  CoordinatorStep,
  InStage,
  MachineContext,
  RoundParams,
  SharedKeys,
} from './types.js';

export function openSharedSet(
  state: InStage<'attesting-shared-set'>,
  response: SetResponse,
  params: RoundParams,
  context: MachineContext,
): CoordinatorStep {
  const { cohort, keys, members } = state;
  const { n, round } = cohort.facts;
  const bitmap = encodeBitmap(members, n);
  const sent = members.flatMap((index) =>
    send(
      cohort,
      index,
      sharedSet.encode({
        round,
        members: bitmap,
        signature: response.signature,
        boxes: boxesFor(cohort, keys, members, index),
      }),
    ),
  );
  return [
    {
      stage: 'masking',
      cohort,
      tags: keys.tags,
      shared: {
        members,
        bitmap,
        context2: maskContext(context.suite, cohort.context, bitmap),
        signature: response.signature,
      },
      sum: new Uint32Array(params.task.layout.lanes.length),
      commitments: new Array(n).fill(undefined),
    },
    [
      { kind: 'stage', stage: 'masking', devices: members.length },
      { kind: 'timer', stage: 'masking', inMs: params.durations.maskedInputMs },
      ...sent,
    ],
  ];
}

/** The vector is added and forgotten; only the running sum stays. */
export function addMaskedInput(
  state: InStage<'masking'>,
  index: number,
  message: MaskedInput,
  params: RoundParams,
): CoordinatorStep {
  addPacked(state.sum, message.vector, params.task.layout.widths);
  state.commitments[index] = message.commitment;
  return [state, []];
}

/** Closes the stage once every present member has sent, and the round once too few can survive. */
export function settleMasking(
  state: InStage<'masking'>,
  params: RoundParams,
): CoordinatorStep | undefined {
  const { cohort, shared, commitments } = state;
  const waiting = present(cohort, shared.members).filter((i) => commitments[i] === undefined);
  const reachable = survivors(state).length + waiting.length;
  const fewest = fewestSurvivors(cohort, params);
  if (reachable < fewest) {
    return abort(cohort, 'too-many-dropped', tooFew(cohort, reachable, fewest), true);
  }
  return waiting.length === 0 ? closeMasking(state, params) : undefined;
}

export function closeMasking(state: InStage<'masking'>, params: RoundParams): CoordinatorStep {
  const { cohort, shared, commitments } = state;
  const told: CoordinatorEffect[] = [];
  for (const index of present(cohort, shared.members)) {
    if (commitments[index] !== undefined) continue;
    const detail = 'no masked input came before the stage closed';
    told.push(...lose(cohort, index, 'masked-input', 'deadline-missed', detail));
  }
  const members = survivors(state);
  const problem = survivorProblem(cohort, members, params);
  if (problem !== undefined) {
    const [finished, effects] = abort(cohort, 'too-many-dropped', problem, true);
    return [finished, [...told, ...effects]];
  }
  return [
    { ...state, stage: 'attesting-survivor-set', members },
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

/** Those whose masked input is in the running sum, connected or not. */
function survivors(state: InStage<'masking'>): number[] {
  return state.shared.members.filter((index) => state.commitments[index] !== undefined);
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

/** The boxes that the neighbours of `index` in U2 sealed to it, ascending. */
function boxesFor(
  cohort: Cohort,
  keys: SharedKeys,
  members: readonly number[],
  index: number,
): Uint8Array {
  const isIn = new Set(members);
  const dealers = at(cohort.graph.neighbours, index).filter((dealer) => isIn.has(dealer));
  const out = new Uint8Array(dealers.length * BOX_BYTES);
  dealers.forEach((dealer, i) => {
    const from = positionOf(cohort.graph, dealer, index) * BOX_BYTES;
    out.set(at(keys.boxes, dealer).subarray(from, from + BOX_BYTES), i * BOX_BYTES);
  });
  return out;
}
