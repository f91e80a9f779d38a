/**
 * A metric's main number over windows.
 * Knows: which statistic of tidy rows that is. Doesn't know: drawing.
 * A window that was suppressed, had too few devices or was deleted is a gap that the table names.
 */
import type { MetricResult } from '@onlysum/metrics';
import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import type { ResultRow } from '../api/contract.js';
import { ChartFigure } from '../chart/figure.js';
import { type Point, type Series, TimeChart } from '../chart/time-chart.js';
import { axisLabel, counted, interval, number, share, time, title } from '../view/format.js';
import { unitSuffix } from './bucket-charts.js';

type Kind = MetricResult['kind'];

const SHARES = ['share', 'share of the most frequent'] as const;

/** Drawn over time: the statistic, and what it is called. */
const STATISTICS: Partial<Record<Kind, readonly [statistic: string, label: string]>> = {
  flag: ['share', 'share of yes'],
  count: ['mean', 'mean'],
  sum: ['mean', 'mean'],
  mean: ['mean', 'mean'],
  variance: ['mean', 'mean'],
  distribution: ['quantile', 'quantiles'],
  category: SHARES,
  'multi-select': SHARES,
  'top-k': SHARES,
};

export function hasHistory(kind: Kind): boolean {
  return kind in STATISTICS;
}

/** As many as can be told apart. */
const MOST_SERIES = 3;

interface Past {
  readonly windows: readonly { readonly window: number; readonly startMs: number }[];
  readonly series: readonly Series[];
  /** By window: why it has no number. */
  readonly gaps: ReadonlyMap<number, string>;
}

export function History({
  name,
  kind,
  unit,
  rows,
}: {
  readonly name: string;
  readonly kind: Kind;
  readonly unit: string;
  readonly rows: readonly ResultRow[];
}): JSX.Element | null {
  const [statistic, label] = STATISTICS[kind] ?? ['', ''];
  const { windows, series, gaps } = useMemo(
    () => pastOf(rows, name, statistic),
    [rows, name, statistic],
  );
  const times = useMemo(() => windows.map(({ startMs }) => startMs), [windows]);
  if (windows.length === 0 || series.length === 0) return null;
  const format = statistic === 'share' ? share : number;
  const suffix = unitSuffix(unit);
  const known = windows.length - gaps.size;
  return (
    <ChartFigure
      title={`${title(name)}, ${label} over windows`}
      summary={summaryOf(series, windows.length, known, format, suffix)}
      columns={[
        { label: 'Window' },
        { label: 'Began', whole: true },
        ...series.flatMap((each) => [
          { label: `${each.label}${suffix}`, numeric: true },
          { label: '95 % interval', numeric: true },
        ]),
      ]}
      rows={windows.map(({ window, startMs }, i) => [
        String(window),
        time(startMs),
        ...series.flatMap(({ points }) => {
          const point = points[i];
          if (point === undefined || point === null) return [gaps.get(window) ?? 'unknown', '–'];
          return [format(point.value), interval([point.low, point.high], format) || 'exact'];
        }),
      ])}
    >
      <TimeChart times={times} series={series} axis={statistic === 'share' ? share : axisLabel} />
    </ChartFigure>
  );
}

export function pastOf(rows: readonly ResultRow[], metric: string, statistic: string): Past {
  const startOf = new Map(rows.map(({ window, startMs }) => [window, startMs]));
  const windows = [...startOf]
    .map(([window, startMs]) => ({ window, startMs }))
    .sort((a, b) => a.window - b.window);
  const own = rows.filter((row) => row.metric === metric && row.statistic === statistic);
  const labels = [...new Set(own.map(({ category }) => category ?? ''))];
  const all = labels.map((category): Series => {
    const points = new Map(
      own
        .filter((row) => (row.category ?? '') === category)
        .map((row) => [row.window, pointOf(row)]),
    );
    const label = labelOf(statistic, category);
    return { label, points: windows.map(({ window }) => points.get(window) ?? null) };
  });
  const series = statistic === 'share' ? mostFrequent(all) : all;
  const gaps = new Map<number, string>();
  windows.forEach(({ window }, i) => {
    if (series.every(({ points }) => (points[i] ?? null) === null)) {
      gaps.set(window, reasonOf(rows, window, metric));
    }
  });
  return { windows, series, gaps };
}

function pointOf({ value, low, high }: ResultRow): Point | null {
  return value === null ? null : { value, low: low ?? value, high: high ?? value };
}

function labelOf(statistic: string, category: string): string {
  if (category === '') return title(statistic);
  if (statistic !== 'quantile') return category;
  return category === '0.5' ? 'Median' : `${share(Number(category))} below`;
}

/** Those that were largest when last known. */
function mostFrequent(series: readonly Series[]): readonly Series[] {
  const last = ({ points }: Series): number =>
    points.findLast((point) => point !== null)?.value ?? -Infinity;
  return series.toSorted((a, b) => last(b) - last(a)).slice(0, MOST_SERIES);
}

const REASONS: Readonly<Record<string, string>> = {
  'too-few-respondents': 'suppressed: too few devices',
  'too-few-survivors': 'too few devices',
  'retention-ended': 'deleted',
};

function reasonOf(rows: readonly ResultRow[], window: number, metric: string): string {
  const held = rows.find(
    (row) =>
      row.window === window && row.suppressed && (row.metric === metric || row.kind === 'window'),
  );
  return REASONS[held?.reason ?? ''] ?? 'unknown';
}

function summaryOf(
  series: readonly Series[],
  windows: number,
  known: number,
  format: (value: number) => string,
  suffix: string,
): string {
  const span = known === windows ? '' : `, ${counted(windows - known, 'window')} without a number`;
  const lines = series.map(({ label, points }) => {
    const there = points.filter((point) => point !== null);
    const [first, last] = [there[0], there.at(-1)];
    if (first === undefined || last === undefined) return `${label}: unknown.`;
    if (there.length === 1) return `${label}: ${format(last.value)}${suffix}.`;
    return `${label}: ${format(first.value)} at first, ${format(last.value)}${suffix} at last.`;
  });
  return `Over ${counted(windows, 'window')}${span}. ${lines.join(' ')}`;
}
