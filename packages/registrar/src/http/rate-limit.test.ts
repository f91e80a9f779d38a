import { expect, it } from 'vitest';
import { completeRateLimits } from './rate-limit.js';

it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('refuses %d as a limit', (wrong) => {
  expect(() => completeRateLimits({ requestsPerMinute: wrong })).toThrow(/requestsPerMinute/);
});
