/**
 * What a device has recorded of one metric in a window, before it becomes lanes.
 * Knows: types, and how values of one window combine. Doesn't know: bounds, consent, storage.
 * Invariant: a value is what its kind asks for, finite, and holds no text but a listed category.
 */
import { describe, UsageError } from '@onlysum/crypto';
import {
  type CrossTabulationMetric,
  type Manifest,
  type Metric,
  OTHER_CATEGORY,
  withOther,
} from '@onlysum/task';

/**
 * JSON-able. A flag is a boolean, a category or candidate its name or `other`, a multi-select a list of
 * those, all else a number.
 */
export type RecordedValue = number | boolean | string | readonly string[];

/** @throws {UsageError} `metric-unknown`, naming what came and the metrics there are. */
export function findMetric(manifest: Manifest, name: string): Metric {
  const metric = manifest.metrics.find((candidate) => candidate.name === name);
  if (metric !== undefined) return metric;
  const known = manifest.metrics.map((candidate) => candidate.name);
  const shown = known.slice(0, 8).join(', ') + (known.length > 8 ? ', …' : '');
  throw new UsageError(
    'metric-unknown',
    `${describe(name)}: expected a metric of the manifest (${shown})`,
    { field: 'metric', expected: `one of ${shown}`, got: describe(name) },
  );
}

/**
 * @param previous - the value of this window so far.
 * @param value - what the host recorded: a boolean for a flag, an integer ≥ 0 for a count, a string
 *   for a category or a top-k, a list of strings for a multi-select, a finite number otherwise.
 * @returns the value to keep: counts and sums add up (up to the largest exact count, the largest
 *   finite sum), for all others the last one counts.
 * @throws {UsageError} `value-type`, `value-not-finite` or `metric-derived`, naming the metric.
 */
export function accumulate(
  metric: Metric,
  previous: RecordedValue | undefined,
  value: unknown,
): RecordedValue {
  const checked = checkValue(metric, value);
  if (previous === undefined || typeof checked !== 'number') return checked;
  const before = checkValue(metric, previous);
  if (typeof before !== 'number') return checked;
  if (metric.kind === 'count') return Math.min(before + checked, Number.MAX_SAFE_INTEGER);
  if (metric.kind !== 'sum') return checked;
  return Math.min(Math.max(before + checked, -Number.MAX_VALUE), Number.MAX_VALUE);
}

/**
 * @returns `value`, with what the manifest does not list replaced by `other`; selections come in the
 *   manifest's order, each once.
 * @throws {UsageError} `value-type`, `value-not-finite`; `metric-derived` for a cross-tabulation.
 */
export function checkValue(metric: Metric, value: unknown): RecordedValue {
  switch (metric.kind) {
    case 'flag':
      if (typeof value !== 'boolean') throw wrong(metric, 'true or false', value);
      return value;
    case 'category':
      return listed(metric, metric.categories, value);
    case 'top-k':
      return listed(metric, metric.candidates, value);
    case 'multi-select':
      return selections(metric, metric.options, value);
    case 'cross-tabulation':
      throw derived(metric);
    case 'count':
      if (finite(metric, value, 'an integer ≥ 0') < 0 || !Number.isSafeInteger(value)) {
        throw wrong(metric, 'an integer ≥ 0', value);
      }
      return value as number;
    case 'sum':
    case 'mean':
    case 'variance':
    case 'histogram':
    case 'distribution':
      return finite(metric, value, 'a finite number');
  }
}

function listed(metric: Metric, names: readonly string[], value: unknown): string {
  if (typeof value !== 'string') throw wrong(metric, 'a string', value);
  return names.includes(value) ? value : OTHER_CATEGORY;
}

function selections(metric: Metric, options: readonly string[], value: unknown): string[] {
  if (!Array.isArray(value)) throw wrong(metric, 'a list of strings', value);
  const chosen = new Set(value.map((each: unknown) => listed(metric, options, each)));
  return withOther(options).filter((option) => chosen.has(option));
}

function derived({ name, rows, columns }: CrossTabulationMetric): UsageError {
  const expected = `${rows} and ${columns}, from which it is made`;
  return new UsageError('metric-derived', `metric ${name} is not recorded: record ${expected}`, {
    field: name,
    expected,
    got: name,
  });
}

function finite(metric: Metric, value: unknown, expected: string): number {
  if (typeof value !== 'number') throw wrong(metric, expected, value);
  if (!Number.isFinite(value)) throw wrong(metric, expected, value, 'value-not-finite');
  return value;
}

// A string is shown by its length: what a host passes by mistake may be personal.
function wrong(
  metric: Metric,
  expected: string,
  value: unknown,
  code: 'value-type' | 'value-not-finite' = 'value-type',
): UsageError {
  const got = typeof value === 'string' ? `a string of ${value.length}` : describe(value);
  const message = `metric ${metric.name} (${metric.kind}): expected ${expected}, got ${got}`;
  return code === 'value-type'
    ? new UsageError('value-type', message, { field: metric.name, expected, got })
    : new UsageError('value-not-finite', message, { field: metric.name, expected, got });
}
