/**
 * Which rounds may be told of, as far as their sizes decide it. Knows: counts of survivors, the manifest's
 * `cohort.min`. Doesn't know: sums, metrics, who asks.
 * Invariant: what is told of a window, its rounds and its total together, gives by subtraction no sum over
 * fewer survivors than `cohort.min`.
 */
import type { Task } from '@onlysum/task';

type RoundSize = { readonly survivors: number };
type CohortLimits = { readonly manifest: Pick<Task['manifest'], 'cohort'> };

/** Whether a round has a result of its own; otherwise its sum is for the window's total alone. */
export function speaksAlone({ manifest }: CohortLimits, { survivors }: RoundSize): boolean {
  return survivors >= manifest.cohort.min;
}

/**
 * The rounds that a window's total is over: those that speak alone, and the others if they have, together,
 * as many survivors as one that does. None: the window has too few.
 */
export function countedRounds<R extends RoundSize>(task: CohortLimits, rounds: readonly R[]): R[] {
  const small = rounds.filter((round) => !speaksAlone(task, round));
  const together = { survivors: small.reduce((sum, { survivors }) => sum + survivors, 0) };
  if (speaksAlone(task, together)) return [...rounds];
  return rounds.filter((round) => speaksAlone(task, round));
}
