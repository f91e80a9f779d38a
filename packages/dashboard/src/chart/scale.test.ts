import fc from 'fast-check';
import { expect, it } from 'vitest';
import { percentOf, scaleTo } from './scale.js';

it('ends at or above what must fit, with few round steps', () => {
  fc.assert(
    fc.property(fc.double({ min: 1e-9, max: 1e12, noNaN: true }), (highest) => {
      const { max, ticks } = scaleTo(highest);
      expect(max).toBeGreaterThanOrEqual(highest * (1 - 1e-6));
      expect(ticks.length).toBeGreaterThanOrEqual(2);
      expect(ticks.length).toBeLessThanOrEqual(5);
      expect(ticks[0]).toBe(0);
    }),
  );
});

it.each([
  [0, [0, 0.25]],
  [1, [0, 0.25, 0.5, 0.75, 1]],
  [0.3, [0, 0.1, 0.2, 0.3]],
  [412, [0, 200, 400, 600]],
])('gives %f the steps %j', (highest, ticks) => {
  expect(scaleTo(highest).ticks).toEqual(ticks);
});

it('draws what is beyond the scale at its ends', () => {
  const scale = scaleTo(100);
  expect([-5, 50, 200].map((value) => percentOf(value, scale))).toEqual([0, 50, 100]);
});
