/**
 * One metric in one window: what it is, what it says, how it changed.
 * Knows: which drawing fits which kind. Doesn't know: where results come from.
 */
import type { MetricResult, SuppressedResult } from '@onlysum/metrics';
import type { JSX } from 'preact';
import type { MetricView, ResultRow } from '../api/contract.js';
import { counted, estimate, number, share, title } from '../view/format.js';
import { type Fact, Facts, Tiles } from '../view/facts.js';
import type { Loaded } from '../view/loaded.js';
import { Failed, Loading } from '../view/states.js';
import { BucketsChart, QuantilesTable } from './bucket-charts.js';
import { CrossTable } from './cross-table.js';
import { NamedCounts } from './named-counts.js';
import { History, hasHistory } from './history.js';

interface Props {
  readonly name: string;
  /** Undefined if the manifest of today does not have it. */
  readonly metric: MetricView | undefined;
  readonly result: MetricResult | SuppressedResult;
  readonly history: Loaded<readonly ResultRow[]>;
  readonly window: number;
}

export function MetricCard({ name, metric, result, history, window }: Props): JSX.Element {
  const id = `metric-${name}`;
  return (
    <section class={`card ${isWide(result) ? 'wide' : ''}`} aria-labelledby={id}>
      <div class="card-head">
        <h2 id={id}>{title(name)}</h2>
        <span class="badge">{KINDS[result.kind]}</span>
      </div>
      {metric === undefined ? null : <p class="purpose">{metric.purpose}</p>}
      {'suppressed' in result ? (
        <p class="note">
          <strong>Suppressed:</strong> fewer than {number(result.suppressed.required)} devices gave
          a value in window {window}, as far as noise lets one tell. The number itself is not shown
          either.
        </p>
      ) : (
        <>
          <Tiles facts={headline(result)} />
          {result.kind === 'distribution' ? (
            <QuantilesTable title={title(name)} result={result} />
          ) : null}
        </>
      )}
      <div class="plots">
        {'suppressed' in result ? null : <Drawing name={name} result={result} />}
        {hasHistory(result.kind) ? (
          <OverTime name={name} kind={result.kind} unit={metric?.unit ?? ''} history={history} />
        ) : null}
      </div>
      {metric === undefined ? null : (
        <details>
          <summary>About {title(name).toLowerCase()}</summary>
          <Facts
            facts={[
              ['Name', <code>{name}</code>],
              ['Group', title(metric.group)],
              ['Responsible', metric.owner],
              ['Kept', counted(metric.retentionDays, 'day')],
              ['Read by', metric.access.map((role) => role.replace('-', ' ')).join(', ')],
            ]}
          />
        </details>
      )}
    </section>
  );
}

/** What has several drawings takes the whole row. */
function isWide(result: Props['result']): boolean {
  return result.kind === 'distribution' && !('suppressed' in result);
}

const KINDS: Readonly<Record<MetricResult['kind'], string>> = {
  flag: 'Yes or no',
  count: 'Count',
  sum: 'Sum',
  mean: 'Mean',
  variance: 'Mean and variance',
  category: 'Category',
  'multi-select': 'Several of a list',
  histogram: 'Histogram',
  distribution: 'Distribution',
  'cross-tabulation': 'Cross-tabulation',
  'top-k': 'Most frequent',
};

/** The numbers that one looks for first. */
function headline(result: MetricResult): Fact[] {
  const facts: Fact[] = [];
  const unit = 'unit' in result ? result.unit : '';
  if (result.kind === 'flag') facts.push(['Yes', estimate(result.share, share)]);
  if ('mean' in result) facts.push(['Mean', estimate(result.mean, number, unit)]);
  if (result.kind === 'variance') {
    facts.push(['Standard deviation', estimate(result.standardDeviation, number, unit)]);
  }
  if ('total' in result) facts.push(['Total', estimate(result.total, number, unit)]);
  facts.push(['Devices that gave a value', estimate(result.reported)]);
  if ('clipped' in result) facts.push(['Clipped', estimate(result.clipped)]);
  return facts;
}

function Drawing({
  name,
  result,
}: {
  readonly name: string;
  readonly result: MetricResult;
}): JSX.Element | null {
  const heading = title(name);
  switch (result.kind) {
    case 'flag': {
      const yes = { name: 'yes', count: result.yes, share: result.share };
      return <NamedCounts title={heading} counts={[yes]} most={1} />;
    }
    case 'category':
      return <NamedCounts title={heading} counts={result.categories} most={1} />;
    case 'multi-select':
      return <NamedCounts title={heading} counts={result.options} most={1} />;
    case 'top-k': {
      const other = { name: 'all others', count: result.other, share: result.otherShare };
      return <NamedCounts title={heading} counts={[...result.top, other]} most={1} />;
    }
    case 'histogram':
    case 'distribution':
      return <BucketsChart title={heading} buckets={result.buckets} unit={result.unit} />;
    case 'cross-tabulation':
      return <CrossTable title={heading} result={result} />;
    default:
      return null;
  }
}

function OverTime({
  name,
  kind,
  unit,
  history,
}: {
  readonly name: string;
  readonly kind: MetricResult['kind'];
  readonly unit: string;
  readonly history: Loaded<readonly ResultRow[]>;
}): JSX.Element {
  switch (history.state) {
    case 'loading':
      return <Loading what="earlier windows" />;
    case 'failed':
      return <Failed what="earlier windows" message={history.message} retry={history.retry} />;
    case 'ready':
      return <History name={name} kind={kind} unit={unit} rows={history.value} />;
  }
}
