import { WireError } from '@onlysum/crypto';
import fc from 'fast-check';
import { FLOAT32_OPTIONS, Packr } from 'msgpackr';
import { describe, expect, test } from 'vitest';
import { scanMessagePack } from './scan.js';

const LIMITS = { depth: 3, values: 64 };
const wireInvalid = expect.objectContaining({ code: 'wire-invalid' });

const scan = (...bytes: readonly number[]) => scanMessagePack(Uint8Array.from(bytes), LIMITS);
const repeat = (byte: number, times: number) => Array.from({ length: times }, () => byte);

/** What follows each type byte to make one whole value, from the MessagePack specification. */
function completed(type: number): readonly number[] | undefined {
  if (type <= 0x7f || type >= 0xe0) return [];
  if (type >= 0x80 && type <= 0x8f) return undefined; // fixmap
  if (type >= 0x90 && type <= 0x9f) return repeat(0xc0, type & 15);
  if (type >= 0xa0 && type <= 0xbf) return repeat(0x61, type & 31);
  switch (type) {
    case 0xc0:
    case 0xc2:
    case 0xc3:
      return [];
    case 0xc4:
    case 0xd9:
      return [2, 1, 1];
    case 0xc5:
    case 0xda:
      return [0, 2, 1, 1];
    case 0xc6:
    case 0xdb:
      return [0, 0, 0, 2, 1, 1];
    case 0xcc:
    case 0xd0:
      return [1];
    case 0xcd:
    case 0xd1:
      return [1, 2];
    case 0xce:
    case 0xd2:
      return [1, 2, 3, 4];
    case 0xcf:
    case 0xd3:
      return [1, 2, 3, 4, 5, 6, 7, 8];
    case 0xdc:
      return [0, 1, 0xc0];
    case 0xdd:
      return [0, 0, 0, 1, 0xc0];
    default:
      return undefined; // c1, ext, float, fixext, map
  }
}

describe('scanning MessagePack', () => {
  test.each(Array.from({ length: 256 }, (_, type) => type))('type byte %i', (type) => {
    const rest = completed(type);
    if (rest === undefined) {
      // Padded, so that only the type byte can be at fault.
      expect(() => scan(type, ...repeat(0, 32))).toThrow(`0x${type.toString(16)} at 0`);
      expect(() => scan(0x91, type, ...repeat(0, 32))).toThrow(`0x${type.toString(16)} at 1`);
      return;
    }
    scan(type, ...rest);
    scan(0x91, type, ...rest);
    expect(() => scan(type, ...rest, 0)).toThrow('1 bytes after the end');
    for (let length = 0; length < rest.length; length++) {
      expect(() => scan(type, ...rest.slice(0, length))).toThrow(wireInvalid);
    }
  });

  test('nothing at all is refused', () => {
    expect(() => scan()).toThrow(wireInvalid);
  });

  test('arrays nest as deep as allowed and no deeper, whether full or empty', () => {
    scan(0x91, 0x91, 0x91, 0x01);
    scan(0x91, 0x91, 0x92, 0x90, 0x90);
    expect(() => scan(0x91, 0x91, 0x91, 0x91, 0x01)).toThrow('nested deeper than 3');
    expect(() => scan(...repeat(0x91, 10_000), 0x01)).toThrow('nested deeper than 3');
  });

  test('values are counted, arrays included, and no more are read than allowed', () => {
    scan(0xdc, 0, 63, ...repeat(1, 63));
    expect(() => scan(0xdc, 0, 64, ...repeat(1, 64))).toThrow('more than 64 values');
    expect(() => scan(0xdc, 0, 32, ...repeat(0x91, 32), ...repeat(1, 32))).toThrow(wireInvalid);
  });

  test('an array goes on after a finished inner array', () => {
    scan(0x93, 0x92, 1, 2, 0x91, 3, 4);
    expect(() => scan(0x93, 0x92, 1, 2, 0x91, 3)).toThrow('inside a value');
    expect(() => scan(0x93, 0x92, 1, 2, 0x91, 3, 4, 5)).toThrow('1 bytes after the end');
  });

  test.each([
    ['bin 8', [0xc4, 0xff]],
    ['bin 16', [0xc5, 0xff, 0xff]],
    ['bin 32', [0xc6, 0xff, 0xff, 0xff, 0xff]],
    ['str 8', [0xd9, 0xff]],
    ['str 16', [0xda, 0xff, 0xff]],
    ['str 32', [0xdb, 0xff, 0xff, 0xff, 0xff]],
    ['array 16', [0xdc, 0xff, 0xff]],
    ['array 32', [0xdd, 0xff, 0xff, 0xff, 0xff]],
  ])('a length bomb (%s) is refused at once', (_, bomb) => {
    const started = performance.now();
    expect(() => scan(...bomb)).toThrow(wireInvalid);
    expect(() => scan(0x91, ...bomb)).toThrow(wireInvalid);
    expect(() => scan(0x91, ...bomb, ...repeat(0xc0, 200))).toThrow(wireInvalid);
    expect(performance.now() - started).toBeLessThan(1000);
  });

  test('every cut of a whole message is refused', () => {
    const packr = new Packr({ useRecords: false });
    const whole = packr.pack([
      3,
      new Uint8Array(300),
      'text',
      70_000,
      [true, null, [-1, 2n ** 40n]],
    ]);
    scanMessagePack(whole, LIMITS);
    for (let length = 0; length < whole.length; length++) {
      const cut = whole.subarray(0, length);
      expect(() => scanMessagePack(cut, LIMITS)).toThrow(wireInvalid);
    }
    const longer = Uint8Array.from([...whole, 0xc0]);
    expect(() => scanMessagePack(longer, LIMITS)).toThrow('1 bytes after the end');
  });

  test.each<[string, unknown, ConstructorParameters<typeof Packr>[0]]>([
    ['a record', [{ a: 1, b: 2 }], { useRecords: true }],
    ['a map', [{ a: 1 }], { useRecords: false }],
    ['a Map', [new Map([[1, 2]])], { useRecords: false }],
    ['a date', [new Date(1_767_225_600_000)], { useRecords: false }],
    ['a float', [1.5], { useRecords: false }],
    ['a float 32', [1.5], { useRecords: false, useFloat32: FLOAT32_OPTIONS.ALWAYS }],
    ['a big number as a float', [2 ** 40], { useRecords: false }],
    ['undefined as an extension', [undefined], { useRecords: false }],
    ['a set', [new Set([1])], { useRecords: false, moreTypes: true }],
    ['an error', [new RangeError('x')], { useRecords: false, moreTypes: true }],
    ['a big integer', [2n ** 80n], { useRecords: false, moreTypes: true }],
  ])('what msgpackr writes for %s is refused', (_, value, options) => {
    const bytes = new Packr(options).pack(value);
    expect(() => scanMessagePack(bytes, LIMITS)).toThrow('is not allowed');
  });

  test('a view into a larger buffer is scanned where it lies', () => {
    const around = Uint8Array.of(0xc1, 0x91, 0x07, 0xc1);
    scanMessagePack(around.subarray(1, 3), LIMITS);
    expect(() => scanMessagePack(around.subarray(1, 2), LIMITS)).toThrow(wireInvalid);
  });

  test('random bytes pass or are a WireError, nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        try {
          scanMessagePack(bytes, LIMITS);
        } catch (error) {
          expect(error).toBeInstanceOf(WireError);
        }
      }),
      { numRuns: 3000 },
    );
  });
});
