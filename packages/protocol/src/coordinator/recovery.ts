/**
 * §5.7: members of U3 fell silent, or a reveal did not match. Ask for shares of b for the silent and of
 * s for dropouts whose pair masks are still in the sum; never both kinds for one device.
 */
import { WireError, invalidField } from '@onlysum/crypto';
import { at } from '../at.js';
import { encodeBitmap } from '../bitmap.js';
import { recover } from '../messages/from-coordinator.js';
import { type RevealShares, revealShares } from '../messages/from-device.js';
import { SHARE_RECORD_BYTES } from '../sizes.js';
import { positionOf } from '../graph.js';
import { abort, loseWaiting, send, waitFor } from './cohort.js';
import type { Cohort, CoordinatorStep, InStage, RevealedShare, RoundParams } from './types.js';
import { commitmentOf } from './masked-input.js';
import { open } from './opening.js';

export function startRecovery(
  state: InStage<'unmasking'>,
  silent: readonly number[],
  wanted: readonly number[],
  params: RoundParams,
): CoordinatorStep {
  const { cohort, survivors } = state;
  const next: InStage<'recovering'> = {
    ...state,
    stage: 'recovering',
    silent,
    wanted,
    selfShares: new Map(silent.map((dealer) => [dealer, []])),
    keyShares: new Map(wanted.map((dealer) => [dealer, []])),
  };
  waitFor(cohort, survivors.members);
  const bytes = recoverMessage(next);
  return [
    next,
    [
      { kind: 'stage', stage: 'recovering', devices: cohort.waiting.size },
      { kind: 'timer', stage: 'recovering', inMs: params.durations.recoveryMs },
      ...survivors.members.flatMap((index) => send(cohort, index, bytes)),
    ],
  ];
}

export function recoverMessage({ cohort, silent, wanted }: InStage<'recovering'>): Uint8Array {
  const { n, round } = cohort.facts;
  return recover.encode({
    round,
    silent: encodeBitmap(silent, n),
    dropped: encodeBitmap(wanted, n),
  });
}

export function takeRevealedShares(
  state: InStage<'recovering'>,
  index: number,
  message: RevealShares,
): CoordinatorStep {
  const { cohort } = state;
  // Both lists are parsed before either is kept: a bad message contributes nothing.
  const ofSelfMasks = parseShares(
    cohort,
    index,
    message.selfShares,
    state.selfShares,
    'selfShares',
  );
  const ofMaskKeys = parseShares(cohort, index, message.keyShares, state.keyShares, 'keyShares');
  for (const [dealer, share] of ofSelfMasks) state.selfShares.get(dealer)?.push(share);
  for (const [dealer, share] of ofMaskKeys) state.keyShares.get(dealer)?.push(share);
  cohort.waiting.delete(index);
  return [state, []];
}

export function closeRecovery(state: InStage<'recovering'>, params: RoundParams): CoordinatorStep {
  const { cohort, survivors } = state;
  const told = loseWaiting(cohort, 'recovery', 'no shares were revealed before the stage closed');
  const { t } = cohort.parameters;
  const isSurvivor = new Set(survivors.members);
  for (const [dealer, shares] of [...state.selfShares, ...state.keyShares]) {
    if (shares.length >= t) continue;
    const detail = `${shares.length} shares of device ${dealer} came, ${t} are needed: too many devices fell silent`;
    const [finished, effects] = abort(cohort, 'recovery-failed', detail, false);
    return [finished, [...told, ...effects]];
  }
  const [next, effects] = open(
    state,
    params,
    state.silent.map((index) => ({
      index,
      commitment: commitmentOf(state.commitments, index),
      shares: sharesOf(state.selfShares, index),
    })),
    state.wanted.map((dealer) => ({
      end: { index: dealer, s: at(cohort.places, dealer).keys.s },
      shares: sharesOf(state.keyShares, dealer),
      // What a survivor revealed directly comes off by that.
      partners: at(cohort.graph.neighbours, dealer)
        .filter((index) => isSurvivor.has(index))
        .filter((index) => !state.reveals.pairSecrets.get(index)?.has(dealer))
        .map((index) => ({ index, s: at(cohort.places, index).keys.s })),
    })),
  );
  return [next, [...told, ...effects]];
}

/** Records (u32 dealer, share): ascending, wanted, and from a neighbour that dealt to this holder. */
function parseShares(
  cohort: Cohort,
  holder: number,
  records: Uint8Array,
  wanted: ReadonlyMap<number, unknown>,
  name: string,
): [number, RevealedShare][] {
  const view = new DataView(records.buffer, records.byteOffset, records.byteLength);
  const out: [number, RevealedShare][] = [];
  let previous = -1;
  for (let from = 0; from < records.length; from += SHARE_RECORD_BYTES) {
    const dealer = view.getUint32(from);
    const isWanted = wanted.has(dealer) && positionOf(cohort.graph, holder, dealer) >= 0;
    if (dealer <= previous || !isWanted) {
      const field = `${revealShares.name}.${name}[${out.length}].dealer`;
      const expected = `a wanted neighbour above ${previous}`;
      throw invalidField(WireError, 'wire-invalid', field, expected, dealer);
    }
    previous = dealer;
    const share = records.subarray(from + 4, from + SHARE_RECORD_BYTES);
    out.push([dealer, { x: holder + 1, share }]);
  }
  return out;
}

function sharesOf(shares: ReadonlyMap<number, RevealedShare[]>, dealer: number): RevealedShare[] {
  return shares.get(dealer) ?? [];
}
