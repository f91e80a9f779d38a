/**
 * How large a cohort closes, so that about `target` devices are left of it: some will drop.
 * Knows: how recent rounds of a task went. Doesn't know: why devices drop.
 * Invariant: between `target` and `max`, and never for more dropout than the manifest assumes.
 */
import type { Task } from '@onlysum/task';
import type { CoordinatorStore } from './store/coordinator-store.js';
import type { RoundOutcome } from './store/records.js';

/** Weight of the newest round: about the last ten count. */
const NEWEST = 0.2;
const LOOKED_AT = 50;

/** Dropout of a task's recent rounds, an exponentially weighted mean. 0 before the first. */
export class DropoutRate {
  #rate = 0;

  get rate(): number {
    return this.#rate;
  }

  static async of(store: CoordinatorStore, taskId: string): Promise<DropoutRate> {
    const rate = new DropoutRate();
    const rounds = await store.rounds(taskId, { limit: LOOKED_AT });
    for (const round of rounds.toReversed()) rate.add(round);
    return rate;
  }

  /** Rounds that ended for another reason than dropout say nothing of it. */
  add(round: RoundOutcome): void {
    if (round.devices === 0) return;
    if (round.state === 'aborted' && round.reason !== 'too-many-dropped') return;
    const dropped =
      round.state === 'opened'
        ? round.devices - round.survivors
        : round.drops.reduce((sum, { count }) => sum + count, 0);
    this.#rate += NEWEST * (dropped / round.devices - this.#rate);
  }
}

/** min(max, ⌈target / (1 − d)⌉), d being at most the manifest's δ. */
export function cohortSize({ manifest: { cohort, assumptions } }: Task, rate: number): number {
  // In millionths: a rate a little off must not cost a device.
  const millionths = Math.round(Math.min(rate, assumptions.dropout / 1000) * 1e6);
  return Math.min(cohort.max, Math.ceil((cohort.target * 1e6) / (1e6 - millionths)));
}
