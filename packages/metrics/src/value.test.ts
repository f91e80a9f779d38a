import type { Metric } from '@onlysum/task';
import { parseManifest } from '@onlysum/task';
import { expect, test } from 'vitest';
import vectors from '../../../test/vectors/v1/manifest.json' with { type: 'json' };
import { accumulate, findMetric, type RecordedValue } from './value.js';

const manifest = parseManifest(vectors.manifest);
const metric = (name: string): Metric => findMetric(manifest, name);
const record = (name: string, ...values: unknown[]) =>
  values.reduce<RecordedValue | undefined>(
    (previous, value) => accumulate(metric(name), previous, value),
    undefined,
  );

test.each<[string, unknown[], RecordedValue]>([
  ['active', [true, false], false],
  ['crashes', [1, 0, 2], 3],
  ['crashes', [5000, 1], 5001],
  ['crashes', [Number.MAX_SAFE_INTEGER, 5], Number.MAX_SAFE_INTEGER],
  ['browser', ['chrome-120', 'chrome-121'], 'chrome-121'],
  ['browser', ['secret stuff'], 'other'],
  ['browser', ['other'], 'other'],
  ['disk', [0.5, 2, -1], 1.5],
  ['disk', [1e308, 1e308], Number.MAX_VALUE],
  ['disk', [-1e308, -1e308], -Number.MAX_VALUE],
  ['temperature', [20, 30], 30],
  ['startup_ms', [412, 99.5], 99.5],
])('%s after %o is %s', (name, values, expected) => {
  expect(record(name, ...values)).toBe(expected);
});

test.each<[string, unknown, string]>([
  ['active', 1, 'value-type'],
  ['active', 'true', 'value-type'],
  ['active', undefined, 'value-type'],
  ['crashes', true, 'value-type'],
  ['crashes', '1', 'value-type'],
  ['crashes', -1, 'value-type'],
  ['crashes', 0.5, 'value-type'],
  ['crashes', 2 ** 53, 'value-type'],
  ['crashes', 1n, 'value-type'],
  ['crashes', Number.NaN, 'value-not-finite'],
  ['crashes', Number.POSITIVE_INFINITY, 'value-not-finite'],
  ['browser', 120, 'value-type'],
  ['browser', null, 'value-type'],
  ['disk', '5', 'value-type'],
  ['disk', Number.NaN, 'value-not-finite'],
  ['temperature', {}, 'value-type'],
  ['temperature', Number.NEGATIVE_INFINITY, 'value-not-finite'],
  ['startup_ms', Number.NaN, 'value-not-finite'],
  ['startup_ms', [1], 'value-type'],
])('%s refuses %o', (name, value, code) => {
  for (const previous of [undefined, metric(name).kind === 'flag' ? true : 1]) {
    expect(() => accumulate(metric(name), previous, value)).toThrow(
      expect.objectContaining({ code, field: name, message: expect.stringContaining(name) }),
    );
  }
});

test('a message says what came and what was expected, but shows no text of the host', () => {
  expect(() => record('crashes', -1)).toThrow(
    'metric crashes (count): expected an integer ≥ 0, got -1',
  );
  expect(() => record('active', 'jane@acme.example')).toThrow(
    'metric active (flag): expected true or false, got a string of 17',
  );
});

test('a stored value of another type is refused, not mixed in', () => {
  expect(() => accumulate(metric('crashes'), 'three', 1)).toThrow(
    expect.objectContaining({ code: 'value-type', field: 'crashes' }),
  );
});

test('a metric that is not in the manifest is refused with its name', () => {
  for (const name of ['crash', 'constructor', 'performance']) {
    expect(() => findMetric(manifest, name)).toThrow(
      expect.objectContaining({
        code: 'metric-unknown',
        got: JSON.stringify(name),
        message: expect.stringContaining('active, startup_ms, crashes'),
      }),
    );
  }
});
