/**
 * Values over windows with bands of their intervals, drawn by uPlot.
 * Knows: series, colours from the style sheet. Doesn't know: metrics.
 * A window without a value is a gap, never a line across it.
 */
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { axisTime } from '../view/format.js';

export interface Point {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

export interface Series {
  readonly label: string;
  /** One a time; null where there is none. */
  readonly points: readonly (Point | null)[];
}

interface Props {
  /** Unix ms, ascending. */
  readonly times: readonly number[];
  readonly series: readonly Series[];
  readonly axis: (value: number) => string;
}

const HEIGHT = 220;
const LABEL_WIDTH = 72;
const AXIS_FONT = '12px system-ui, sans-serif';
/** Told apart without colour as well. */
const DASHES = [[], [8, 4], [2, 3]];
const COLOURS = ['--series-1', '--series-2', '--series-3'];

export function TimeChart({ times, series, axis }: Props): JSX.Element {
  const holder = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const node = holder.current;
    if (node === null) return undefined;
    const draw = (): uPlot => {
      const drawn = new uPlot(
        optionsOf(node, { times, series, axis }),
        dataOf(times, series),
        node,
      );
      // One time alone would stand on the axis: uPlot does not ask for a range then.
      const [only] = times.length === 1 ? times : [];
      if (only !== undefined) {
        const [min, max] = margin(only / 1_000, only / 1_000, 1);
        drawn.setScale('x', { min, max });
      }
      return drawn;
    };
    let plot = draw();
    const redraw = (): void => {
      plot.destroy();
      plot = draw();
    };
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    scheme.addEventListener('change', redraw);
    const resizes = new ResizeObserver(() => {
      if (node.clientWidth !== plot.width)
        plot.setSize({ width: node.clientWidth, height: HEIGHT });
    });
    resizes.observe(node);
    return () => {
      scheme.removeEventListener('change', redraw);
      resizes.disconnect();
      plot.destroy();
    };
  }, [times, series, axis]);
  return (
    <>
      <div class="time-chart" ref={holder} />
      {series.length < 2 ? null : (
        <ul class="legend" aria-hidden="true">
          {series.map(({ label }, i) => (
            <li key={label}>
              <svg width="28" height="10">
                <line
                  class={`key key-${i + 1}`}
                  x1="0"
                  x2="28"
                  y1="5"
                  y2="5"
                  stroke-dasharray={(DASHES[i] ?? []).join(' ')}
                />
              </svg>
              {label}
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

/** For each series its value, then the ends of its interval. */
function dataOf(times: readonly number[], series: readonly Series[]): uPlot.AlignedData {
  const column = (points: Series['points'], part: keyof Point): (number | null)[] =>
    points.map((point) => point?.[part] ?? null);
  return [
    times.map((ms) => ms / 1_000),
    ...series.flatMap(({ points }) => [
      column(points, 'value'),
      column(points, 'low'),
      column(points, 'high'),
    ]),
  ];
}

function optionsOf(node: HTMLElement, { times, series, axis }: Props): uPlot.Options {
  const style = getComputedStyle(node);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  const spanMs = (times.at(-1) ?? 0) - (times[0] ?? 0);
  const axisLook = {
    stroke: colour('--muted'),
    font: AXIS_FONT,
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
  };
  const hidden = { stroke: 'transparent', points: { show: false } };
  return {
    width: node.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    // All times are UTC, wherever the reader is.
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1_000), 'Etc/UTC'),
    scales: {
      y: { range: (_plot, least, most) => padded(least, most) },
      x: { range: (_plot, from, to) => margin(from, to, times.length) },
    },
    padding: [10, 16, 0, 0],
    axes: [
      {
        ...axisLook,
        size: 28,
        grid: { show: false },
        splits: (plot) => labelled(times, plot.width),
        values: (_plot, seconds) => seconds.map((at) => axisTime(at * 1_000, spanMs)),
      },
      { ...axisLook, size: 56, values: (_plot, ticks) => ticks.map(axis) },
    ],
    bands: series.map((_, i) => ({
      series: [3 * i + 3, 3 * i + 2],
      fill: `${colour(COLOURS[i] ?? '--series-1')}33`,
    })),
    series: [
      {},
      ...series.flatMap(({ label }, i) => [
        {
          label,
          stroke: colour(COLOURS[i] ?? '--series-1'),
          width: 2,
          dash: DASHES[i] ?? [],
          points: { show: true, size: 7, fill: colour(COLOURS[i] ?? '--series-1') },
        },
        hidden,
        hidden,
      ]),
    ],
    hooks: { draw: [(plot) => drawWhiskers(plot, series, colour)] },
  };
}

/** Times that a label has room for, in seconds; the last one always. */
function labelled(times: readonly number[], width: number): number[] {
  const every = Math.max(1, Math.ceil((times.length * LABEL_WIDTH) / width));
  return times.filter((_, i) => (times.length - 1 - i) % every === 0).map((ms) => ms / 1_000);
}

/** A band has no width at a single window: its interval is a line. */
function drawWhiskers(
  plot: uPlot,
  series: readonly Series[],
  colour: (name: string) => string,
): void {
  const { ctx, data } = plot;
  ctx.save();
  ctx.lineWidth = devicePixelRatio;
  series.forEach(({ points }, i) => {
    ctx.strokeStyle = colour(COLOURS[i] ?? '--series-1');
    points.forEach((point, at) => {
      if (point === null || point.low === point.high) return;
      const x = plot.valToPos(data[0]?.[at] ?? 0, 'x', true);
      ctx.beginPath();
      ctx.moveTo(x, plot.valToPos(point.low, 'y', true));
      ctx.lineTo(x, plot.valToPos(point.high, 'y', true));
      ctx.stroke();
    });
  });
  ctx.restore();
}

/** From 0 where that is near, so that small changes do not look large. */
function padded(least: number | null, most: number | null): [number, number] {
  const [low, high] = [least ?? 0, most ?? 1];
  const room = (high - low || Math.abs(high) || 1) * 0.1;
  return [low >= 0 && low < high / 2 ? 0 : low - room, high + room];
}

/** A point at each end is whole, and a single one in the middle. */
function margin(from: number, to: number, points: number): [number, number] {
  const room = points < 2 ? 3_600 : (to - from) / (points - 1) / 3;
  return [from - room, to + room];
}
