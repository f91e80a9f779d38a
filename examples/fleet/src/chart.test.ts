import { expect, test } from 'vitest';
import { histogramChart } from './chart.js';

function chart(...counts: number[]): string[] {
  const buckets = counts.map((count, i) => ({ from: 10 * i, to: 10 * (i + 1), count }));
  return histogramChart({ kind: 'histogram', buckets, reported: 0, clipped: 0, unit: 'ms' });
}

test('bars are as long as their counts, the longest has forty characters', () => {
  expect(chart(0, 5, 10)).toEqual([
    '   0 to 10 ms │ 0',
    `  10 to 20 ms │${'█'.repeat(20)} 5`,
    `  20 to 30 ms │${'█'.repeat(40)} 10`,
  ]);
});

test('parts of a character are drawn in eighths', () => {
  expect(chart(1, 64)[0]).toBe('   0 to 10 ms │▋ 1');
});

test('nobody reported: empty bars', () => {
  expect(chart(0)).toEqual(['  0 to 10 ms │ 0']);
});
