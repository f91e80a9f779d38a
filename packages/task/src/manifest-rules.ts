/**
 * What must hold between the fields of a manifest. Fields themselves are in manifest-schema.ts.
 */
import { invalidField, UsageError } from '@onlysum/crypto';
import { alignDecimals, checkedDecimal, compareDecimals } from './decimal.js';
import {
  type HistogramMetric,
  type Manifest,
  OTHER_CATEGORY,
  type RangeMetric,
} from './manifest.js';

/** @throws {UsageError} `manifest-invalid` with the field at fault. */
export function checkManifestRules(manifest: Manifest): void {
  checkKeys(manifest);
  checkTimes(manifest);
  checkCohort(manifest);
  checkGroups(manifest);
  checkMetrics(manifest);
}

function invalid(field: string, expected: string, got: unknown): UsageError {
  return invalidField(UsageError, 'manifest-invalid', field, expected, got);
}

// Separation of duties: one key in two roles would let one party sign for the other.
function checkKeys({ publisher, registrar, coordinator }: Manifest): void {
  if (registrar === publisher)
    throw invalid('registrar', "a key other than the publisher's", registrar);
  if (coordinator.key === publisher || coordinator.key === registrar) {
    throw invalid(
      'coordinator.key',
      "a key other than the publisher's and the registrar's",
      coordinator.key,
    );
  }
}

function checkTimes({ window, epoch, validity }: Manifest): void {
  if (epoch.lengthMs % window.lengthMs !== 0) {
    throw invalid(
      'epoch.lengthMs',
      `a multiple of window.lengthMs (${window.lengthMs}), as a window lies within one epoch`,
      epoch.lengthMs,
    );
  }
  if (validity.notAfterMs <= validity.notBeforeMs) {
    throw invalid(
      'validity.notAfterMs',
      `a time after validity.notBeforeMs (${validity.notBeforeMs})`,
      validity.notAfterMs,
    );
  }
}

function checkCohort({ cohort, minSurvivors, assumptions }: Manifest): void {
  const { min, target, max } = cohort;
  if (target < min) throw invalid('cohort.target', `an integer ≥ cohort.min (${min})`, target);
  if (max < target) throw invalid('cohort.max', `an integer ≥ cohort.target (${target})`, max);
  if (minSurvivors > min) {
    throw invalid('minSurvivors', `an integer ≤ cohort.min (${min})`, minSurvivors);
  }
  const { corrupt, dropout } = assumptions;
  if (corrupt + dropout >= 1000) {
    throw invalid(
      'assumptions.dropout',
      `less than 1000 together with assumptions.corrupt (${corrupt})`,
      dropout,
    );
  }
}

function checkGroups({ groups, metrics }: Manifest): void {
  const seen = new Set<string>();
  groups.forEach(({ name }, i) => {
    if (seen.has(name)) throw invalid(`groups[${i}].name`, 'a name used once', name);
    seen.add(name);
    if (!metrics.some((metric) => metric.group === name)) {
      throw invalid(`groups[${i}].name`, 'a group that some metric is in', name);
    }
  });
  metrics.forEach(({ group }, i) => {
    if (!seen.has(group))
      throw invalid(`metrics[${i}].group`, 'the name of an entry of groups', group);
  });
}

function checkMetrics({ metrics }: Manifest): void {
  const seen = new Set<string>();
  metrics.forEach((metric, i) => {
    const at = `metrics[${i}]`;
    if (seen.has(metric.name)) throw invalid(`${at}.name`, 'a name used once', metric.name);
    seen.add(metric.name);
    if (metric.kind === 'category') checkCategories(metric.categories, at);
    if (metric.kind === 'sum' || metric.kind === 'mean') checkRange(metric, at);
    if (metric.kind === 'histogram') checkEdges(metric, at);
  });
}

function checkCategories(categories: readonly string[], at: string): void {
  const seen = new Set<string>();
  categories.forEach((category, c) => {
    const field = `${at}.categories[${c}]`;
    if (category === OTHER_CATEGORY)
      throw invalid(field, 'no "other" (it is always there)', category);
    if (seen.has(category)) throw invalid(field, 'a category listed once', category);
    seen.add(category);
  });
}

function checkRange(metric: RangeMetric, at: string): void {
  const [min = 0n, max = 0n, resolution = 0n] = alignDecimals(
    checkedDecimal(metric.min),
    checkedDecimal(metric.max),
    checkedDecimal(metric.resolution),
  ).units;
  if (max <= min) throw invalid(`${at}.max`, `more than min (${metric.min})`, metric.max);
  if (resolution <= 0n || (max - min) % resolution !== 0n) {
    throw invalid(
      `${at}.resolution`,
      `a positive number that divides max − min (${metric.max} − ${metric.min})`,
      metric.resolution,
    );
  }
}

function checkEdges({ edges }: HistogramMetric, at: string): void {
  edges.forEach((edge, e) => {
    const before = edges[e - 1];
    if (
      before !== undefined &&
      compareDecimals(checkedDecimal(edge), checkedDecimal(before)) <= 0
    ) {
      throw invalid(`${at}.edges[${e}]`, `more than the edge before it (${before})`, edge);
    }
  });
}
