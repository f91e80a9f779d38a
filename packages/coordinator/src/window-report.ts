/**
 * What a window says once it is decided: one total over all its rounds.
 * Knows: sums of rounds, what may be shown. Doesn't know: stores, seals, clocks.
 * Invariant: the lanes are added exactly, and no metric or group is shown of which the rounds that show it
 * would give away, by subtraction, what others of its rounds hide.
 */
import { InternalError } from '@onlysum/crypto';
import { estimateTotals, shownLanes, type WindowResult } from '@onlysum/metrics';
import type { Task, Window } from '@onlysum/task';
import {
  keptMetrics,
  type PublishedResult,
  publishedResult,
  type RoundSum,
} from './published-result.js';

interface WindowHead {
  readonly task: PublishedResult['task'];
  readonly window: Window;
}

export type WindowReport = WindowHead &
  (
    | { readonly state: 'open' }
    /** It ended with fewer survivors than the manifest's `minSurvivors`; nothing else is said. */
    | { readonly state: 'too-few' }
    /** The retention of its results has ended. */
    | { readonly state: 'deleted' }
    | ({ readonly state: 'closed' } & WindowTotal)
  );

export interface WindowTotal {
  /** Hex, in the order in which they were closed. */
  readonly rounds: readonly string[];
  readonly devices: number;
  readonly survivors: number;
  /** As those of a {@link PublishedResult}, over all rounds. */
  readonly lanes: readonly (number | null)[];
  readonly estimates: WindowResult;
}

/** @param sums - of the window's rounds, at least one. */
export function windowTotal(task: Task, sums: readonly RoundSum[]): WindowTotal {
  const { layout } = task;
  const whole = estimatesOver(task, sums);
  const required = task.manifest.minRespondents;
  const suppressed = { reason: 'too-few-respondents', required } as const;
  const metrics = Object.fromEntries(
    Object.entries(keptMetrics(task, whole.metrics, addLanes(sums))).map(([name, result]) => {
      const isHidden = wouldGiveAway(task, sums, (each) => each.metrics[name]);
      return [name, isHidden ? { kind: result.kind, suppressed } : result];
    }),
  );
  const groups = Object.fromEntries(
    Object.entries(whole.groups).map(([name, result]) => {
      const isHidden = wouldGiveAway(task, sums, (each) => each.groups[name]);
      return [name, isHidden ? { suppressed } : result];
    }),
  );
  const estimates = { ...whole, groups, metrics };
  return {
    rounds: sums.map(({ round }) => round),
    devices: sums.reduce((sum, { devices }) => sum + devices, 0),
    survivors: whole.survivors,
    lanes: shownLanes(layout, addLanes(sums), estimates),
    estimates,
  };
}

/**
 * Whether the rounds that hide this have, together, too few respondents to show it.
 *
 * @param part - a metric or a group.
 */
function wouldGiveAway(
  task: Task,
  sums: readonly RoundSum[],
  part: (estimates: WindowResult) => object | undefined,
): boolean {
  const isHidden = (estimates: WindowResult): boolean => {
    const result = part(estimates);
    return result !== undefined && 'suppressed' in result;
  };
  const hiding = sums.filter((sum) => isHidden(publishedResult(task, sum).estimates));
  if (hiding.length === 0 || hiding.length === sums.length) return false;
  return isHidden(estimatesOver(task, hiding));
}

function estimatesOver({ manifest, layout }: Task, sums: readonly RoundSum[]): WindowResult {
  const lanes = addLanes(sums).map((lane) => lane ?? 0);
  return estimateTotals(manifest, layout, lanes, sums);
}

/** Null where a round has none. */
function addLanes(sums: readonly RoundSum[]): (number | null)[] {
  return (sums[0]?.lanes ?? []).map((_, index) => {
    let total = 0n;
    for (const { lanes } of sums) {
      const lane = lanes[index];
      if (lane === null || lane === undefined) return null;
      total += BigInt(lane);
    }
    const sum = Number(total);
    if (Number.isSafeInteger(sum)) return sum;
    throw new InternalError('internal', `the total of lane ${index} has more than 53 bits`);
  });
}
