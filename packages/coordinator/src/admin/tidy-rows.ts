/**
 * A window's estimates as tidy rows: one number a row, with its error. Wickham, Tidy Data, 2014.
 * Knows: kinds of metrics. Doesn't know: who may read what, CSV.
 */
import type { Estimate, MetricResult, RatioEstimate, WindowResult } from '@onlysum/metrics';
import type { InferOutput } from 'valibot';
import type * as schema from './schema.js';

export type TidyRow = InferOutput<typeof schema.tidyRow>;
type WindowFacts = Pick<TidyRow, 'task' | 'version' | 'window' | 'startMs' | 'endMs'>;
type Row = Partial<TidyRow> & Pick<TidyRow, 'statistic'>;

/** Every column, in order, and what it says. */
export const COLUMNS: Readonly<Record<keyof TidyRow, readonly [type: string, meaning: string]>> = {
  task: ['text', 'name of the task'],
  version: ['integer', 'version of its manifest'],
  window: ['integer', 'index of the window'],
  startMs: ['integer', 'when the window begins, Unix time in milliseconds'],
  endMs: ['integer', 'when it ends, exclusive'],
  state: [
    'text',
    'closed; too-few: it ended with too few devices, nothing is said; deleted: its retention has ended',
  ],
  metric: ['text', 'name of the metric; empty for the window itself and for consent groups'],
  kind: ['text', 'kind of the metric; window or group for what is none'],
  statistic: ['text', 'what the number is, see the metric'],
  category: ['text', 'of what: category, bucket, row and column, quantile or consent group'],
  value: ['number', 'the estimate; may lie outside of what is possible, where noise moved it'],
  standardError: ['number', 'of the noise; 0 without noise'],
  low: ['number', 'lower end of the 95 % interval'],
  high: ['number', 'upper end of the 95 % interval'],
  unit: ['text', 'of value, standardError, low and high; empty for devices and shares'],
  suppressed: ['boolean', 'true if the number is held back'],
  reason: ['text', 'why'],
};

const COLUMN_NAMES = Object.keys(COLUMNS) as (keyof TidyRow)[];

export function cellsOf(row: TidyRow): TidyRow[keyof TidyRow][] {
  return COLUMN_NAMES.map((name) => row[name]);
}

export function columnNames(): readonly string[] {
  return COLUMN_NAMES;
}

/** @param estimates - only what may be read. */
export function closedRows(facts: WindowFacts, estimates: WindowResult): TidyRow[] {
  const { survivors, groups, metrics } = estimates;
  const rows: Row[] = [
    { statistic: 'survivors', kind: 'window', ...numbers({ value: survivors, standardError: 0 }) },
  ];
  for (const [category, group] of Object.entries(groups)) {
    const of = { kind: 'group', category };
    if ('suppressed' in group) {
      rows.push({ ...of, statistic: null, suppressed: true, reason: group.suppressed.reason });
      continue;
    }
    rows.push({ ...of, statistic: 'respondents', ...numbers(group.respondents) });
    const { optOutRate } = group;
    if (optOutRate !== undefined) {
      rows.push({ ...of, statistic: 'opt-out-rate', ...numbers(optOutRate) });
    }
  }
  for (const [metric, result] of Object.entries(metrics)) {
    const of = { metric, kind: result.kind };
    if ('suppressed' in result) {
      const { reason } = result.suppressed;
      rows.push({ ...of, statistic: null, suppressed: true, reason });
    } else rows.push(...metricRows(result).map((row) => ({ ...of, ...row })));
  }
  return rows.map((row) => ({ ...facts, state: 'closed', ...EMPTY, ...row }));
}

/** The one row of a window of which nothing is said. */
export function silentRow(facts: WindowFacts, state: 'too-few' | 'deleted'): TidyRow {
  const reason = state === 'deleted' ? 'retention-ended' : 'too-few-survivors';
  return { ...facts, state, ...EMPTY, kind: 'window', suppressed: true, reason };
}

