import { expect, test } from 'vitest';
import { dropCount, FEWEST_DEVICES, MOST_DEVICES } from './assumptions.js';
import { planDrops } from './drops.js';

test('no device drops twice, none is out of range, at every size', () => {
  for (let devices = FEWEST_DEVICES; devices <= MOST_DEVICES; devices++) {
    const plan = planDrops(devices, dropCount(devices));
    const dropping = new Set(plan.map(({ device }) => device));
    expect(dropping.size).toBe(plan.length);
    expect(Math.max(...dropping)).toBeLessThan(devices);
  }
});

test('eight drops are two at each point, one of them by a killed process', () => {
  const plan = planDrops(100, 8);
  const points = new Set(plan.map(({ point }) => point));
  expect(points.size).toBe(4);
  for (const point of points) expect(plan.filter((drop) => drop.point === point)).toHaveLength(2);
  expect(plan.filter(({ how }) => how === 'kill')).toHaveLength(1);
});

test('a single drop leaves a mask to recover and kills no process', () => {
  expect(planDrops(4, 1)).toEqual([{ device: 2, point: 'before-masked-input', how: 'socket' }]);
});
