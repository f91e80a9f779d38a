/** §5.3: collect sealed shares and tags, then close U2. */
import { WireError, invalidField } from '@onlysum/crypto';
import { at } from '../at.js';
import { encodeBitmap } from '../bitmap.js';
import { type ShareKeys, shareKeys } from '../messages/from-device.js';
import { countNeighbours, positionOf } from '../graph.js';
import { BOX_BYTES, PAIR_TAG_BYTES } from '../sizes.js';
import { abort, everyIndex, isSettled, lose, loseWaiting, markLost, present } from './cohort.js';
import type { Cohort, CoordinatorEffect, CoordinatorStep, InStage, SharedKeys } from './types.js';

export function takeShares(
  state: InStage<'sharing'>,
  index: number,
  message: ShareKeys,
): CoordinatorStep {
  const { k } = state.cohort.parameters;
  for (const [field, bytes, size] of [
    ['boxes', message.boxes, BOX_BYTES],
    ['tags', message.tags, PAIR_TAG_BYTES],
  ] as const) {
    if (bytes.length !== k * size) {
      const expected = `${k * size} bytes (k = ${k})`;
      throw invalidField(WireError, 'wire-invalid', `${shareKeys.name}.${field}`, expected, bytes);
    }
  }
  state.keys.boxes.set(message.boxes, index * k * BOX_BYTES);
  state.keys.tags.set(message.tags, index * k * PAIR_TAG_BYTES);
  state.cohort.waiting.delete(index);
  return [state, []];
}

/** Closes the stage once every present device has shared, and the round once too few are left. */
export function settleSharing(state: InStage<'sharing'>): CoordinatorStep | undefined {
  const { cohort } = state;
  if (cohort.left < cohort.parameters.fewestPresent) {
    return abort(cohort, 'too-many-dropped', tooFew(cohort, cohort.left), true);
  }
  return isSettled(cohort) ? closeSharing(state) : undefined;
}

export function closeSharing(state: InStage<'sharing'>): CoordinatorStep {
  const { cohort, keys } = state;
  const told = loseWaiting(cohort, 'share-keys', 'no shares came before the stage closed');
  // Without its masked input a device that is gone would only be one more dropout to recover.
  for (const index of present(cohort, everyIndex(cohort))) {
    if (at(cohort.places, index).isOverdue)
      markLost(cohort, index, 'share-keys', 'connection-lost');
  }
  if (cohort.left < cohort.parameters.fewestPresent) {
    const why = tooFew(cohort, cohort.left);
    const [finished, effects] = abort(cohort, 'too-many-dropped', why, true);
    return [finished, [...told, ...effects]];
  }
  const disputes = disputedPairs(cohort, keys);
  const mostDisputes = cohort.parameters.mostCorruptNeighbours;
  for (const index of present(cohort, everyIndex(cohort))) {
    if ((disputes[index] ?? 0) <= mostDisputes) continue;
    const detail = `${disputes[index]} neighbours hold another pair secret, at most ${mostDisputes} can`;
    told.push(...lose(cohort, index, 'share-keys', 'disputed', detail));
  }
  told.push(...loseThin(cohort));
  const members = present(cohort, everyIndex(cohort));
  const { fewestPresent, n } = cohort.parameters;
  if (members.length < fewestPresent) {
    const detail = tooFew(cohort, members.length);
    const [finished, effects] = abort(cohort, 'too-many-dropped', detail, true);
    return [finished, [...told, ...effects]];
  }
  const bitmap = encodeBitmap(members, n);
  return [
    { stage: 'attesting-shared-set', cohort, keys, members },
    [
      ...told,
      { kind: 'stage', stage: 'attesting-shared-set', devices: members.length },
      {
        kind: 'attest',
        request: { kind: 'shared-set', round: cohort.facts.round, members: bitmap },
      },
    ],
  ];
}

function tooFew(cohort: Cohort, left: number): string {
  const { n, fewestPresent } = cohort.parameters;
  return (
    `${left} of ${n} devices are left to share keys, ${fewestPresent} are needed: raise ` +
    'assumptions.dropout in the manifest if devices drop this often'
  );
}

/** Whether both ends of a pair sent the same tag. */
function pairAgrees(cohort: Cohort, tags: SharedKeys['tags'], a: number, b: number): boolean {
  const [fromA, fromB] = [tagFrom(cohort, a, b), tagFrom(cohort, b, a)];
  // No views for each of n·k tags.
  for (let byte = 0; byte < PAIR_TAG_BYTES; byte++) {
    if (tags[fromA + byte] !== tags[fromB + byte]) return false;
  }
  return true;
}

/** The tag that `index` sent for its pair with `other`. @returns a view. */
export function tagOf(
  cohort: Cohort,
  tags: SharedKeys['tags'],
  index: number,
  other: number,
): Uint8Array {
  const from = tagFrom(cohort, index, other);
  return tags.subarray(from, from + PAIR_TAG_BYTES);
}

function tagFrom({ graph, parameters }: Cohort, index: number, other: number): number {
  return (index * parameters.k + positionOf(graph, index, other)) * PAIR_TAG_BYTES;
}

/** Disputed pairs of each device, counted over all who shared, before anyone is left out. */
function disputedPairs(cohort: Cohort, keys: SharedKeys): number[] {
  const shared = new Set(present(cohort, everyIndex(cohort)));
  const counts = cohort.places.map(() => 0);
  for (const index of shared) {
    for (const other of at(cohort.graph.neighbours, index)) {
      if (other < index || !shared.has(other)) continue;
      if (pairAgrees(cohort, keys.tags, index, other)) continue;
      counts[index] = at(counts, index) + 1;
      counts[other] = at(counts, other) + 1;
    }
  }
  return counts;
}

/** Leaves out who has fewer than t neighbours left, until nobody has. At U3 this cannot be done. */
function loseThin(cohort: Cohort): CoordinatorEffect[] {
  const told: CoordinatorEffect[] = [];
  const { t } = cohort.parameters;
  for (let changed = true; changed; ) {
    const here = new Set(present(cohort, everyIndex(cohort)));
    const thin = [...here].filter((index) => countNeighbours(cohort.graph, index, here) < t);
    for (const index of thin) {
      const detail = `fewer than ${t} of its neighbours are left`;
      told.push(...lose(cohort, index, 'share-keys', 'too-thin', detail));
    }
    changed = thin.length > 0;
  }
  return told;
}
