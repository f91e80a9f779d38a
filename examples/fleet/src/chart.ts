/** A histogram for a terminal. */
import type { HistogramResult } from '@onlysum/metrics';
import { countText } from './estimate-text.js';

/** Characters of the longest bar. */
const WIDEST = 40;
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

export function histogramChart(histogram: Pick<HistogramResult, 'buckets' | 'unit'>): string[] {
  const { buckets, unit } = histogram;
  const labels = buckets.map(({ from, to }) => `${from} to ${to} ${unit}`);
  const width = Math.max(...labels.map((label) => label.length));
  const most = Math.max(1, ...buckets.map(({ count }) => count.value));
  return buckets.map(({ count }, i) => {
    return `  ${(labels[i] ?? '').padStart(width)} │${bar(count.value / most)} ${countText(count)}`;
  });
}

/** @param part - of the longest bar, at most 1; noise may leave less than nothing. */
function bar(part: number): string {
  const eighths = Math.round(Math.max(0, part) * WIDEST * 8);
  return '█'.repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? '');
}
