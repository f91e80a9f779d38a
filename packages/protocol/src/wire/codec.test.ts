import { InternalError, WireError } from '@onlysum/crypto';
import fc from 'fast-check';
import { Packr } from 'msgpackr';
import { describe, expect, test } from 'vitest';
import {
  booleanField,
  bytesField,
  codec,
  decodeFrame,
  integerField,
  listField,
  recordsField,
  textField,
  tupleField,
} from './codec.js';

const plain = new Packr({ useRecords: false });

/** One field of every kind. */
const sample = codec(7, 'Sample', {
  count: integerField(-1, Number.MAX_SAFE_INTEGER),
  key: bytesField(4),
  records: recordsField(3, 2),
  text: textField(5),
  flag: booleanField,
  list: listField(integerField(0, 9), 3),
  pair: tupleField({ a: integerField(0, 9), b: bytesField(2) }),
});
type Sample = ReturnType<typeof sample.parse>;

const good: Sample = {
  count: 2 ** 53 - 1,
  key: Uint8Array.of(1, 2, 3, 4),
  records: Uint8Array.of(1, 2, 3),
  text: 'héllo',
  flag: true,
  list: [0, 9],
  pair: { a: 3, b: Uint8Array.of(8, 9) },
};

const wireInvalid = (field: string) => expect.objectContaining({ code: 'wire-invalid', field });
const raw = (...changes: readonly (readonly [number, unknown])[]): unknown[] => {
  const { count, key, records, text, flag, list, pair } = good;
  const out: unknown[] = [7, count, key, records, text, flag, list, [pair.a, pair.b]];
  for (const [position, value] of changes) out[position] = value;
  return out;
};

describe('a codec', () => {
  test('parses what it encodes', () => {
    expect(sample.parse(decodeFrame(sample.encode(good)))).toEqual(good);
    expect(sample.parse(raw())).toEqual(good);
  });

  test('integers up to 2^53 − 1 travel as integers, never as floats', () => {
    const edges = [0, 127, 128, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1, -1];
    for (const count of edges) {
      const bytes = sample.encode({ ...good, count });
      expect(sample.parse(decodeFrame(bytes)).count).toBe(count);
    }
    fc.assert(
      fc.property(fc.maxSafeNat(), (count) => {
        expect(sample.parse(decodeFrame(sample.encode({ ...good, count }))).count).toBe(count);
      }),
    );
  });

  test('an integer that no number holds exactly is refused, not rounded', () => {
    for (const high of [0x00_20_00_00, 0x00_20_00_01, 0xff_ff_ff_ff]) {
      const frame = Uint8Array.from([0x98, 7, 0xcf, 0, 0, 0, 0, 0, 0, 0, 0, ...restOf(good)]);
      new DataView(frame.buffer).setUint32(3, high);
      expect(() => sample.parse(decodeFrame(frame))).toThrow(wireInvalid('Sample.count'));
    }
  });

  test('decoded bytes do not alias the frame', () => {
    const frame = sample.encode(good);
    const parsed = sample.parse(decodeFrame(frame));
    frame.fill(0xff);
    expect(parsed).toEqual(good);
  });

  test('neither frame nor fields are kept between encodings', () => {
    const first = sample.encode(good);
    const copy = first.slice();
    sample.encode({ ...good, count: 1, text: 'other' });
    expect(first).toEqual(copy);
  });

  test.each<[string, number, readonly unknown[]]>([
    ['Sample.count', 1, [-2, 2 ** 53, 1.5, Number.NaN, '1', null, true, [1], new Uint8Array(1)]],
    ['Sample.key', 2, [new Uint8Array(3), new Uint8Array(5), 'abcd', 4, null, [1, 2, 3, 4]]],
    ['Sample.records', 3, [new Uint8Array(1), new Uint8Array(9), '', null, 0, []]],
    ['Sample.text', 4, ['sixsix', 1, null, new Uint8Array(3), ['a']]],
    ['Sample.flag', 5, [0, 1, null, 'true', []]],
    ['Sample.list', 6, [[1, 2, 3, 4], 1, null, 'ab', new Uint8Array(2)]],
    [
      'Sample.list[1]',
      6,
      [
        [1, 10],
        [1, -1],
        [1, null],
        [1, [2]],
      ],
    ],
    ['Sample.pair', 7, [[1], [1, new Uint8Array(2), 1], null, 5, 'ab', new Uint8Array(2)]],
    [
      'Sample.pair.a',
      7,
      [
        [10, new Uint8Array(2)],
        ['1', new Uint8Array(2)],
      ],
    ],
    [
      'Sample.pair.b',
      7,
      [
        [1, new Uint8Array(1)],
        [1, 2],
      ],
    ],
  ])('%s: everything else is refused by that name', (field, position, values) => {
    for (const value of values) {
      expect(() => sample.parse(raw([position, value]))).toThrow(wireInvalid(field));
    }
  });

  test('a missing or extra field, or another type, is refused', () => {
    expect(() => sample.parse(raw().slice(0, -1))).toThrow(wireInvalid('Sample'));
    expect(() => sample.parse([...raw(), null])).toThrow(wireInvalid('Sample'));
    expect(() => sample.parse([7])).toThrow(wireInvalid('Sample'));
    expect(() => sample.parse(raw([0, 8]))).toThrow(wireInvalid('type'));
  });

  test('a message of ours without a field is our own bug', () => {
    const { flag: _, ...rest } = good;
    expect(() => sample.encode(rest as Sample)).toThrow(InternalError);
  });
});

