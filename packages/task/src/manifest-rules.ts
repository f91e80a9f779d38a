/**
 * What must hold between the fields of a manifest. Fields themselves are in manifest-schema.ts.
 */
import { invalidField, UsageError } from '@onlysum/crypto';
import { alignDecimals, checkedDecimal, compareDecimals } from './decimal.js';
import {
  type CrossTabulationMetric,
  type DistributionMetric,
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
  checkPrivacy(manifest);
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

function checkPrivacy({ privacy, window }: Manifest): void {
  if (privacy.mechanism === 'none') return;
  const { budget } = privacy;
  if (window.lengthMs > budget.days * DAY_MS) {
    const least = Math.ceil(window.lengthMs / DAY_MS);
    throw invalid('privacy.budget.days', `at least a window's length (${least})`, budget.days);
  }
  const delta = privacy.mechanism === 'skellam' ? privacy.delta : '0';
  positive('privacy.epsilon', privacy.epsilon);
  if (privacy.mechanism === 'skellam') {
    positive('privacy.delta', delta);
    if (compareDecimals(checkedDecimal(delta), LEAST_DELTA) < 0) {
      throw invalid('privacy.delta', 'at least "0.000000000001"', delta);
    }
  }
  for (const [name, least] of [
    ['epsilon', privacy.epsilon],
    ['delta', delta],
  ] as const) {
    const field = `privacy.budget.${name}`;
    if (compareDecimals(checkedDecimal(budget[name]), checkedDecimal(least)) < 0) {
      throw invalid(field, `at least that of one window (${least})`, budget[name]);
    }
  }
  below('privacy.budget.delta', budget.delta, '1');
  below('privacy.budget.epsilon', budget.epsilon, MOST_EPSILON);
}

const DAY_MS = 86_400_000;
/** Above the 2^-44 that is set aside for the graph, and below what any cohort calls negligible. */
const LEAST_DELTA = checkedDecimal('0.000000000001');
/** Beyond it the promise is empty and the arithmetic pointless. */
const MOST_EPSILON = '1000';

function positive(field: string, text: string): void {
  if (checkedDecimal(text).unscaled <= 0n) throw invalid(field, 'more than 0', text);
}

function below(field: string, text: string, limit: string): void {
  if (compareDecimals(checkedDecimal(text), checkedDecimal(limit)) >= 0) {
    throw invalid(field, `less than ${limit}`, text);
  }
}

function checkMetrics(manifest: Manifest): void {
  const seen = new Set<string>();
  manifest.metrics.forEach((metric, i) => {
    const at = `metrics[${i}]`;
    if (seen.has(metric.name)) throw invalid(`${at}.name`, 'a name used once', metric.name);
    seen.add(metric.name);
    checkAccess(metric.access, at);
    switch (metric.kind) {
      case 'category':
        return checkListed(metric.categories, `${at}.categories`);
      case 'multi-select':
        checkListed(metric.options, `${at}.options`);
        return atMost(`${at}.most`, metric.most, metric.options.length, 'options');
      case 'top-k':
        checkListed(metric.candidates, `${at}.candidates`);
        return atMost(`${at}.k`, metric.k, metric.candidates.length, 'candidates');
      case 'sum':
      case 'mean':
      case 'variance':
        return checkRange(metric, at);
      case 'histogram':
        return checkEdges(metric, at);
      case 'distribution':
        return checkDistribution(metric, at);
      case 'cross-tabulation':
        return checkCrossTabulation(metric, manifest, at);
      case 'flag':
      case 'count':
    }
  });
}

function checkAccess(access: readonly string[], at: string): void {
  access.forEach((role, r) => {
    if (access.indexOf(role) < r) throw invalid(`${at}.access[${r}]`, 'a role listed once', role);
  });
}

function checkListed(listed: readonly string[], at: string): void {
  const seen = new Set<string>();
  listed.forEach((each, i) => {
    const field = `${at}[${i}]`;
    if (each === OTHER_CATEGORY) throw invalid(field, 'no "other" (it is always there)', each);
    if (seen.has(each)) throw invalid(field, 'an entry listed once', each);
    seen.add(each);
  });
}

function atMost(field: string, got: number, most: number, of: string): void {
  if (got > most) throw invalid(field, `at most the number of ${of} (${most})`, got);
}

function checkDistribution(metric: DistributionMetric, at: string): void {
  const [min, max] = [checkedDecimal(metric.min), checkedDecimal(metric.max)];
  positive(`${at}.min`, metric.min);
  if (compareDecimals(max, min) <= 0) {
    throw invalid(`${at}.max`, `more than min (${metric.min})`, metric.max);
  }
  const relativeError = checkedDecimal(metric.relativeError);
  if (
    compareDecimals(relativeError, LEAST_RELATIVE_ERROR) < 0 ||
    compareDecimals(relativeError, MOST_RELATIVE_ERROR) > 0
  ) {
    throw invalid(`${at}.relativeError`, 'a decimal from "0.001" to "0.99"', metric.relativeError);
  }
}

/** Finer buckets than that would be thousands, each with a noise of its own. */
const LEAST_RELATIVE_ERROR = checkedDecimal('0.001');
/** The ratio of edges is infinite at 1, and as a double already a little below. */
const MOST_RELATIVE_ERROR = checkedDecimal('0.99');

function checkCrossTabulation(
  metric: CrossTabulationMetric,
  { metrics }: Manifest,
  at: string,
): void {
  for (const axis of ['rows', 'columns'] as const) {
    const source = metrics.find(({ name }) => name === metric[axis]);
    if (source?.kind !== 'category' || source.group !== metric.group) {
      const expected = `the name of a category metric of group ${metric.group}`;
      throw invalid(`${at}.${axis}`, expected, metric[axis]);
    }
  }
  if (metric.rows === metric.columns) {
    throw invalid(`${at}.columns`, `another metric than rows (${metric.rows})`, metric.columns);
  }
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
