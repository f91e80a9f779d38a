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
  printable,
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
  ['a\u009b1m\u202eb\n', '"a1mb\\n"'],
  ['x'.repeat(64), `"${'x'.repeat(64)}"`],
  ['x'.repeat(65), `"${'x'.repeat(61)}..."`],
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

test.each([
  ['\u001b[31mred\u001b[0m', '[31mred[0m'],
  ['\u001b]0;title\u0007x', ']0;titlex'],
  ['\u009b2J\u0090q\u009c', '2Jq'],
  ['one\r\n2026-01-01 error: forged\ttwo', 'one 2026-01-01 error: forged two'],
  ['a\u0085b\u2028c\u2029d\u000be', 'a b c d e'],
  ['\u0000\u0008\u007fdel', 'del'],
  ['\u202egnp.exe\u202c \u2066x\u2069 \u200e\u200f\u061c', 'gnp.exe x '],
  ['zero\u200bwidth\ufeff\u00ad', 'zerowidth'],
  ['\ud800 alone, \ue000 private, \u{e0041} tag', ' alone,  private,  tag'],
  [
    'Grüße, Ελλάδα, שלום, नमस्ते, 東京, e\u0301, 🙂 – „“ €',
    'Grüße, Ελλάδα, שלום, नमस्ते, 東京, e\u0301, 🙂 – „“ €',
  ],
])('%j is printed as %j', (text, shown) => {
  expect(printable(text)).toBe(shown);
});
