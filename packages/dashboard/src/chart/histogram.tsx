/** Columns of counts between edges, with their intervals. Each bucket is drawn as wide as any other. */
import type { Bucket } from '@onlysum/metrics';
import type { JSX } from 'preact';
import { axisLabel } from '../view/format.js';
import { percentOf, scaleTo } from './scale.js';

const HEIGHT = 180;
const AXIS_HEIGHT = 20;
/** Room for the labels of counts, px. */
const MOST_LABELS = 7;
/** With more columns, whiskers would be all that one sees. */
const MOST_CAPS = 40;

export function HistogramChart({ buckets }: { readonly buckets: readonly Bucket[] }): JSX.Element {
  const scale = scaleTo(
    Math.max(0, ...buckets.flatMap(({ count: { value, interval } }) => [value, interval[1]])),
  );
  const width = 100 / buckets.length;
  const y = (value: number): number => HEIGHT - (HEIGHT * percentOf(value, scale)) / 100;
  const edges = [...buckets.map(({ from }) => from), buckets.at(-1)?.to ?? 0];
  const every = Math.ceil(edges.length / MOST_LABELS);
  return (
    <div class="histogram">
      <div class="histogram-axis" aria-hidden="true">
        {scale.ticks.toReversed().map((tick) => (
          <span key={tick}>{axisLabel(tick)}</span>
        ))}
      </div>
      <svg class="histogram-plot" height={HEIGHT + AXIS_HEIGHT} aria-hidden="true">
        {scale.ticks.map((tick) => (
          <line key={tick} class="grid" x1="0" x2="100%" y1={y(tick)} y2={y(tick)} />
        ))}
        {buckets.map(({ from, count: { value, interval } }, i) => {
          const [low, high] = interval;
          const middle = `${(i + 0.5) * width}%`;
          return (
            <g key={from}>
              <rect
                class="fill"
                x={`${(i + 0.08) * width}%`}
                width={`${0.84 * width}%`}
                y={y(value)}
                height={HEIGHT - y(value)}
              />
              {low === high ? null : (
                <line class="whisker" x1={middle} x2={middle} y1={y(low)} y2={y(high)} />
              )}
              {low === high || buckets.length > MOST_CAPS
                ? null
                : [low, high].map((end) => (
                    <line
                      key={end}
                      class="whisker"
                      x1={`${(i + 0.35) * width}%`}
                      x2={`${(i + 0.65) * width}%`}
                      y1={y(end)}
                      y2={y(end)}
                    />
                  ))}
            </g>
          );
        })}
        {edges.map((edge, i) =>
          i % every === 0 ? (
            <text
              key={i}
              x={`${i * width}%`}
              y={HEIGHT + 15}
              text-anchor={i === 0 ? 'start' : i === edges.length - 1 ? 'end' : 'middle'}
            >
              {axisLabel(edge)}
            </text>
          ) : null,
        )}
      </svg>
    </div>
  );
}
