import type { Task } from '@onlysum/task';
import { expect, it } from 'vitest';
import { startRound } from './machine.js';
import { DEFAULT_DURATIONS, type RoundParams } from './types.js';

function gatheringFrom(nowMs: number) {
  const window = { index: 1, startMs: 0, endMs: 100_000, epoch: 0 };
  const params = { window, durations: DEFAULT_DURATIONS, task: {} as Task } as RoundParams;
  const [state, effects] = startRound(params, nowMs);
  const timer = effects.find(({ kind }) => kind === 'timer');
  return { closesAtMs: 'closesAtMs' in state && state.closesAtMs, timer };
}

it('closes a cohort when its window ends, at the latest', () => {
  const { gatherMs } = DEFAULT_DURATIONS;
  expect(gatheringFrom(10_000)).toMatchObject({
    closesAtMs: 10_000 + gatherMs,
    timer: { inMs: gatherMs },
  });
  expect(gatheringFrom(99_000)).toMatchObject({ closesAtMs: 100_000, timer: { inMs: 1_000 } });
  // The clock may be past it already.
  expect(gatheringFrom(100_500)).toMatchObject({ timer: { inMs: 1 } });
});
