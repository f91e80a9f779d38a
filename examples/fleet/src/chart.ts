/** A histogram for a terminal. */
import type { MetricResult } from '@onlysum/metrics';

/** Characters of the longest bar. */
const WIDEST = 40;
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

export function histogramChart(histogram: MetricResult & { kind: 'histogram' }): string[] {
  const { buckets, unit } = histogram;
  const labels = buckets.map(({ from, to }) => `${from} to ${to} ${unit}`);
  const width = Math.max(...labels.map((label) => label.length));
  const most = Math.max(1, ...buckets.map(({ count }) => count));
  return buckets.map(({ count }, i) => {
    return `  ${(labels[i] ?? '').padStart(width)} │${bar(count / most)} ${count}`;
  });
}

/** @param part - of the longest bar, 0 to 1. */
function bar(part: number): string {
  const eighths = Math.round(part * WIDEST * 8);
  return '█'.repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? '');
}
