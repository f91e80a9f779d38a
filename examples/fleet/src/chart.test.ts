import { expect, test } from 'vitest';
import { histogramChart } from './chart.js';

function chart(...counts: number[]): string[] {
  const buckets = counts.map((value, i) => ({
    from: 10 * i,
    to: 10 * (i + 1),
    count: { value, standardError: 0, interval: [value, value] as const },
  }));
  return histogramChart({ buckets, unit: 'ms' });
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

test('a count that noise has made negative has no bar', () => {
  expect(chart(-3, 5)[0]).toBe('   0 to 10 ms │ -3');
});
