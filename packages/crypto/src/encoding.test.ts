import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { toHex } from './bytes.js';
import { encodeLabelled } from './encoding.js';
import { InternalError } from './errors.js';
import { LABELS } from './labels.js';
import type { Label } from './labels.js';

const labels: readonly Label[] = Object.values(LABELS);

/** Reads the encoding back, which is possible for one (label, fields) only. */
function decode(bytes: Uint8Array): { label: string; fields: Uint8Array[] } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 2 + view.getUint16(0);
  const label = new TextDecoder().decode(bytes.subarray(2, at));
  const fields: Uint8Array[] = [];
  while (at < bytes.length) {
    const end = at + 4 + view.getUint32(at);
    fields.push(bytes.slice(at + 4, end));
    at = end;
  }
  expect(at).toBe(bytes.length);
  return { label, fields };
}

test('the exact bytes', () => {
  const bytes = encodeLabelled(LABELS.window, Uint8Array.of(0xff), 258, 'é', new Uint8Array(0));
  const expected = [
    '0010', // length of the label
    Buffer.from('onlysum/1 window').toString('hex'),
    '00000001ff',
    '000000080000000000000102',
    '00000002c3a9',
    '00000000',
  ];
  expect(toHex(bytes)).toBe(expected.join(''));
});

describe('injective', () => {
  const label = fc.constantFrom(...labels);
  const fields = fc.array(fc.uint8Array({ maxLength: 12 }), { maxLength: 5 });

  test('label and fields can be read back', () => {
    fc.assert(
      fc.property(label, fields, (name, parts) => {
        expect(decode(encodeLabelled(name, ...parts))).toEqual({ label: name, fields: parts });
      }),
    );
  });

  test('numbers and well-formed strings can be read back in their places', () => {
    const text = fc.string({ unit: 'grapheme' });
    fc.assert(
      fc.property(label, fc.maxSafeInteger(), text, (name, value, words) => {
        const number = Math.abs(value);
        const [first, second] = decode(encodeLabelled(name, number, words)).fields;
        expect(Number(new DataView(first!.buffer).getBigUint64(0))).toBe(number);
        expect(new TextDecoder().decode(second)).toBe(words);
      }),
    );
  });

  test('moving a byte across a border gives other bytes', () => {
    const encodings = [
      encodeLabelled(LABELS.hello, 'ab', 'c'),
      encodeLabelled(LABELS.hello, 'a', 'bc'),
      encodeLabelled(LABELS.hello, 'abc'),
      encodeLabelled(LABELS.hello, 'abc', ''),
      encodeLabelled(LABELS.hello, '', 'abc'),
      encodeLabelled(LABELS.context, 'ab', 'c'),
    ];
    expect(new Set(encodings.map(toHex)).size).toBe(encodings.length);
  });
});

test.each([-1, 0.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY])(
  'refuses the number %d',
  (n) => {
    expect(() => encodeLabelled(LABELS.hello, n)).toThrow(InternalError);
  },
);

test('0 and the largest safe integer are encoded', () => {
  const bytes = encodeLabelled(LABELS.hello, 0, Number.MAX_SAFE_INTEGER);
  expect(decode(bytes).fields.map(toHex)).toEqual(['0000000000000000', '001fffffffffffff']);
});

test('no two uses share a label, and each names the protocol and its version', () => {
  expect(new Set(labels).size).toBe(labels.length);
  for (const label of labels) expect(label).toMatch(/^onlysum\/1 [a-z0-9 ]+$/);
});
