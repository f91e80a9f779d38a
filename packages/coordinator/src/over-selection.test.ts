import type { Task } from '@onlysum/task';
import { expect, it } from 'vitest';
import { cohortSize, DropoutRate } from './over-selection.js';
import type { RoundOutcome } from './store/records.js';

const task = {
  manifest: { cohort: { min: 10, target: 100, max: 120 }, assumptions: { dropout: 150 } },
} as Task;

function opened(devices: number, survivors: number): RoundOutcome {
  return { state: 'opened', devices, survivors } as RoundOutcome;
}

it.each([
  [0, 100],
  [0.1, 112],
  [0.01, 102],
  // ⌈100 / 0.85⌉: no more than the manifest assumes, and never above max.
  [0.5, 118],
])('at a dropout of %d a cohort of 100 closes at %i', (rate, size) => {
  expect(cohortSize(task, rate)).toBe(size);
});

it('never closes above max, nor for a rate that is 0 but for rounding above target', () => {
  const { manifest } = task;
  const tight = { manifest: { ...manifest, cohort: { min: 10, target: 118, max: 120 } } } as Task;
  expect(cohortSize(tight, 0.15)).toBe(120);
  expect(cohortSize(task, 1e-12)).toBe(100);
});

it('weighs the newest rounds most, and leaves out those that ended for another reason', () => {
  const rate = new DropoutRate();
  rate.add(opened(10, 5));
  expect(rate.rate).toBeCloseTo(0.1);
  rate.add({ state: 'aborted', reason: 'shutting-down', devices: 10, drops: [] } as never);
  rate.add(opened(0, 0));
  expect(rate.rate).toBeCloseTo(0.1);
  const drops = [{ stage: 'masked-input', code: 'left', count: 10 }];
  rate.add({ state: 'aborted', reason: 'too-many-dropped', devices: 10, drops } as never);
  expect(rate.rate).toBeCloseTo(0.28);
  for (let i = 0; i < 40; i++) rate.add(opened(10, 10));
  expect(rate.rate).toBeLessThan(0.001);
});
