/**
 * How far a stage is: of whom it needs an answer, and who has given it. Knows: states of the machine.
 * Doesn't know: connections. Invariant: counts only; who it is stays in the state.
 */
import type { CoordinatorState } from '@onlysum/protocol';

export interface StageAnswers {
  /** Devices of which the stage has or awaits an answer, without those that are lost; 0 while it needs none. */
  readonly asked: number;
  readonly answered: number;
}

export function stageAnswers(state: CoordinatorState): StageAnswers {
  switch (state.stage) {
    case 'gathering':
      return { asked: state.candidates.size, answered: state.advertised };
    case 'sharing':
    case 'recovering': {
      const { waiting, places } = state.cohort;
      const members = state.stage === 'recovering' ? state.survivors.members : places.keys();
      const answered = [...members].filter((i) => places[i]?.present === true && !waiting.has(i));
      return { asked: answered.length + waiting.size, answered: answered.length };
    }
    case 'masking':
      return withWaiting(state.commitments.size, state.cohort);
    case 'unmasking':
      return withWaiting(state.reveals.selfSeeds.size, state.cohort);
    default:
      return { asked: 0, answered: 0 };
  }
}

/** Whoever has answered counts, also if it is gone since. */
function withWaiting(answered: number, { waiting }: { readonly waiting: ReadonlySet<number> }) {
  return { asked: answered + waiting.size, answered };
}
