/** Histograms, and quantiles of a distribution with how exact they are. */
import type { Bucket, DistributionResult } from '@onlysum/metrics';
import type { JSX } from 'preact';
import { ChartFigure } from '../chart/figure.js';
import { HistogramChart } from '../chart/histogram.js';
import { DataTable } from '../view/data-table.js';
import { counted, interval, number, share } from '../view/format.js';

export function BucketsChart({
  title,
  buckets,
  unit,
}: {
  readonly title: string;
  readonly buckets: readonly Bucket[];
  readonly unit: string;
}): JSX.Element {
  const fullest = buckets.reduce<Bucket | undefined>(
    (best, each) => (best === undefined || each.count.value > best.count.value ? each : best),
    undefined,
  );
  const suffix = unitSuffix(unit);
  const summary =
    fullest === undefined
      ? ''
      : `${number(buckets.length)} buckets from ${number(buckets[0]?.from ?? 0)} to ` +
        `${number(buckets.at(-1)?.to ?? 0)}${suffix}. The fullest is ${number(fullest.from)} to ` +
        `${number(fullest.to)}${suffix} with ${counted(fullest.count.value, 'device')}.` +
        (areEven(buckets) ? '' : ' Buckets differ in width; they are drawn alike.');
  return (
    <ChartFigure
      title={`${title}, devices by bucket`}
      summary={summary}
      columns={[
        { label: `From${suffix}`, numeric: true },
        { label: `To${suffix}`, numeric: true },
        { label: 'Devices', numeric: true },
        { label: '95 % interval', numeric: true },
      ]}
      rows={buckets.map(({ from, to, count }) => [
        number(from),
        number(to),
        number(count.value),
        interval(count.interval) || 'exact',
      ])}
    >
      <HistogramChart buckets={buckets} />
    </ChartFigure>
  );
}

export function QuantilesTable({
  title,
  result: { quantiles, relativeError, unit },
}: {
  readonly title: string;
  readonly result: DistributionResult;
}): JSX.Element {
  const suffix = unitSuffix(unit);
  return (
    <>
      <DataTable
        caption={`Quantiles of ${title}`}
        columns={[
          { label: 'Of devices, this part is below' },
          { label: `Value${suffix}`, numeric: true },
          { label: 'At least 95 %', numeric: true },
        ]}
        rows={quantiles.map(({ quantile, value, interval: ends }) => [
          quantile === 0.5 ? `${share(quantile)} (median)` : share(quantile),
          value === null ? 'too noisy to say' : number(value),
          interval(ends),
        ])}
      />
      <p class="help">Values stand for buckets and are off by at most {share(relativeError)}.</p>
    </>
  );
}

export function unitSuffix(unit: string): string {
  return unit === '' || unit === '1' ? '' : ` ${unit}`;
}

function areEven(buckets: readonly Bucket[]): boolean {
  const widths = buckets.map(({ from, to }) => to - from);
  const [least, most] = [Math.min(...widths), Math.max(...widths)];
  return most - least < 1e-6 * most;
}
