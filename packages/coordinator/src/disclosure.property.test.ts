import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { countedRounds, speaksAlone } from './disclosure.js';

const min = 5;
const task = { manifest: { cohort: { min, target: 8, max: 10 } } };
const rounds = fc.array(fc.record({ survivors: fc.integer({ min: 0, max: 10 }) }), {
  maxLength: 8,
});
const survivorsOf = (of: readonly { readonly survivors: number }[]) =>
  of.reduce((sum, { survivors }) => sum + survivors, 0);

it('leaves nothing smaller than a cohort between a total and the rounds that are told', () => {
  fc.assert(
    fc.property(rounds, (all) => {
      const counted = countedRounds(task, all);
      const told = all.filter((round) => speaksAlone(task, round));
      for (const round of told) expect(counted).toContain(round);
      const untold = survivorsOf(counted) - survivorsOf(told);
      expect(untold === 0 || untold >= min).toBe(true);
    }),
  );
});

it('has a total exactly if the rounds have, together, as many survivors as a cohort', () => {
  fc.assert(
    fc.property(rounds, (all) => {
      expect(countedRounds(task, all).length > 0).toBe(survivorsOf(all) >= min);
    }),
  );
});

it.each([
  [[5], [5]],
  [[4], []],
  [[8, 4], [8]],
  [
    [8, 2, 3],
    [8, 2, 3],
  ],
  [[2, 2], []],
  [
    [3, 2],
    [3, 2],
  ],
])('of rounds with %j survivors, counts those with %j', (all, counted) => {
  const sizes = (of: readonly number[]) => of.map((survivors) => ({ survivors }));
  expect(countedRounds(task, sizes(all))).toEqual(sizes(counted));
});
