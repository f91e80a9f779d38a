import { expect, test } from 'vitest';
import { shareOut } from './fleet.js';
import type { DevicePlan } from './worker-messages.js';

function plans(count: number, killed: readonly number[]): DevicePlan[] {
  return Array.from({ length: count }, (_, index) => ({
    index,
    code: '',
    version: 'v',
    compliant: true,
    consent: [],
    drop: killed.includes(index)
      ? { device: index, point: 'before-masked-input', how: 'kill' }
      : undefined,
    interruption: undefined,
  }));
}

test('a device that is to be killed has a process of its own, the others share four', () => {
  const workers = shareOut(plans(21, [7]));
  expect(workers.map((devices) => devices.length)).toEqual([5, 5, 5, 5, 1]);
  expect(workers[4]?.[0]?.index).toBe(7);
  expect(new Set(workers.flat().map(({ index }) => index)).size).toBe(21);
});

test('there is no worker without a device', () => {
  expect(shareOut(plans(3, [])).map((devices) => devices.length)).toEqual([1, 1, 1]);
});
