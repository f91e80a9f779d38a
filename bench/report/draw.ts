/** Draws a chart as SVG, by vega without a window. The same chart gives the same bytes. */
import { View, parse } from 'vega';
import { type TopLevelSpec, compile } from 'vega-lite';
import type { Chart } from './charts.js';

const WIDTH = 620;
const HEIGHT = 340;
/** Told apart by people who see colours differently (Okabe and Ito), and dark enough on white. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#aa4499', '#555555', '#b8860b', '#56b4e9'];
const TEXT = '#24292f';
const GRID = '#d8dee4';
/** d3-format: thousands apart, no more digits than there are. */
const NUMBERS = ',~r';
const ROOM = 1.25;
/** Decades of an axis that still have room for 2 and 5. */
const MOST_DIVIDED = 4;

export async function draw(chart: Chart): Promise<string> {
  const view = new View(parse(compile(specOf(chart)).spec), { renderer: 'none' });
  const svg = await view.toSVG();
  view.finalize();
  return `${shortened(svg)}\n`;
}

function specOf({ title, subtitle, x, y, curves }: Chart): TopLevelSpec {
  const values = curves.flatMap(({ name, points }) =>
    points.map(({ x, y, spread, k }) => ({
      curve: name,
      x,
      y,
      least: spread?.min ?? y,
      most: spread?.max ?? y,
      ...(k === undefined ? {} : { label: `k = ${k}` }),
    })),
  );
  const measuredAt = [...new Set(values.map(({ x }) => x))].toSorted((a, b) => a - b);
  const names = curves.map(({ name }) => name);
  const legend = curves.length === 1 ? null : { title: null, orient: 'bottom' as const };
  const curve = { field: 'curve', type: 'nominal' as const, sort: names, legend };
  const ys = y.isLog
    ? logarithmic(values.flatMap(({ least, most }) => [least, most]))
    : { scale: { type: 'linear' as const, zero: true }, values: undefined };
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    width: WIDTH,
    height: HEIGHT,
    background: 'white',
    padding: 12,
    title: { text: title, anchor: 'start', ...(subtitle === '' ? {} : { subtitle }) },
    data: { values },
    encoding: {
      x: {
        field: 'x',
        type: 'quantitative',
        scale: x.isLog ? roomy(measuredAt) : { type: 'linear', zero: true },
        axis: { title: x.title, values: measuredAt, format: NUMBERS },
      },
      y: {
        field: 'y',
        type: 'quantitative',
        scale: ys.scale,
        axis: {
          title: y.title,
          format: NUMBERS,
          ...(ys.values === undefined ? {} : { values: ys.values }),
        },
      },
      color: { ...curve, scale: { domain: names, range: COLOURS } },
    },
    layer: [
      { mark: { type: 'line', strokeWidth: 2 } },
      {
        mark: { type: 'rule', strokeWidth: 1.5 },
        encoding: { y: { field: 'least', type: 'quantitative' }, y2: { field: 'most' } },
      },
      {
        mark: { type: 'point', filled: true, size: 70, opacity: 1 },
        encoding: { shape: { ...curve, scale: { domain: names } } },
      },
      {
        transform: [{ filter: 'isValid(datum.label)' }],
        mark: { type: 'text', dy: -10, fontSize: 11 },
        encoding: {
          y: { field: 'most', type: 'quantitative' },
          text: { field: 'label', type: 'nominal' },
        },
      },
    ],
    config: {
      font: 'Helvetica, Arial, sans-serif',
      title: { color: TEXT, subtitleColor: TEXT, fontSize: 14, subtitleFontSize: 12, offset: 12 },
      axis: {
        labelColor: TEXT,
        titleColor: TEXT,
        labelFontSize: 12,
        titleFontSize: 13,
        titleFontWeight: 'normal',
        gridColor: GRID,
        domainColor: TEXT,
        tickColor: TEXT,
      },
      legend: { labelColor: TEXT, labelFontSize: 12, labelLimit: 400, symbolSize: 90 },
      view: { stroke: null },
    },
  };
}

/** A little room at both ends, for what is written there. */
function roomy(measuredAt: readonly number[]) {
  const domain = [Math.min(...measuredAt) / ROOM, Math.max(...measuredAt) * ROOM];
  return { type: 'log' as const, nice: false, domain };
}

/** From one round number to another, with the round numbers in between: 1, 2, 5, 10 … or decades alone. */
function logarithmic(values: readonly number[]) {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const decades = Math.ceil(Math.log10(most)) - Math.floor(Math.log10(least));
  const steps: number[] = [];
  for (let e = Math.floor(Math.log10(least)); e <= Math.ceil(Math.log10(most)); e++) {
    // Not 10 ** e, which is 0.0009999999999999999 for -3 on some engines.
    for (const digit of decades > MOST_DIVIDED ? [1] : [1, 2, 5])
      steps.push(Number(`${digit}e${e}`));
  }
  const from = steps.findLast((step) => step <= least) ?? least;
  const to = steps.find((step) => step >= most) ?? most;
  return {
    scale: { type: 'log' as const, nice: false, domain: [from, to] },
    values: steps.filter((step) => step >= from && step <= to),
  };
}

/** Two decimals are a hundredth of a pixel; what stands in texts is left alone. */
function shortened(svg: string): string {
  return svg.replaceAll(/ (?:d|transform|x|y|x1|x2|y1|y2|width|height)="[^"]*"/g, (attribute) =>
    attribute.replaceAll(/-?\d+\.\d{3,}(?:e-?\d+)?/g, (digits) =>
      String(Number(Number(digits).toFixed(2))),
    ),
  );
}