describe('a frame', () => {
  test.each<[string, unknown]>([
    ['a number', 7],
    ['text', 'abc'],
    ['nil', null],
    ['binary', new Uint8Array(3)],
  ])('that is %s is refused', (_, value) => {
    expect(() => decodeFrame(plain.pack(value))).toThrow(wireInvalid('frame'));
  });

  test.each<[string, unknown]>([
    ['nothing', []],
    ['text', ['7']],
    ['a list', [[7]]],
    ['nil', [null]],
  ])('whose type is %s is refused', (_, value) => {
    expect(() => decodeFrame(plain.pack(value))).toThrow(wireInvalid('type'));
  });

  test('holds as many values as the caller allows', () => {
    const bytes = plain.pack(Array.from({ length: 20 }, (_, i) => i));
    expect(decodeFrame(bytes, 21)).toHaveLength(20);
    expect(() => decodeFrame(bytes, 20)).toThrow('more than 20 values');
  });

  test.each<[string, unknown, ConstructorParameters<typeof Packr>[0]]>([
    ['a record', [1, { a: 1 }], { useRecords: true }],
    ['a map', [1, { a: 1 }], { useRecords: false }],
    ['a date', [1, new Date(0)], { useRecords: false }],
    ['a float', [1, 0.5], { useRecords: false }],
    ['an extension', [1, new Set([1])], { useRecords: false, moreTypes: true }],
  ])('with %s never reaches the decoder', (_, value, options) => {
    const bytes = new Packr(options).pack(value);
    expect(() => decodeFrame(bytes)).toThrow(/^MessagePack: type byte .* is not allowed$/);
  });

  test('of random bytes, or of a message with some changed, parses or is a WireError', () => {
    const base = sample.encode(good);
    const changed = fc
      .array(fc.tuple(fc.nat(base.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
      .map((changes) => {
        const bytes = Uint8Array.from(base);
        for (const [at, byte] of changes) bytes[at] = byte;
        return bytes;
      });
    const cut = fc.nat(base.length).map((length) => Uint8Array.from(base.subarray(0, length)));
    const arrays = fc.uint8Array({ maxLength: 40 }).map((b) => Uint8Array.of(0x93, 7, ...b));
    const outcomes = { parsed: 0, refused: 0 };
    fc.assert(
      fc.property(fc.oneof(changed, cut, arrays, fc.uint8Array({ maxLength: 64 })), (bytes) => {
        try {
          sample.parse(decodeFrame(bytes));
          outcomes.parsed++;
        } catch (error) {
          expect(error).toBeInstanceOf(WireError);
          outcomes.refused++;
        }
      }),
      { numRuns: 4000, seed: 6001 },
    );
    expect(outcomes.parsed).toBeGreaterThan(100);
    expect(outcomes.refused).toBeGreaterThan(1000);
  });
});

/** The frame of a sample after its first field. */
function restOf(value: Sample): Uint8Array {
  const zero = sample.encode({ ...value, count: 0 });
  return zero.subarray(3);
}
