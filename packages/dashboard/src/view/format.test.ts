import { expect, it } from 'vitest';
import {
  countdown,
  counted,
  duration,
  estimate,
  interval,
  intervalOf,
  share,
  time,
  title,
} from './format.js';

it('leaves out the interval of what is exact', () => {
  expect(interval([3, 3])).toBe('');
  expect(estimate({ value: 3, standardError: 0, interval: [3, 3] }, undefined, 'ms')).toBe('3 ms');
  const noisy = { value: 0.25, standardError: 0.1, interval: [0.05, 0.45] } as const;
  expect(estimate(noisy, share)).toBe('25% (95\u00a0%: 5% to 45%)');
});

it('names both if noise took a value out of its interval, which is cut to what is possible', () => {
  const above = { value: 46, standardError: 20, interval: [0, 10] } as const;
  expect(estimate(above)).toBe('46 with its noise (95\u00a0%: 0 to 10, cut to what is possible)');
  const below = { value: -46, standardError: 20, interval: [0, 0] } as const;
  expect(estimate(below)).toBe('-46 with its noise (95\u00a0%: 0, cut to what is possible)');
  expect(intervalOf(46, [0, 10])).toBe('0 to 10, cut');
  expect(intervalOf(-46, [0, 0])).toBe('0, cut');
  expect(intervalOf(3, [3, 3])).toBe('exact');
  expect(intervalOf(3, [2, 4])).toBe('2 to 4');
  expect(intervalOf(null, [0, 1], share)).toBe('0% to 100%');
});

it('says what is known of a ratio without a value', () => {
  const unknown = { value: null, standardError: null, interval: [0, 1] } as const;
  expect(estimate(unknown, share)).toBe('unknown (0% to 100%)');
});

it('gives times in UTC, and says so', () => {
  expect(time(Date.UTC(2026, 0, 2, 3, 4))).toMatch(/2026.*3:04.*UTC$/);
});

it.each([
  [0, '0 seconds', '0:00'],
  [61_000, '1 minute 1 second', '1:01'],
  [7 * 86_400_000, '7 days', '168:00:00'],
  [90 * 60_000 + 5_000, '1 hour 30 minutes', '1:30:05'],
])('tells %i ms as a duration and on a clock', (ms, asDuration, asCountdown) => {
  expect(duration(ms)).toBe(asDuration);
  expect(countdown(ms)).toBe(asCountdown);
});

it('counts one and many, and makes titles of names', () => {
  expect(counted(1, 'entry', 'entries')).toBe('1 entry');
  expect(counted(2, 'entry', 'entries')).toBe('2 entries');
  expect(title('startup_ms')).toBe('Startup ms');
});
