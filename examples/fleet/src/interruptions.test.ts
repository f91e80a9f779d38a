import { expect, test } from 'vitest';
import { dropCount, FEWEST_DEVICES } from './assumptions.js';
import { planDrops } from './drops.js';
import { planInterruptions } from './interruptions.js';

test('who drops is not interrupted, and nobody twice, at every size', () => {
  for (let devices = FEWEST_DEVICES; devices <= 1000; devices++) {
    const drops = planDrops(devices, dropCount(devices));
    const plan = planInterruptions(devices, drops);
    const interrupted = new Set(plan.map(({ device }) => device));
    expect(plan.length).toBeGreaterThan(0);
    expect(interrupted.size).toBe(plan.length);
    for (const { device } of drops) expect(interrupted.has(device)).toBe(false);
    expect(Math.max(...interrupted)).toBeLessThan(devices);
  }
});

test('the 300 devices of the demo are interrupted at every moment of the plan, some more than once', () => {
  const plan = planInterruptions(300, planDrops(300, dropCount(300)));
  const moments = new Set(plan.map(({ message, when }) => `${when} ${message}`));
  expect(plan).toHaveLength(14);
  expect(moments.size).toBe(7);
});
