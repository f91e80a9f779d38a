import { expect, test } from 'vitest';
import { corruptBound, dropoutBound, MAX_COHORT } from './bounds.js';

test('A and D equal the exact integers at every n', () => {
  for (const perMille of [0, 1, 7, 10, 50, 100, 200, 333, 999]) {
    for (let n = 1; n <= MAX_COHORT; n += n < 3000 ? 1 : 97) {
      const product = BigInt(n) * BigInt(perMille);
      const up = product / 1000n + (product % 1000n === 0n ? 0n : 1n);
      if (corruptBound(n, perMille) !== Number(up)) expect.fail(`A at ${n}, ${perMille}`);
      if (dropoutBound(n, perMille) !== Number(product / 1000n)) {
        expect.fail(`D at ${n}, ${perMille}`);
      }
    }
  }
  expect([corruptBound(100, 10), corruptBound(101, 10), dropoutBound(9, 200)]).toEqual([1, 2, 1]);
});

test.each([
  [0, 10, 'n'],
  [1.5, 10, 'n'],
  [65_536, 10, 'n'],
  [Number.NaN, 10, 'n'],
  [10, -1, 'perMille'],
  [10, 1000, 'perMille'],
  [10, 0.5, 'perMille'],
])('refuses n = %s, %s per mille', (n, perMille, field) => {
  const refusal = expect.objectContaining({ code: 'argument-invalid', field });
  expect(() => corruptBound(n, perMille)).toThrow(refusal);
  expect(() => dropoutBound(n, perMille)).toThrow(refusal);
});
