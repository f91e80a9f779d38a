import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decimalToNumber, perCount } from './ratio.js';

test('a result is the double nearest to the exact one', () => {
  expect(decimalToNumber({ unscaled: 3n, scale: 1 })).toBe(0.3);
  expect(decimalToNumber({ unscaled: -123456789012345678901n, scale: 3 })).toBe(
    -123456789012345680,
  );
  expect(perCount({ unscaled: 10n ** 30n, scale: 15 }, 3n)).toBe(333333333333333.3);
  expect(perCount({ unscaled: -1n, scale: 0 }, 3n)).toBe(-1 / 3);
});

test('for integers that doubles hold it equals one correctly rounded division', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), fc.integer({ min: 1, max: 65_535 }), (total, count) => {
      expect(perCount({ unscaled: BigInt(total), scale: 0 }, BigInt(count))).toBe(
        total / count + 0,
      );
    }),
  );
});