/** Names of a kind's statistics, and what they are. */
export const STATISTICS: Readonly<Record<MetricResult['kind'], Readonly<Record<string, string>>>> =
  (() => {
    const reported = { reported: 'devices that gave a value' };
    const clipped = { ...reported, clipped: 'of them, those whose value had to be cut to fit' };
    const named = {
      count: 'devices of the category',
      share: 'their share of the devices that reported',
    };
    const amount = { ...clipped, total: 'sum over the devices', mean: 'total by devices' };
    return {
      flag: {
        ...reported,
        yes: 'devices that said yes',
        share: 'their share of those that reported',
      },
      count: amount,
      sum: amount,
      mean: amount,
      variance: {
        ...clipped,
        mean: 'over the devices',
        variance: 'of a sample, in the unit squared',
        'standard-deviation': 'its root, in the unit',
      },
      category: { ...reported, ...named },
      'multi-select': { ...clipped, ...named },
      histogram: { ...clipped, count: 'devices of the bucket' },
      distribution: {
        ...clipped,
        quantile: 'the value below which this part of the values lies',
        count: 'devices of the bucket',
      },
      'cross-tabulation': { ...reported, count: 'devices of the row and the column' },
      'top-k': { ...reported, ...named },
    };
  })();

function metricRows(result: MetricResult): Row[] {
  const rows: Row[] = [{ statistic: 'reported', ...numbers(result.reported) }];
  if ('clipped' in result) rows.push({ statistic: 'clipped', ...numbers(result.clipped) });
  switch (result.kind) {
    case 'flag':
      rows.push({ statistic: 'yes', ...numbers(result.yes) });
      rows.push({ statistic: 'share', ...numbers(result.share) });
      return rows;
    case 'count':
    case 'sum':
    case 'mean': {
      const unit = result.kind === 'count' ? null : result.unit;
      rows.push({ statistic: 'total', unit, ...numbers(result.total) });
      rows.push({ statistic: 'mean', unit, ...numbers(result.mean) });
      return rows;
    }
    case 'variance': {
      const { unit, mean, variance, standardDeviation } = result;
      rows.push({ statistic: 'mean', unit, ...numbers(mean) });
      rows.push({ statistic: 'variance', unit: `(${unit})^2`, ...numbers(variance) });
      rows.push({ statistic: 'standard-deviation', unit, ...numbers(standardDeviation) });
      return rows;
    }
    case 'category':
      return [...rows, ...result.categories.flatMap(namedRows)];
    case 'multi-select':
      return [...rows, ...result.options.flatMap(namedRows)];
    case 'histogram':
      return [...rows, ...bucketRows(result.buckets)];
    case 'distribution': {
      const { unit } = result;
      const quantiles = result.quantiles.map(({ quantile, value, interval: [low, high] }) => {
        return { statistic: 'quantile', category: String(quantile), value, low, high, unit };
      });
      return [...rows, ...quantiles, ...bucketRows(result.buckets)];
    }
    case 'cross-tabulation':
      return [
        ...rows,
        ...result.rows.flatMap((row, i) =>
          result.columns.map((column, j) => {
            const cell = result.counts[i]?.[j];
            return {
              statistic: 'count',
              category: `${row} | ${column}`,
              ...(cell && numbers(cell)),
            };
          }),
        ),
      ];
    case 'top-k': {
      const { other: count, otherShare: share } = result;
      return [...rows, ...[...result.top, { name: 'other', count, share }].flatMap(namedRows)];
    }
  }
}

function namedRows(of: { name: string; count: Estimate; share: RatioEstimate }): Row[] {
  const category = of.name;
  return [
    { statistic: 'count', category, ...numbers(of.count) },
    { statistic: 'share', category, ...numbers(of.share) },
  ];
}

function bucketRows(buckets: readonly { from: number; to: number; count: Estimate }[]): Row[] {
  return buckets.map(({ from, to, count }, i) => {
    const end = i === buckets.length - 1 ? ']' : ')';
    return { statistic: 'count', category: `[${from},${to}${end}`, ...numbers(count) };
  });
}

function numbers(of: {
  readonly value: number | null;
  readonly standardError: number | null;
  readonly interval?: readonly [number, number];
}) {
  const { value, standardError, interval } = of;
  return { value, standardError, low: interval?.[0] ?? value, high: interval?.[1] ?? value };
}

const EMPTY = {
  metric: null,
  kind: null,
  statistic: null,
  category: null,
  value: null,
  standardError: null,
  low: null,
  high: null,
  unit: null,
  suppressed: false,
  reason: null,
} as const;
