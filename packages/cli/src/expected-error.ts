/**
 * How far noise puts off the number that is read first of a metric: its standard error.
 * Knows: noise of lanes, and how numbers are made of their sums. Doesn't know: what devices will report, for
 * which it takes the middle: every device of the sum reports, values lie in the middle of their range, a share is
 * that of one of all, and errors of quotients are those of their first order.
 */
import { type Layout, type LaneRole, type Metric, noiseVariance, rangeSteps } from '@onlysum/task';

export interface Headline {
  /** What it is, e.g. `share of a category`. */
  readonly what: string;
  readonly unit: string;
  /** Between the least and the most that it can be, in `unit`. */
  readonly range: number;
  /** Standard error, in `unit`. */
  readonly error: number;
}

/** Some of a fleet's sums, added up. */
export interface SummedCohorts {
  /** In all of them. */
  readonly devices: number;
  /** Noise in their sum, as a multiple of the least that it must be in one. */
  readonly surplus: number;
}

/** @returns undefined without noise. */
export function headlineOf(
  metric: Metric,
  { lanes }: Layout,
  { devices, surplus }: SummedCohorts,
): Headline | undefined {
  const own = lanes.filter((lane) => lane.metric === metric.name);
  const variance = (role: LaneRole): number => {
    const scale = own.find((lane) => lane.role === role)?.noise;
    return scale === undefined ? 0 : noiseVariance(scale) * surplus;
  };
  if (own.some(({ noise }) => noise === undefined)) return undefined;
  /** Of Σx/Σy a device, where that is `ratio`. */
  const quotient = (top: number, ratio: number, bottom: number): number =>
    Math.sqrt(top + ratio ** 2 * bottom) / devices;
  switch (metric.kind) {
    case 'flag':
      return share('yes', quotient(variance('value'), 1 / 2, variance('reported')));
    case 'multi-select':
      return share('an option', quotient(variance('option'), 1 / 2, variance('reported')));
    case 'category':
    case 'top-k':
      return share('a category', partOfAll(own, 'category', variance, 1, devices));
    case 'cross-tabulation':
      return share('a cell', partOfAll(own, 'cell', variance, 1, devices));
    case 'histogram':
      return share('a bucket', partOfAll(own, 'bucket', variance, 1, devices));
    case 'distribution':
      return share(
        'values below the median',
        partOfAll(own, 'bucket', variance, Math.floor(count(own, 'bucket') / 2), devices),
      );
    case 'count': {
      const error = quotient(variance('value'), metric.max / 2, variance('reported'));
      return { what: 'mean', unit: 'a device', range: metric.max, error };
    }
    case 'mean':
    case 'sum':
    case 'variance':
      return rangeHeadline(metric, variance, devices);
  }
}

function rangeHeadline(
  metric: Extract<Metric, { kind: 'sum' | 'mean' | 'variance' }>,
  variance: (role: LaneRole) => number,
  devices: number,
): Headline {
  const { kind, unit } = metric;
  const [min, step, steps] = [
    Number(metric.min),
    Number(metric.resolution),
    Number(rangeSteps(metric)),
  ];
  const [value, square, reported] = [variance('value'), variance('square'), variance('reported')];
  switch (kind) {
    case 'sum': {
      const error = Math.sqrt(step ** 2 * value + min ** 2 * reported);
      return { what: 'sum', unit, range: devices * step * steps, error };
    }
    case 'mean': {
      const error = (step * Math.sqrt(value + (steps / 2) ** 2 * reported)) / devices;
      return { what: 'mean', unit, range: step * steps, error };
    }
    case 'variance': {
      // About the centre, where the mean's own error has no part in it; of values spread evenly.
      const even = steps ** 2 / 12;
      const error = (step ** 2 * Math.sqrt(square + even ** 2 * reported)) / devices;
      return { what: 'variance', unit: `(${unit})²`, range: (step * steps) ** 2 / 4, error };
    }
  }
}

function share(of: string, error: number): Headline {
  return { what: `share of ${of}`, unit: 'percentage points', range: 100, error: 100 * error };
}

type Lanes = Layout['lanes'];

/** Of the sum of `some` of all K lanes of a role, over that of all, each of which is a K-th. */
function partOfAll(
  own: Lanes,
  role: LaneRole,
  variance: (role: LaneRole) => number,
  some: number,
  devices: number,
): number {
  const all = count(own, role);
  const part = some / all;
  return Math.sqrt(variance(role) * (some * (1 - part) ** 2 + (all - some) * part ** 2)) / devices;
}

function count(own: Lanes, role: LaneRole): number {
  return own.filter((lane) => lane.role === role).length;
}
