/** packing.json: packed vectors, their sums, and what is refused. */
import { addPacked, packLanes } from '../../packages/protocol/src/packing.js';
import { hexOf } from './json.js';

const TOP = 0xffff_ffff;

export function packingVectors() {
  return {
    about:
      'Lanes packed as their low `width` bits, least significant bit first, in order, zero padding to a ' +
      'whole byte. `sums`: vectors added lane by lane; compare modulo 2^width. `refused`: an error, and ' +
      'the sum stays as it was.',
    cases: [
      packed([], []),
      packed([1], [1]),
      packed([1, 0, 1, 1, 0, 0, 0, 1], [1, 1, 1, 1, 1, 1, 1, 1]),
      packed([1, 0, 1, 1, 0, 0, 0, 1, 1], [1, 1, 1, 1, 1, 1, 1, 1, 1]),
      packed([0x1234_5678], [32]),
      packed([TOP, 0, TOP], [32, 32, 32]),
      packed([5, 0x1_ffff, 3, TOP, 77], [3, 17, 2, 32, 7]),
      packed([TOP, TOP, TOP, TOP], [1, 9, 20, 31]),
      packed(
        Array.from({ length: 32 }, (_, i) => (0x9e37_79b9 * (i + 1)) >>> 0),
        Array.from({ length: 32 }, (_, i) => i + 1),
      ),
    ],
    sums: [
      summed(
        [3, 17, 32],
        [
          [7, 0x1_ffff, TOP],
          [1, 1, 1],
          [2, 5, 0x8000_0000],
        ],
      ),
      summed(
        [10, 10],
        Array.from({ length: 8 }, () => [127, 1]),
      ),
    ],
    refused: [
      { name: 'a byte too few', widths: [3, 17, 2], hex: '0000', code: 'wire-invalid' },
      { name: 'a byte too many', widths: [3, 17, 2], hex: '00000000', code: 'wire-invalid' },
      { name: 'the highest padding bit', widths: [3, 17, 2], hex: '000080', code: 'wire-invalid' },
      { name: 'the lowest padding bit', widths: [3, 17, 2], hex: '000040', code: 'wire-invalid' },
      { name: 'a byte for no lanes', widths: [], hex: '00', code: 'wire-invalid' },
    ],
  };
}

function packed(lanes: readonly number[], widths: readonly number[]) {
  return { widths, lanes, packed: hexOf(packLanes(Uint32Array.from(lanes), widths)) };
}

function summed(widths: readonly number[], rows: readonly (readonly number[])[]) {
  const sum = new Uint32Array(widths.length);
  const vectors = rows.map((row) => packLanes(Uint32Array.from(row), widths));
  for (const vector of vectors) addPacked(sum, vector, widths);
  return {
    widths,
    packed: vectors.map(hexOf),
    sum: widths.map((width, j) => (sum[j] ?? 0) % 2 ** width),
  };
}
