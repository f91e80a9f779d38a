/** §5.2: hand every device its leaf and its path under the registrar's signature. */
import { InternalError, RoundError, equalBytes, merkleTree } from '@onlysum/crypto';
import { at } from '../at.js';
import { type RosterFacts, roundContext } from '../context.js';
import { drawGraph } from '../graph.js';
import { rosterLeaves } from '../leaf.js';
import { roster } from '../messages/from-coordinator.js';
import { advertiseKeys } from '../messages/from-device.js';
import { rosterParameters } from '../parameters.js';
import type { RosterResponse } from '../registrar/requests.js';
import { BOX_BYTES, PAIR_TAG_BYTES } from '../sizes.js';
import { everyIndex, sendOwn, waitFor } from './cohort.js';
import type {
  Cohort,
  CoordinatorStep,
  InStage,
  MachineContext,
  RosterPart,
  RoundParams,
} from './types.js';

export function openRoster(
  state: InStage<'attesting-roster'>,
  response: RosterResponse,
  params: RoundParams,
  context: MachineContext,
): CoordinatorStep {
  const { suite } = context;
  const { task, window, round, durations } = params;
  const n = state.candidates.length;
  const parameters = rosterParameters(n, task.manifest.assumptions);
  const keys = state.candidates.map(({ member }) => {
    if (member === undefined) throw new InternalError('internal', 'a member without keys');
    return { c: member.c, s: member.s };
  });
  const graph = drawGraph(suite, parameters, response.seed);
  const leaves = rosterLeaves(keys, graph);
  const tree = merkleTree(
    suite,
    leaves.map(({ leaf }) => leaf),
  );
  const { incarnation, k, t, seed, root } = response;
  if (!equalBytes(tree.root, root) || k !== parameters.k || t !== parameters.t) {
    throw new RoundError(
      'registrar-refused',
      'the attested roster is not the one that was asked for: registrar and coordinator run ' +
        'different versions',
    );
  }
  const facts: RosterFacts = {
    taskId: task.taskId,
    window: window.index,
    incarnation,
    round,
    n,
    k,
    t,
    seed,
    root,
  };
  const cohort: Cohort = {
    facts,
    parameters,
    graph,
    context: roundContext(suite, facts),
    rosterSignature: response.signature,
    places: state.candidates.map((candidate, index) => ({
      device: candidate.device,
      isConnected: candidate.isConnected,
      isOverdue: candidate.isOverdue,
      token: candidate.token,
      lastAccepted: candidate.lastAccepted,
      keys: at(keys, index),
      present: true,
      accepted: new Map(
        candidate.lastAccepted === undefined ? [] : [[advertiseKeys.type, candidate.lastAccepted]],
      ),
    })),
    indexOf: new Map(state.candidates.map(({ device }, index) => [device, index])),
    drops: [],
    left: n,
    waiting: new Set(),
    endsAtMs: 0,
  };
  const parts = leaves.map(({ neighbours }, index) => ({ neighbours, path: tree.path(index) }));
  waitFor(cohort, everyIndex(cohort));
  const sent = everyIndex(cohort).flatMap((index) =>
    sendOwn(cohort, index, () => rosterMessage(cohort, parts, index)),
  );
  return [
    {
      stage: 'sharing',
      cohort,
      keys: {
        boxes: new Uint8Array(n * k * BOX_BYTES),
        tags: new Uint8Array(n * k * PAIR_TAG_BYTES),
      },
      parts,
    },
    [
      { kind: 'stage', stage: 'sharing', devices: n },
      { kind: 'timer', stage: 'sharing', inMs: durations.shareKeysMs },
      ...sent,
    ],
  ];
}

/** What one device is told of the roster. */
export function rosterMessage(
  { facts, rosterSignature: signature }: Cohort,
  parts: readonly RosterPart[],
  index: number,
): Uint8Array {
  const { round, n, k, t, seed, root } = facts;
  return roster.encode({ round, n, k, t, seed, root, signature, index, ...at(parts, index) });
}
