import { UsageError } from '@onlysum/crypto';
import { expect, test } from 'vitest';
import vectors from '../../../test/vectors/v1/manifest.json' with { type: 'json' };
import { compileLayout } from './layout.js';
import { parseManifest } from './parse-manifest.js';

const { manifest } = vectors;

/** The example with the value at `path` replaced, or removed if there is none. */
function changed(path: readonly (string | number)[], value?: unknown): unknown {
  const copy: unknown = structuredClone(manifest);
  let at = copy as Record<string | number, unknown>;
  for (const key of path.slice(0, -1)) at = at[key] as Record<string | number, unknown>;
  const last = path.at(-1)!;
  if (value === undefined) delete at[last];
  else at[last] = value;
  return copy;
}

function caught(run: () => unknown): UsageError {
  try {
    run();
  } catch (error) {
    if (error instanceof UsageError) return error;
    throw error;
  }
  throw new Error('expected a UsageError, got none');
}

test('the example parses into an equal copy', () => {
  const parsed = parseManifest(manifest);
  expect(parsed).toEqual(manifest);
  expect(parsed).not.toBe(manifest);
});

test.each(vectors.invalid)('refuses: $name', ({ path, value, code, field }) => {
  const error = caught(() => compileLayout(parseManifest(changed(path, value))));
  expect({ code: error.code, field: error.field }).toEqual({ code, field });
  expect(error.message).toContain('expected ');
});

test.each(vectors.validUrls)('accepts the coordinator at %s', (url) => {
  const key = manifest.coordinator.key;
  expect(parseManifest(changed(['coordinator'], { key, url })).coordinator.url).toBe(url);
});

test.each([undefined, null, 5, 'x', true, [], () => 1])('refuses %s as a manifest', (value) => {
  expect(caught(() => parseManifest(value)).code).toBe('manifest-invalid');
});

test('refuses an own __proto__ instead of dropping it', () => {
  const text = JSON.stringify(manifest).replace('{', '{"__proto__":{"a":1},');
  expect(caught(() => parseManifest(JSON.parse(text))).field).toBe('__proto__');
});

test('a message names the field, what came and what was expected', () => {
  const message = (path: (string | number)[], value?: unknown) =>
    caught(() => parseManifest(changed(path, value))).message;
  expect(message(['cohort', 'min'], 2)).toBe(
    'cohort.min: expected an integer from 3 to 65535, got 2',
  );
  expect(message(['attempts'])).toBe(
    'attempts: expected a value (the field is required), got undefined',
  );
  expect(message(['colour'], 'red')).toBe(
    'colour: expected no such field (check its spelling), got "red"',
  );
  expect(message(['metrics', 0, 'kind'], 'gauge')).toBe(
    'metrics[0].kind: expected "flag" or "count" or "category" or "multi-select" or "top-k" or "sum" or "mean" or "variance" or "histogram" or "distribution" or "cross-tabulation", got "gauge"',
  );
  expect(message(['suite'], 2)).toBe('suite: expected 1, got 2');
  expect(message(['metrics'], {})).toBe('metrics: expected an array, got an object');
  expect(message(['metrics'], [])).toBe('metrics: expected 1 to 1000 entries, got an array of 0');
  expect(message(['window'], 5)).toBe('window: expected an object, got 5');
  expect(message(['window'], [5])).toBe('window: expected an object, got an array of 1');
  expect(message(['metrics', 0], [])).toBe('metrics[0]: expected an object, got an array of 0');
});

test('an unknown field beside a missing one is named first, as its misspelling', () => {
  const { attempts, ...rest } = manifest;
  const misspelt = { ...rest, attempt: attempts };
  expect(caught(() => parseManifest(misspelt))).toMatchObject({
    field: 'attempt',
    message: 'attempt: expected no such field (check its spelling), got 3',
  });
  const { lengthMs } = manifest.window;
  const inside = { ...manifest, window: { length: lengthMs }, colour: 'red' };
  expect(caught(() => parseManifest(inside)).field).toBe('window.length');
  // An unknown field elsewhere does not hide what is missing here, nor is a list of no array tripped over.
  const privacy = { mechanism: 'none', note: 1 };
  const elsewhere = { ...rest, metrics: 5, privacy };
  expect(caught(() => parseManifest(elsewhere)).field).toBe('attempts');
});

test.each(vectors.noise)('accepts noise: $mechanism', (privacy) => {
  expect(parseManifest({ ...manifest, privacy }).privacy).toEqual(privacy);
});

test('noise is limited at its bounds exactly', () => {
  const [skellam] = vectors.noise;
  const budget = { ...skellam!.budget, epsilon: '999.999', delta: '0.999999' };
  const privacy = { ...skellam, epsilon: '999.999', delta: '0.000000000001', budget };
  expect(parseManifest({ ...manifest, privacy }).privacy).toEqual(privacy);
});

test('every other kind parses into an equal copy', () => {
  expect(parseManifest(vectors.kinds)).toEqual(vectors.kinds);
});

test('limits on lists are exact', () => {
  const categories = Array.from({ length: 1000 }, (_, i) => `c${i}`);
  const metrics = (list: string[]) => changed(['metrics', 3, 'categories'], list);
  expect(parseManifest(metrics(categories)).metrics).toHaveLength(7);
  expect(caught(() => parseManifest(metrics([...categories, 'more']))).field).toBe(
    'metrics[3].categories',
  );
});
