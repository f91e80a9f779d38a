/**
 * Bars from left to right with their intervals, one a row, as many as there are.
 * Positions are per cent of the drawing, so it fits any width without measuring.
 */
import type { JSX } from 'preact';
import { percentOf, scaleTo } from './scale.js';

export interface Bar {
  readonly label: string;
  /** Null if too little is known: only the interval is drawn. */
  readonly value: number | null;
  readonly interval: readonly [number, number];
  /** What stands at the row's end. */
  readonly text: string;
}

interface Props {
  readonly bars: readonly Bar[];
  readonly axis: (value: number) => string;
  /** That none can be above. */
  readonly most?: number;
}

const ROW_HEIGHT = 22;
const CENTRE = ROW_HEIGHT / 2;
const CAP = 4;

export function BarChart({ bars, axis, most = Infinity }: Props): JSX.Element {
  const highest = Math.max(
    0,
    ...bars.flatMap(({ value, interval: [, high] }) => [value ?? 0, high]),
  );
  const scale = scaleTo(Math.min(most, highest));
  return (
    <div class="bars">
      {bars.map(({ label, value, interval: [low, high], text }) => {
        const [from, to] = [percentOf(low, scale), percentOf(high, scale)];
        return (
          <div key={label} class="bar">
            <span class="bar-label">{label}</span>
            <span class="bar-text">{text}</span>
            <svg class="bar-plot" height={ROW_HEIGHT} aria-hidden="true">
              {scale.ticks.map((tick) => (
                <Line key={tick} x={percentOf(tick, scale)} y1={0} y2={ROW_HEIGHT} kind="grid" />
              ))}
              {value === null ? null : (
                <rect
                  class="fill"
                  x="0"
                  y="4"
                  width={`${percentOf(value, scale)}%`}
                  height={ROW_HEIGHT - 8}
                  rx="2"
                />
              )}
              {low === high ? null : (
                <>
                  <line class="whisker" x1={`${from}%`} x2={`${to}%`} y1={CENTRE} y2={CENTRE} />
                  <Line x={from} y1={CENTRE - CAP} y2={CENTRE + CAP} kind="whisker" />
                  <Line x={to} y1={CENTRE - CAP} y2={CENTRE + CAP} kind="whisker" />
                </>
              )}
            </svg>
          </div>
        );
      })}
      <div class="bar axis" aria-hidden="true">
        <svg class="bar-plot" height="18">
          {scale.ticks.map((tick, i) => (
            <text
              key={tick}
              x={`${percentOf(tick, scale)}%`}
              y="13"
              text-anchor={i === 0 ? 'start' : i === scale.ticks.length - 1 ? 'end' : 'middle'}
            >
              {axis(tick)}
            </text>
          ))}
        </svg>
      </div>
    </div>
  );
}

function Line({
  x,
  y1,
  y2,
  kind,
}: {
  readonly x: number;
  readonly y1: number;
  readonly y2: number;
  readonly kind: 'grid' | 'whisker';
}): JSX.Element {
  return <line class={kind} x1={`${x}%`} x2={`${x}%`} y1={y1} y2={y2} />;
}
