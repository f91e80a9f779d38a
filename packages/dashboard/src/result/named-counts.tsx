/** Devices by category, option or candidate: bars of shares, with intervals. */
import type { NamedCount, RankedCount } from '@onlysum/metrics';
import type { JSX } from 'preact';
import { BarChart } from '../chart/bar-chart.js';
import { ChartFigure } from '../chart/figure.js';
import { counted, interval, number, share } from '../view/format.js';

interface Props {
  readonly title: string;
  readonly counts: readonly (NamedCount | RankedCount)[];
  readonly most: number;
}

export function NamedCounts({ title, counts, most }: Props): JSX.Element {
  const isRanked = counts.some((each) => 'rank' in each);
  const uncertain = counts.filter((each) => 'certain' in each && !each.certain);
  return (
    <ChartFigure
      title={`${title}, share of devices`}
      summary={summaryOf(counts, uncertain.length)}
      columns={[
        { label: 'Name' },
        ...(isRanked ? [{ label: 'Rank', numeric: true }] : []),
        { label: 'Devices', numeric: true },
        { label: '95 % interval', numeric: true },
        { label: 'Share', numeric: true },
        { label: '95 % interval', numeric: true },
      ]}
      rows={counts.map((each) => [
        each.name,
        ...(isRanked ? [rankOf(each)] : []),
        number(each.count.value),
        interval(each.count.interval) || 'exact',
        share(each.share.value),
        interval(each.share.interval, share) || 'exact',
      ])}
    >
      <BarChart
        axis={share}
        most={most}
        bars={counts.map((each) => ({
          label: each.name,
          value: each.share.value,
          interval: each.share.interval,
          text: `${share(each.share.value)} (${number(each.count.value)})`,
        }))}
      />
    </ChartFigure>
  );
}

function summaryOf(counts: Props['counts'], uncertain: number): string {
  const known = counts.filter((each) => each.share.value !== null);
  if (known.length === 0) return 'Noise leaves too little to say what the shares are.';
  const [most, ...rest] = known.toSorted((a, b) => b.count.value - a.count.value);
  const least = rest.at(-1);
  const said = (each: NamedCount): string => `${each.name} (${share(each.share.value)})`;
  if (most === undefined) return '';
  const ends =
    least === undefined
      ? `${share(most.share.value)} of the devices that gave a value.`
      : `Most: ${said(most)}. Least: ${said(least)}, of ${number(counts.length)}.`;
  return uncertain === 0 ? ends : `${ends} ${counted(uncertain, 'rank')} not certain.`;
}

function rankOf(each: NamedCount | RankedCount): string {
  if (!('rank' in each)) return '–';
  return each.certain ? number(each.rank) : `${number(each.rank)}, not certain`;
}
