/**
 * §5.6: hand out U3, check what survivors reveal against commitments and tags. If everything needed is
 * there the sum is opened; if not, what is missing is asked for in shares.
 */
import { PeerError, WireError, equalBytes, invalidField } from '@onlysum/crypto';
import { at } from '../at.js';
import { encodeBitmap } from '../bitmap.js';
import { pairTag, selfCommitment } from '../masking.js';
import { survivorSet } from '../messages/from-coordinator.js';
import { type Unmasking, unmasking } from '../messages/from-device.js';
import type { SetResponse } from '../registrar/requests.js';
import { KEY_BYTES } from '../sizes.js';
import { lose, present, send } from './cohort.js';
import { open } from './opening.js';
import { startRecovery } from './recovery.js';
import { tagOf } from './share-keys.js';
import type {
  CoordinatorEffect,
  CoordinatorStep,
  InStage,
  MachineContext,
  RoundParams,
} from './types.js';

export function openSurvivorSet(
  state: InStage<'attesting-survivor-set'>,
  response: SetResponse,
  params: RoundParams,
): CoordinatorStep {
  const { cohort, tags, shared, sum, commitments, members } = state;
  const { n, round } = cohort.facts;
  const bitmap = encodeBitmap(members, n);
  const bytes = survivorSet.encode({ round, members: bitmap, signature: response.signature });
  return [
    {
      stage: 'unmasking',
      cohort,
      tags,
      shared,
      sum,
      commitments,
      survivors: { members, bitmap, signature: response.signature },
      reveals: { selfSeeds: new Array(n).fill(undefined), pairSecrets: new Map() },
    },
    [
      { kind: 'stage', stage: 'unmasking', devices: members.length },
      { kind: 'timer', stage: 'unmasking', inMs: params.durations.unmaskingMs },
      ...shared.members.flatMap((index) => send(cohort, index, bytes)),
    ],
  ];
}

/**
 * A wrong b sends the device away and is recovered from shares; a pair secret that does not match the
 * survivor's own tag is not used, and the dropout's key is recovered instead.
 */
export function takeReveal(
  state: InStage<'unmasking'>,
  index: number,
  message: Unmasking,
  context: MachineContext,
): CoordinatorStep {
  const { cohort, tags, shared, commitments, reveals } = state;
  const { suite } = context;
  const partners = droppedNeighbours(state, index);
  if (message.pairSecrets.length !== partners.length * KEY_BYTES) {
    const expected = `${partners.length * KEY_BYTES} bytes, one secret per neighbour in U2 \\ U3`;
    const field = `${unmasking.name}.pairSecrets`;
    throw invalidField(WireError, 'wire-invalid', field, expected, message.pairSecrets);
  }
  const commitment = selfCommitment(suite, shared.context2, index, message.b);
  if (!equalBytes(commitment, at(commitments, index))) {
    throw new PeerError('bad-reveal', 'b does not match the commitment sent with the masked input');
  }
  reveals.selfSeeds[index] = message.b;
  const checked = new Map<number, Uint8Array>();
  partners.forEach((dropped, i) => {
    const p = message.pairSecrets.subarray(i * KEY_BYTES, (i + 1) * KEY_BYTES);
    const tag = tagOf(cohort, tags, index, dropped);
    // Its own tag binds it: what has to come off is what this survivor added, whatever the other end said.
    if (tag !== undefined && equalBytes(pairTag(suite, p), tag)) checked.set(dropped, p);
  });
  reveals.pairSecrets.set(index, checked);
  return [state, []];
}

export function isUnmaskingOver(state: InStage<'unmasking'>): boolean {
  const waiting = present(state.cohort, state.survivors.members);
  return waiting.every((index) => state.reveals.selfSeeds[index] !== undefined);
}

export function closeUnmasking(state: InStage<'unmasking'>, params: RoundParams): CoordinatorStep {
  const told: CoordinatorEffect[] = [];
  for (const index of present(state.cohort, state.survivors.members)) {
    if (state.reveals.selfSeeds[index] !== undefined) continue;
    const detail = 'nothing was revealed before the stage closed';
    told.push(...lose(state.cohort, index, 'unmasking', 'deadline-missed', detail));
  }
  const silent = state.survivors.members.filter((i) => state.reveals.selfSeeds[i] === undefined);
  const wanted = droppedOf(state).filter((dropped) => openPartners(state, dropped).length > 0);
  const [next, effects] =
    silent.length === 0 && wanted.length === 0
      ? open(state, params, [], [])
      : startRecovery(state, silent, wanted, params);
  return [next, [...told, ...effects]];
}

/** U2 \ U3. */
function droppedOf(state: InStage<'unmasking'>): number[] {
  const survivors = new Set(state.survivors.members);
  return state.shared.members.filter((index) => !survivors.has(index));
}

/** Survivors whose pair mask with `dropped` is still in the sum and whose secret nobody revealed. */
function openPartners(state: InStage<'unmasking'>, dropped: number): number[] {
  const neighbours = new Set(at(state.cohort.graph.neighbours, dropped));
  return state.survivors.members.filter(
    (index) =>
      neighbours.has(index) && state.reveals.pairSecrets.get(index)?.get(dropped) === undefined,
  );
}

function droppedNeighbours(state: InStage<'unmasking'>, index: number): number[] {
  const neighbours = new Set(at(state.cohort.graph.neighbours, index));
  return droppedOf(state).filter((dropped) => neighbours.has(dropped));
}
