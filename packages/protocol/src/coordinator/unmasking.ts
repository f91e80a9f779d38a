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
import { loseWaiting, send, waitFor } from './cohort.js';
import { open } from './opening.js';
import { commitmentOf } from './masked-input.js';
import { startRecovery } from './recovery.js';
import { tagOf } from './share-keys.js';
import type { CoordinatorStep, InStage, MachineContext, RoundParams } from './types.js';

export function openSurvivorSet(
  state: InStage<'attesting-survivor-set'>,
  response: SetResponse,
  params: RoundParams,
): CoordinatorStep {
  const { cohort, tags, shared, sum, commitments, members } = state;
  const bitmap = encodeBitmap(members, cohort.facts.n);
  const isSurvivor = new Set(members);
  const unmasked: InStage<'unmasking'> = {
    stage: 'unmasking',
    cohort,
    tags,
    shared,
    sum,
    commitments,
    survivors: { members, bitmap, ...response },
    dropped: new Set(shared.members.filter((index) => !isSurvivor.has(index))),
    reveals: { selfSeeds: new Map(), pairSecrets: new Map() },
  };
  waitFor(cohort, members);
  const bytes = survivorSetMessage(unmasked);
  return [
    unmasked,
    [
      { kind: 'stage', stage: 'unmasking', devices: members.length },
      { kind: 'timer', stage: 'unmasking', inMs: params.durations.unmaskingMs },
      ...shared.members.flatMap((index) => send(cohort, index, bytes)),
    ],
  ];
}

export function survivorSetMessage({
  cohort,
  survivors,
}: Pick<InStage<'unmasking'>, 'cohort' | 'survivors'>): Uint8Array {
  const { bitmap: members, signature } = survivors;
  return survivorSet.encode({ round: cohort.facts.round, members, signature });
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
  if (!equalBytes(commitment, commitmentOf(commitments, index))) {
    throw new PeerError('bad-reveal', 'b does not match the commitment sent with the masked input');
  }
  reveals.selfSeeds.set(index, message.b);
  cohort.waiting.delete(index);
  const checked = new Map<number, Uint8Array>();
  partners.forEach((dropped, i) => {
    const p = message.pairSecrets.subarray(i * KEY_BYTES, (i + 1) * KEY_BYTES);
    const tag = tagOf(cohort, tags, index, dropped);
    // Its own tag binds it: what has to come off is what this survivor added, whatever the other end said.
    if (equalBytes(pairTag(suite, p), tag)) checked.set(dropped, p);
  });
  reveals.pairSecrets.set(index, checked);
  return [state, []];
}

export function closeUnmasking(state: InStage<'unmasking'>, params: RoundParams): CoordinatorStep {
  const { cohort, survivors, dropped, reveals } = state;
  const told = loseWaiting(cohort, 'unmasking', 'nothing was revealed before the stage closed');
  if (params.unmasking === 'shares') {
    // As the original protocol does it: what was revealed directly is not used.
    reveals.selfSeeds.clear();
    reveals.pairSecrets.clear();
  }
  const silent = survivors.members.filter((index) => !reveals.selfSeeds.has(index));
  const wanted = [...dropped].filter((index) => isStillMasked(state, index));
  const [next, effects] =
    silent.length === 0 && wanted.length === 0
      ? open(state, params, [], [])
      : startRecovery(state, silent, wanted, params);
  return [next, [...told, ...effects]];
}

/** Whether some survivor's pair mask with `dropped` is in the sum and nobody revealed its secret. */
function isStillMasked({ cohort, commitments, reveals }: InStage<'unmasking'>, dropped: number) {
  return at(cohort.graph.neighbours, dropped).some(
    (index) => commitments.has(index) && !reveals.pairSecrets.get(index)?.has(dropped),
  );
}

/** The neighbours of a survivor in U2 \ U3, ascending. */
function droppedNeighbours({ cohort, dropped }: InStage<'unmasking'>, index: number): number[] {
  return at(cohort.graph.neighbours, index).filter((other) => dropped.has(other));
}
