/**
 * Taking the masks off: the one heavy job of a coordinator, as plain data in and out, in one go or in
 * parts that threads can open at the same time. Protocol §5.6, §5.7.
 * Knows: how a job is divided and put together. Doesn't know: threads, how a part is opened.
 * Invariant: the outcome is the same into however many parts a job is split, whichever is opened first.
 */
import { type Suite, wipe } from '@onlysum/crypto';
import type { Lane } from '@onlysum/task';
import { decodeLane } from '@onlysum/task';
import { at } from '../at.js';
import {
  type InconsistentShare,
  type MaskSources,
  type OpenPart,
  type PartOutcome,
  type Recovered,
  type Unrecoverable,
  openPart,
  wipeRecovered,
} from './open-part.js';

export interface OpenJob extends MaskSources {
  readonly lanes: readonly Lane[];
  /** Running sum of the masked inputs of U3, modulo 2^32. */
  readonly sum: Uint32Array;
}

export type OpenOutcome =
  | {
      readonly kind: 'sum';
      readonly lanes: readonly number[];
      /** In the order of the job's silent survivors, then of its dropouts; holders ascending. */
      readonly inconsistent: readonly InconsistentShare[];
      /** Undefined unless the job asks for it. */
      readonly recovered?: Recovered;
    }
  /** Of several, the first in that order. */
  | Unrecoverable;

/** @param job - borrowed, the caller wipes it. */
export function openSum(suite: Suite, job: OpenJob): OpenOutcome {
  return mergeParts(
    job,
    splitOpenJob(job, 1).map((part) => openPart(suite, part)),
  );
}

/**
 * Parts of equal work: each gets the same share of every list, so that what one kind of mask costs next to
 * another need not be known.
 *
 * @param parts - how many, 1 or more.
 * @returns views of the job, whose secrets stay its own.
 */
export function splitOpenJob(job: OpenJob, parts: number): OpenPart[] {
  const { lanes, context, context2, threshold, selfSeeds, pairs, silent, dropped } = job;
  const { keepRecovered = false } = job;
  return Array.from({ length: parts }, (_, i) => {
    const slice = <T>(list: readonly T[]): T[] =>
      list.slice(
        Math.floor((list.length * i) / parts),
        Math.floor((list.length * (i + 1)) / parts),
      );
    return {
      laneCount: lanes.length,
      context,
      context2,
      threshold,
      selfSeeds: slice(selfSeeds),
      pairs: slice(pairs),
      silent: slice(silent),
      dropped: slice(dropped),
      keepRecovered,
    };
  });
}

/**
 * @param job - borrowed; its sum stays masked.
 * @param outcomes - of all parts of `job`, in any order; consumed: what they unmask is wiped.
 */
export function mergeParts(job: OpenJob, outcomes: readonly PartOutcome[]): OpenOutcome {
  const rank = rankOfDealers(job);
  const inJobOrder = (a: { readonly dealer: number }, b: { readonly dealer: number }): number =>
    rank(a.dealer) - rank(b.dealer);
  const lanes = job.sum.slice();
  const opened = outcomes.filter((each) => each.kind === 'unmasking');
  for (const { unmasking } of opened) {
    for (let j = 0; j < lanes.length; j++) lanes[j] = lanes[j]! + unmasking[j]!;
    wipe(unmasking);
  }
  const failed = outcomes.filter((each) => each.kind === 'unrecoverable').toSorted(inJobOrder);
  if (failed[0] !== undefined) {
    wipe(lanes);
    for (const { recovered } of opened) wipeRecovered(recovered);
    return failed[0];
  }
  const recovered = opened.flatMap((part) => part.recovered ?? []);
  return {
    kind: 'sum',
    lanes: job.lanes.map((lane, j) => decodeLane(at(lanes, j), lane)),
    inconsistent: opened.flatMap(({ inconsistent }) => inconsistent).toSorted(inJobOrder),
    ...(job.keepRecovered === true
      ? {
          recovered: {
            selfSeeds: recovered.flatMap(({ selfSeeds }) => selfSeeds),
            maskKeys: recovered.flatMap(({ maskKeys }) => maskKeys),
          },
        }
      : {}),
  };
}

/** No dealer is both silent and dropped: of one device, b or s is recovered, never both. */
function rankOfDealers({ silent, dropped }: OpenJob): (dealer: number) => number {
  const dealers = [...silent.map(({ index }) => index), ...dropped.map(({ end }) => end.index)];
  const ranks = new Map(dealers.map((dealer, i) => [dealer, i]));
  return (dealer) => ranks.get(dealer) ?? dealers.length;
}
