import { expect, test } from 'vitest';
import {
  InternalError,
  OnlysumError,
  PeerError,
  RoundError,
  UsageError,
  WireError,
  describe as describeValue,
  invalidField,
} from './errors.js';

test.each([UsageError, WireError, PeerError, RoundError, InternalError])(
  '%o keeps its class, its name and its details',
  (Class) => {
    const cause = new Error('why');
    const error = new Class('some-code', 'message', { field: 'a.b', retryable: true, cause });
    expect(error).toBeInstanceOf(OnlysumError);
    expect(error).toMatchObject({ name: Class.name, code: 'some-code', field: 'a.b', cause });
    expect([error.retryable, error.got, error.expected]).toEqual([true, undefined, undefined]);
    expect(new Class('some-code', 'message').retryable).toBe(false);
  },
);

test('invalidField says which field, what was expected and what came', () => {
  const error = invalidField(WireError, 'size-invalid', 'cohort.min', 'an integer ≥ 2', '1');
  expect(error).toBeInstanceOf(WireError);
  expect(error).toMatchObject({
    code: 'size-invalid',
    message: 'cohort.min: expected an integer ≥ 2, got "1"',
    field: 'cohort.min',
    expected: 'an integer ≥ 2',
    got: '"1"',
  });
});

test.each([
  [new Uint8Array([5, 5, 5]), '3 bytes'],
  [[1, 2], 'an array of 2'],
  ['a"b', '"a\\"b"'],
  ['x'.repeat(100), `"${'x'.repeat(57)}..."`],
  [{ secret: 1 }, 'an object'],
  [null, 'null'],
  [undefined, 'undefined'],
  [() => 1, 'a function'],
  [5n, '5n'],
  [Number.NaN, 'NaN'],
  [true, 'true'],
])('%o is described as %s', (value, expected) => {
  expect(describeValue(value)).toBe(expected);
});
