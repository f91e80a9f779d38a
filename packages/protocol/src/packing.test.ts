import { WireError } from '@onlysum/crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addPacked, checkPacked, packLanes } from './packing.js';

const wireInvalid = expect.objectContaining({ code: 'wire-invalid', field: 'vector' });

/** The same packing in one big number: lane 0 in the lowest bits. */
function packSlowly(lanes: readonly number[], widths: readonly number[]): Uint8Array {
  let all = 0n;
  let shift = 0n;
  widths.forEach((width, j) => {
    all |= BigInt.asUintN(width, BigInt(lanes[j] ?? 0)) << shift;
    shift += BigInt(width);
  });
  const bytes = new Uint8Array(Math.ceil(Number(shift) / 8));
  return bytes.map((_, i) => Number((all >> BigInt(8 * i)) & 0xffn));
}

function unpack(packed: Uint8Array, widths: readonly number[]): number[] {
  const sum = new Uint32Array(widths.length);
  addPacked(sum, packed, widths);
  return [...sum];
}

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const vector = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 32 }), u32), { maxLength: 40 })
  .map((lanes) => ({ widths: lanes.map(([w]) => w), lanes: lanes.map(([, lane]) => lane) }));

const truncated = (lanes: readonly number[], widths: readonly number[]) =>
  lanes.map((lane, j) => lane % 2 ** (widths[j] ?? 0));

describe('packing', () => {
  test.each(Array.from({ length: 32 }, (_, i) => i + 1))(
    'width %i: what goes in comes out, at every bit offset',
    (width) => {
      const widths = Array.from({ length: 9 }, () => width);
      const top = 2 ** width - 1;
      const lanes = [0, 1, top, 2 ** (width - 1), top, 0, top, 1, top].map((x) => x % 2 ** width);
      const packed = packLanes(Uint32Array.from(lanes), widths);
      expect(packed).toEqual(packSlowly(lanes, widths));
      expect(unpack(packed, widths)).toEqual(lanes);
    },
  );

  test('mixed widths: the bits are where big-number arithmetic puts them', () => {
    fc.assert(
      fc.property(vector, ({ widths, lanes }) => {
        const packed = packLanes(Uint32Array.from(lanes), widths);
        expect(packed).toEqual(packSlowly(lanes, widths));
        expect(unpack(packed, widths)).toEqual(truncated(lanes, widths));
      }),
    );
  });

  test('adding packed vectors adds lane by lane modulo 2^w', () => {
    const vectors = vector.chain(({ widths }) =>
      fc.record({
        widths: fc.constant(widths),
        rows: fc.array(fc.array(u32, { minLength: widths.length, maxLength: widths.length }), {
          maxLength: 5,
        }),
      }),
    );
    fc.assert(
      fc.property(vectors, ({ widths, rows }) => {
        const sum = new Uint32Array(widths.length);
        for (const row of rows) addPacked(sum, packLanes(Uint32Array.from(row), widths), widths);
        const expected = widths.map((width, j) => {
          const exact = rows.reduce((total, row) => total + BigInt(row[j] ?? 0), 0n);
          return Number(BigInt.asUintN(width, exact));
        });
        expect(truncated([...sum], widths)).toEqual(expected);
      }),
    );
  });

  test('the sum of the most that every device may put in does not wrap', () => {
    const max = 1000;
    const bounds = [1, 4_294_967, 65_535];
    const widths = bounds.map((bound) => (max * bound).toString(2).length);
    expect(widths).toContain(32);
    const packed = packLanes(Uint32Array.from(bounds), widths);
    const sum = new Uint32Array(bounds.length);
    for (let i = 0; i < max; i++) addPacked(sum, packed, widths);
    expect([...sum]).toEqual(bounds.map((bound) => max * bound));
  });

  test('a wrong length is refused, and the sum is untouched', () => {
    const widths = [7, 32, 3];
    const packed = packLanes(Uint32Array.of(1, 2, 3), widths);
    expect(packed.length).toBe(6);
    for (const length of [0, 1, 5, 7, 12]) {
      const sum = Uint32Array.of(10, 20, 30);
      const wrong = new Uint8Array(length).fill(1);
      expect(() => addPacked(sum, wrong, widths)).toThrow(wireInvalid);
      expect([...sum]).toEqual([10, 20, 30]);
    }
  });

  test('every stray padding bit is refused, and the sum is untouched', () => {
    for (let bits = 1; bits <= 24; bits++) {
      const widths = [bits];
      const packed = packLanes(Uint32Array.of(0), widths);
      for (let bit = bits; bit < packed.length * 8; bit++) {
        const stray = packed.slice();
        stray[bit >> 3] = 1 << (bit & 7);
        const sum = Uint32Array.of(5);
        expect(() => addPacked(sum, stray, widths)).toThrow(wireInvalid);
        expect([...sum]).toEqual([5]);
      }
      const full = packLanes(Uint32Array.of(2 ** bits - 1), widths);
      expect(() => checkPacked(full, widths)).not.toThrow();
    }
  });

  test('no lanes are no bytes', () => {
    expect(packLanes(new Uint32Array(0), [])).toEqual(new Uint8Array(0));
    expect(() => checkPacked(new Uint8Array(0), [])).not.toThrow();
    expect(() => checkPacked(new Uint8Array(1), [])).toThrow(WireError);
  });
});
