import { parseHex, toHex } from '@onlysum/crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import vectors from '../../../test/vectors/v1/manifest.json' with { type: 'json' };
import { canonicalBytes, parseCanonical } from './canonical.js';

const bytesOf = (hex: string) => parseHex('bytes', hex, hex.length / 2);
const refusal = expect.objectContaining({ code: 'json-not-canonical' });

test('the example manifest has the published bytes', () => {
  expect(toHex(canonicalBytes(vectors.manifest))).toBe(vectors.canonical);
  expect(parseCanonical(bytesOf(vectors.canonical))).toEqual(vectors.manifest);
});

test.each(vectors.jcs)('$name', ({ input, canonical }) => {
  expect(toHex(canonicalBytes(JSON.parse(input)))).toBe(canonical);
});

test.each(vectors.notCanonical)('refuses bytes: $name', ({ bytes }) => {
  expect(() => parseCanonical(bytesOf(bytes))).toThrow(refusal);
});

test.each([
  [0.5, 'json'],
  [Number.NaN, 'json'],
  [2 ** 53, 'json'],
  [undefined, 'json'],
  [null, 'json'],
  [1n, 'json'],
  [() => 1, 'json'],
  [[1, undefined], 'json[1]'],
  // A hole, which must not become null.
  [Object.assign([1], { length: 2 }), 'json[1]'],
  [{ a: { b: [0, null] } }, 'a.b[1]'],
  [{ a: undefined }, 'a'],
  [{ a: new Date(0) }, 'a'],
  [{ a: Object(1) }, 'a'],
  [{ a: new Uint8Array(2) }, 'a'],
  [{ toJSON: () => 1 }, 'toJSON'],
  ['\ud800', 'json'],
])('refuses the value %o', (value, field) => {
  const named = field.startsWith('json[') ? field.slice(4) : field;
  expect(() => canonicalBytes(value)).toThrow(
    expect.objectContaining({ code: 'json-not-canonical', field: named }),
  );
});

test('what is not UTF-8 is said to be that', () => {
  expect(() => parseCanonical(bytesOf('22ff22'))).toThrow(
    'json: expected JSON in UTF-8, got 3 bytes',
  );
});

test('sixteen levels are allowed', () => {
  const bytes = canonicalBytes(JSON.parse(`${'['.repeat(16)}1${']'.repeat(16)}`));
  expect(bytes).toHaveLength(33);
});

test('a value within itself is refused, not followed', () => {
  const loop: Record<string, unknown> = {};
  loop['a'] = loop;
  expect(() => canonicalBytes(loop)).toThrow(refusal);
});

const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.string({ unit: 'grapheme' }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.string({ unit: 'binary' }), tie('value'), { maxKeys: 4 }),
  ),
})).value;

test('canonical bytes are a fixed point and give the value back', () => {
  fc.assert(
    fc.property(json, (value) => {
      const bytes = canonicalBytes(value);
      const parsed = parseCanonical(bytes);
      expect(toHex(canonicalBytes(parsed))).toBe(toHex(bytes));
      expect(JSON.stringify(parsed).length).toBe(JSON.stringify(value).length);
    }),
  );
});
