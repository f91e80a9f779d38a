import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeBitmap, encodeBitmap } from './bitmap.js';

const wireInvalid = expect.objectContaining({ code: 'wire-invalid', field: 'U2' });

const subset = fc
  .integer({ min: 1, max: 200 })
  .chain((n) =>
    fc.record({ n: fc.constant(n), members: fc.uniqueArray(fc.nat(n - 1), { maxLength: n }) }),
  );

describe('bitmaps', () => {
  test('every subset comes back, ascending', () => {
    fc.assert(
      fc.property(subset, ({ n, members }) => {
        const bytes = encodeBitmap(members, n);
        expect(bytes.length).toBe(Math.ceil(n / 8));
        expect(decodeBitmap(bytes, n, 'U2')).toEqual([...members].sort((a, b) => a - b));
      }),
    );
  });

  test('one set has one encoding: whatever decodes encodes to the same bytes', () => {
    const hostile = fc.tuple(fc.integer({ min: 1, max: 24 }), fc.uint8Array({ maxLength: 4 }));
    fc.assert(
      fc.property(hostile, ([n, bytes]) => {
        let members: number[];
        try {
          members = decodeBitmap(bytes, n, 'U2');
        } catch (error) {
          expect(error).toEqual(wireInvalid);
          return;
        }
        expect(encodeBitmap(members, n)).toEqual(bytes);
      }),
    );
  });

  test('bit i is in byte ⌊i/8⌋, least significant first', () => {
    expect([...encodeBitmap([0, 9, 15], 17)]).toEqual([0x01, 0x82, 0x00]);
  });

  test.each(Array.from({ length: 16 }, (_, i) => i + 1))(
    'n = %i: each padding bit is refused, the last member is not',
    (n) => {
      const bits = Math.ceil(n / 8) * 8;
      for (let bit = n; bit < bits; bit++) {
        expect(() => decodeBitmap(encodeBitmap([bit], bits), n, 'U2')).toThrow(wireInvalid);
      }
      expect(decodeBitmap(encodeBitmap([n - 1], n), n, 'U2')).toEqual([n - 1]);
    },
  );

  test('a wrong length is refused by name', () => {
    for (const length of [0, 1, 3]) {
      expect(() => decodeBitmap(new Uint8Array(length), 9, 'U2')).toThrow(wireInvalid);
    }
  });

  test('the empty set is a set', () => {
    expect(decodeBitmap(new Uint8Array(2), 9, 'U2')).toEqual([]);
  });
});
