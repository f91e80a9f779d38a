import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concatBytes, equalBytes, parseHex, toHex, utf8, wipe } from './bytes.js';
import { UsageError } from './errors.js';

test('concatBytes joins in order, into new memory', () => {
  const part = Uint8Array.of(1, 2);
  const joined = concatBytes(part, new Uint8Array(0), Uint8Array.of(3));
  expect(joined).toEqual(Uint8Array.of(1, 2, 3));
  part[0] = 9;
  expect(joined[0]).toBe(1);
  expect(concatBytes()).toEqual(new Uint8Array(0));
});

test('equalBytes is equality', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 40 }), (a, b) => {
      expect(equalBytes(a, b)).toBe(toHex(a) === toHex(b));
      expect(equalBytes(a, Uint8Array.from(a))).toBe(true);
      a.forEach((byte, i) => expect(equalBytes(a, a.with(i, byte ^ 0x80))).toBe(false));
    }),
  );
});

test('equalBytes: differences do not cancel', () => {
  expect(equalBytes(Uint8Array.of(1, 2, 3), Uint8Array.of(2, 1, 3))).toBe(false);
});

test('equalBytes: a prefix is not equal', () => {
  expect(equalBytes(Uint8Array.of(1, 0), Uint8Array.of(1))).toBe(false);
  expect(equalBytes(Uint8Array.of(1), Uint8Array.of(1, 0))).toBe(false);
});

test('wipe zeroes every array it is given', () => {
  const [a, b] = [Uint8Array.of(1, 2), Uint32Array.of(3, 4)];
  wipe(a, b);
  expect([...a, ...b]).toEqual([0, 0, 0, 0]);
});

test('utf8', () => {
  expect(toHex(utf8('aé€'))).toBe('61c3a9e282ac');
});

describe('hex', () => {
  test('round trip', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(toHex(bytes)).toBe(Buffer.from(bytes).toString('hex'));
        expect(parseHex('key', toHex(bytes), bytes.length)).toEqual(bytes);
      }),
    );
  });

  test.each([
    ['too short', 'aabb', 'a string of 4 characters'],
    ['too long', 'aabbccdd', 'a string of 8 characters'],
    ['an odd number of digits', 'aabbc', 'a string of 5 characters'],
    ['upper case', 'aAbbcc', 'another character at position 1'],
    ['another letter', 'aabbcg', 'another character at position 5'],
    ['a sign', '-1bbcc', 'another character at position 0'],
    ['a space', 'aabb c', 'another character at position 4'],
    ['a digit of another script', 'aabb٣c', 'another character at position 4'],
    ['a number', 112233, 'a value of type number'],
    ['nothing', undefined, 'a value of type undefined'],
    ['an array of digits', ['aabbcc'], 'a value of type object'],
  ])('refuses %s', (_, text, got) => {
    const call = () => parseHex('registrar', text, 3);
    const expected = '6 lower-case hex digits';
    expect(call).toThrow(UsageError);
    expect(call).toThrow(
      expect.objectContaining({
        code: 'hex-invalid',
        field: 'registrar',
        expected,
        got,
        message: `registrar: expected ${expected}, got ${got}`,
      }),
    );
  });

  test('an error never quotes the text, which may be a seed', () => {
    const seed = `${'5ec2e7'.repeat(10)}ABCD`;
    try {
      parseHex('seed', seed, 32);
      expect.unreachable();
    } catch (error) {
      expect(JSON.stringify(error) + String(error)).not.toContain('5ec2e7');
    }
  });
});
