import { graphParameters } from '@onlysum/protocol';
import { corruptBound, DEFAULT_FLOOR } from '@onlysum/task';
import { expect, test } from 'vitest';
import { dropCount, FEWEST_DEVICES, fleetAssumptions, MOST_DEVICES } from './assumptions.js';

/** Every size up to a thousand, and some of those beyond: each takes a search of its own. */
const SIZES = [
  ...Array.from({ length: 1001 - FEWEST_DEVICES }, (_, i) => FEWEST_DEVICES + i),
  ...[1500, 2000, 3000, MOST_DEVICES],
];

test('for every size there is a threshold that survives the drops, above the default floor', () => {
  for (const n of SIZES) {
    const { corrupt, dropout } = fleetAssumptions(n);
    const { graph, mostDropped, k, t } = graphParameters(n, corrupt, dropout);
    const drops = dropCount(n);
    expect(drops, `${n} devices`).toBeGreaterThanOrEqual(1);
    expect(drops, `${n} devices`).toBeLessThanOrEqual(mostDropped);
    // A recovery needs t of the k neighbours after all drops: on the complete graph whichever drop, on
    // tables as many as the drops leave on average, with the margin that the parameters are chosen for.
    const left = graph === 'complete' ? k - drops : k * (1 - drops / n);
    expect(left, `${n} devices`).toBeGreaterThanOrEqual(t);
    expect(n - mostDropped - corruptBound(n, corrupt)).toBeGreaterThanOrEqual(
      DEFAULT_FLOOR.minHonest,
    );
  }
});

test('no dropout with a drop in it works for fewer devices', () => {
  const n = FEWEST_DEVICES - 1;
  for (let dropout = Math.ceil(1000 / n); dropout < 900; dropout++) {
    expect(() => graphParameters(n, 0, dropout)).toThrow(/k − D/);
  }
});

test.each([
  [4, 1],
  [12, 1],
  [19, 2],
  [100, 8],
  [1000, 80],
])('of %i devices %i drop', (devices, drops) => {
  expect(dropCount(devices)).toBe(drops);
});
