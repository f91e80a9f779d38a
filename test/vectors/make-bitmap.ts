/** bitmap.json: subsets of a roster. */
import { encodeBitmap } from '../../packages/protocol/src/bitmap.js';
import { hexOf } from './json.js';

export function bitmapVectors() {
  const all = (n: number) => Array.from({ length: n }, (_, i) => i);
  return {
    about:
      'A subset of n devices as ⌈n/8⌉ bytes: bit i of byte ⌊i/8⌋, least significant first. Padding bits ' +
      'are zero, or parsing refuses.',
    cases: [
      bitmap(1, []),
      bitmap(1, [0]),
      bitmap(7, [0, 6]),
      bitmap(8, all(8)),
      bitmap(9, [8]),
      bitmap(17, [0, 9, 15]),
      bitmap(
        300,
        all(300).filter((i) => i % 3 === 0),
      ),
    ],
    refused: [
      { name: 'too short', n: 9, hex: '01', code: 'wire-invalid' },
      { name: 'too long', n: 9, hex: '010000', code: 'wire-invalid' },
      { name: 'nothing', n: 1, hex: '', code: 'wire-invalid' },
      { name: 'the first padding bit', n: 9, hex: '0002', code: 'wire-invalid' },
      { name: 'the last padding bit', n: 9, hex: '0080', code: 'wire-invalid' },
      { name: 'a padding bit beside members', n: 4, hex: '1f', code: 'wire-invalid' },
    ],
  };
}

function bitmap(n: number, members: readonly number[]) {
  return { n, members, hex: hexOf(encodeBitmap(members, n)) };
}
