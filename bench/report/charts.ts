/** Which charts the report has, and of which figures. Doesn't know: how they are drawn. */
import type { Figure } from '../figure.js';
import { type Curve, type Curves, curvesOf } from './curves.js';
import { find } from './find.js';
import { number } from './markdown.js';

export interface Chart {
  /** Without ending. */
  readonly file: string;
  readonly title: string;
  /** What all curves have in common. */
  readonly subtitle: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly curves: readonly Curve[];
}

export interface Axis {
  /** With its unit. */
  readonly title: string;
  readonly isLog: boolean;
}

interface ChartPlan {
  readonly file: string;
  readonly title: string;
  /** The setting along x; dropout is drawn in percent. */
  readonly along: 'n' | 'm' | 'dropout';
  readonly y: string;
  readonly bench: string;
  readonly figures: readonly string[];
  /** Where those make no curve: what the coordinator costs per device, as a rate. */
  readonly rate?: (msPerDevice: number, n: number) => number;
}

const PLANS: readonly ChartPlan[] = [
  {
    file: 'device-cost-by-cohort',
    title: "A device's round, by size of the cohort",
    along: 'n',
    y: 'device CPU per round, ms',
    bench: 'growth',
    figures: ['device CPU'],
  },
  {
    file: 'device-cost-by-lanes',
    title: "A device's round, by length of the vector",
    along: 'm',
    y: 'device CPU per round, ms',
    bench: 'growth',
    figures: ['device CPU'],
  },
  {
    file: 'coordinator-cost-by-cohort',
    title: "The coordinator's work for a device, by size of the cohort",
    along: 'n',
    y: 'coordinator CPU per device, ms',
    bench: 'growth',
    figures: ['coordinator CPU per device'],
  },
  {
    file: 'unmasking-by-dropout',
    title: 'Unmasking, by devices that dropped',
    along: 'dropout',
    y: 'unmasking, ms',
    bench: 'unmasking',
    figures: ['unmasking'],
  },
  {
    file: 'server-work-by-dropout',
    title: 'Server work with long vectors, by devices that dropped',
    along: 'dropout',
    y: 'server work, ms',
    bench: 'server-grid',
    figures: ['server work'],
  },
  {
    file: 'bytes-by-lanes',
    title: "A device's bytes in a round, by length of the vector",
    along: 'm',
    y: 'bytes of messages per device, B',
    bench: 'bytes',
    figures: ['upload per device', 'download per device'],
  },
  {
    file: 'devices-per-second-by-cohort',
    title: 'Devices that a coordinator serves per second of its CPU',
    along: 'n',
    y: 'devices per second',
    bench: 'coordinator-round',
    figures: ['devices per second'],
    rate: (msPerDevice) => 1000 / msPerDevice,
  },
  {
    file: 'rounds-per-second-by-cohort',
    title: 'Rounds that a coordinator serves per second of its CPU',
    along: 'n',
    y: 'rounds per second',
    bench: 'coordinator-round',
    figures: ['rounds per second'],
    rate: (msPerDevice, n) => 1000 / (n * msPerDevice),
  },
];

const X_TITLES = {
  n: 'n, devices in the roster',
  m: 'm, lanes of the vector',
  dropout: 'devices that dropped, %',
} as const;
/** From here on a linear axis shows the largest values alone. */
const WIDE = 8;

/** @returns those for which there are curves, and the titles of those for which there are not. */
export function chartsOf(figures: readonly Figure[]): {
  readonly charts: readonly Chart[];
  readonly missing: readonly string[];
} {
  const charts: Chart[] = [];
  const missing: string[] = [];
  for (const plan of PLANS) {
    const { curves, common } = planned(plan, figures);
    if (curves.length === 0) missing.push(plan.title);
    else {
      charts.push({
        file: plan.file,
        title: plan.title,
        subtitle: common,
        x: { title: X_TITLES[plan.along], isLog: plan.along !== 'dropout' },
        y: { title: plan.y, isLog: isLogarithmic(plan, curves) },
        curves,
      });
    }
  }
  return { charts, missing };
}

/** What is linear in m is a straight line only where both axes are alike. */
function isLogarithmic({ along }: ChartPlan, curves: readonly Curve[]): boolean {
  const values = curves.flatMap(({ points }) => points.map(({ y }) => y));
  return along === 'm' || Math.max(...values) > WIDE * Math.min(...values);
}

/** What somebody reads who does not see the chart. */
export function altText({ title, subtitle, x, y, curves }: Chart): string {
  const told = curves.map(({ name, points }) => {
    const values = points.map((point) => `${number(point.y)} at ${number(point.x)}`);
    return `${name === '' ? '' : `${name}: `}${values.join(', ')}`;
  });
  const under = subtitle === '' ? '' : ` (${subtitle})`;
  return `${title}${under}. ${y.title}, against ${x.title}. ${told.join('; ')}.`;
}

function planned(plan: ChartPlan, figures: readonly Figure[]): Curves {
  const { along, bench, figures: names, rate } = plan;
  const found = names
    .flatMap((name) => find(figures, bench, name))
    .map((figure) => (along === 'dropout' ? inPercent(figure) : figure));
  const drawn = curvesOf(found, along, ({ figure }) => (names.length > 1 ? figure : ''));
  if (drawn.curves.length > 0 || rate === undefined) return drawn;
  const costs = find(figures, 'growth', 'coordinator CPU per device');
  return curvesOf(
    costs.flatMap((cost) => asRate(cost, rate)),
    along,
  );
}

function asRate(cost: Figure, rate: NonNullable<ChartPlan['rate']>): Figure[] {
  const { spread, ...figure } = cost;
  const n = cost.setting?.['n'];
  if (typeof n !== 'number') return [];
  const value = rate(cost.value, n);
  if (spread === undefined) return [{ ...figure, value }];
  const { min, max, runs } = spread;
  return [{ ...figure, value, spread: { min: rate(max, n), max: rate(min, n), runs } }];
}

function inPercent(figure: Figure): Figure {
  const { dropout, ...rest } = figure.setting ?? {};
  if (typeof dropout !== 'number') return figure;
  return { ...figure, setting: { ...rest, dropout: dropout / 10 } };
}
