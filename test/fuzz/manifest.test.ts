/** The short form of `npm run fuzz:manifest`. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { manifestProperty } from './manifest-property.js';

test('any JSON is a manifest that means one thing, or is refused where it is wrong', () => {
  const tally = { taken: 0, refused: 0 };
  fc.assert(manifestProperty(tally), { numRuns: 1000 });
  expect(tally.taken).toBeGreaterThan(10);
  expect(tally.refused).toBeGreaterThan(300);
}, 60_000);
