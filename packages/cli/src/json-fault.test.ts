import fc from 'fast-check';
import { expect, it } from 'vitest';
import { jsonFault } from './json-fault.js';

it.each([
  ['', 'line 1, column 1'],
  ['{"seed": "deadbeef",}', 'line 1, column 21'],
  ['{\n  "a": 1\n  "b": 2\n}', 'line 3, column 3'],
  ['{"a" 1}', 'line 1, column 6'],
  ['[1, 2', 'line 1, column 6'],
  ['[1 2]', 'line 1, column 4'],
  ['[1,]', 'line 1, column 4'],
  ['[}', 'line 1, column 2'],
  ["{'a': 1}", 'line 1, column 2'],
  ['{"a": "unclosed}', 'line 1, column 7'],
  ['{"a": 01}', 'line 1, column 8'],
  ['# onlysum', 'line 1, column 1'],
  ['{} {}', 'line 1, column 4'],
  ['\ufeff{}', 'line 1, column 1'],
])('%j: %s', (text, where) => {
  expect(() => JSON.parse(text)).toThrow();
  expect(jsonFault(text)).toBe(where);
});

it('goes through any JSON to its end', () => {
  fc.assert(
    fc.property(fc.json(), fc.constantFrom(0, 2), (json, indent) => {
      const text = JSON.stringify(JSON.parse(json), undefined, indent);
      const lines = text.split('\n');
      expect(jsonFault(`${text}x`)).toBe(
        `line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}`,
      );
    }),
  );
});

it('goes through a text that is nested too deep for a stack', () => {
  expect(jsonFault('['.repeat(200_000))).toBe('line 1, column 200001');
});
