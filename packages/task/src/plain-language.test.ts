import { describe, expect, it } from 'vitest';
import type { Metric, Privacy } from './manifest.js';
import {
  accessText,
  durationText,
  frequencyText,
  learnedText,
  noiseText,
  recordedText,
  retentionText,
} from './plain-language.js';

const base = {
  name: 'm',
  group: 'g',
  purpose: 'Why',
  owner: 'Who',
  retentionDays: 30,
  access: ['analyst'] as const,
};
const hourly = { window: { lengthMs: 3_600_000 } };
const range = { min: '0', max: '100', resolution: '0.5', unit: 's' };

const told: readonly [Metric, recorded: string, learned: string][] = [
  [{ ...base, kind: 'flag' }, 'Yes or no.', 'How many devices say yes.'],
  [
    { ...base, kind: 'count', max: 9 },
    'How often it happens between two uploads (about 1 hour), up to 9.',
    'The sum over all devices, and how many of them were at the limit.',
  ],
  [
    { ...base, kind: 'category', categories: ['free', 'pro'] },
    'One of free, pro or “other”.',
    'How many devices fall under each.',
  ],
  [
    { ...base, kind: 'multi-select', options: ['a', 'b', 'c'], most: 2 },
    'Any of a, b, c or “other”. At most 2 of them count.',
    'How many devices chose each.',
  ],
  [
    { ...base, kind: 'multi-select', options: ['a'], most: 1 },
    'Any of a or “other”.',
    'How many devices chose each.',
  ],
  [
    { ...base, kind: 'sum', ...range },
    'A total between two uploads (about 1 hour), from 0 to 100 s, in steps of 0.5; what lies beyond counts as the nearest end.',
    'The sum over all devices, and how many of them were at the limit.',
  ],
  [
    { ...base, kind: 'mean', ...range },
    'A number from 0 to 100 s, in steps of 0.5; what lies beyond counts as the nearest end.',
    'The average over all devices.',
  ],
  [
    { ...base, kind: 'variance', ...range },
    'A number from 0 to 100 s, in steps of 0.5; what lies beyond counts as the nearest end.',
    'The average over all devices, and how far they spread around it.',
  ],
  [
    { ...base, kind: 'histogram', edges: ['0', '1', '5'], unit: 's' },
    'Not the number itself, but which of 2 ranges between 0 and 5 s it falls into.',
    'How many devices fall into each range.',
  ],
  [
    { ...base, kind: 'distribution', min: '1', max: '100', relativeError: '0.07', unit: 'ms' },
    'Not the number itself, but which of 34 ranges up to 100 ms it falls into, each within 7 % of its middle; all below 1 ms are one range.',
    'How many devices fall into each range, and from that the median and other quantiles.',
  ],
  [
    { ...base, kind: 'cross-tabulation', rows: 'edition', columns: 'system' },
    'Nothing more: which combination of edition and system holds.',
    'How many devices have each combination.',
  ],
  [
    { ...base, kind: 'top-k', candidates: ['a', 'b'], k: 1 },
    'One of a, b or “other”.',
    'How many devices fall under each; results show the 1 most frequent.',
  ],
];

describe('a metric in plain language', () => {
  it.each(told)('$kind', (metric, recorded, learned) => {
    expect(recordedText(metric, hourly)).toBe(recorded);
    expect(learnedText(metric)).toBe(learned);
  });

  it('names a dozen of a long list, and how many more there are', () => {
    const categories = Array.from({ length: 40 }, (_, i) => `c${i}`);
    expect(recordedText({ ...base, kind: 'category', categories }, hourly)).toMatch(
      /^One of c0, .*, c11, 28 more that the manifest lists or “other”\.$/,
    );
  });

  it('tells how long and by whom', () => {
    expect(retentionText(1)).toBe('Results are kept for 1 day, then deleted.');
    expect(retentionText(90)).toContain('90 days');
    expect(accessText(['auditor'])).toBe('Results may be read by auditors.');
    expect(accessText(['operator', 'analyst', 'privacy-officer'])).toBe(
      'Results may be read by operators of the servers, analysts and the privacy officer.',
    );
  });
});

it.each([
  [1, '1 millisecond', 'a millisecond'],
  [1500, '1500 milliseconds', 'every 1500 milliseconds'],
  [90_000, '90 seconds', 'every 90 seconds'],
  [600_000, '10 minutes', 'every 10 minutes'],
  [3_600_000, '1 hour', 'an hour'],
  [86_400_000, '1 day', 'a day'],
  [14 * 86_400_000, '2 weeks', 'every 2 weeks'],
])('%i ms are %s', (lengthMs, duration, every) => {
  expect(durationText(lengthMs)).toBe(duration);
  expect(frequencyText({ window: { lengthMs } })).toBe(
    `At most once ${every}, in one upload with all groups that are on.`,
  );
});

describe('noise in plain language', () => {
  const promise = {
    epsilon: '1',
    neighbours: 'zero',
    budget: { epsilon: '8', delta: '0.000001', days: 30 },
  } as const;
  const text = (privacy: Privacy): string => noiseText(privacy).join(' ');

  it('says honestly that there is none', () => {
    expect(text({ mechanism: 'none' })).toMatch(/^No noise is added: .*could work out/);
  });

  it('gives ε, δ and the budget, and a factor that is never too small', () => {
    const skellam = text({ ...promise, mechanism: 'skellam', delta: '0.0000001' });
    // e = 2.718…
    expect(skellam).toContain('at most 2.72 times as likely');
    expect(skellam).toContain('none in their place, apart from a chance of 0.0000001');
    expect(skellam).toContain('ε = 1, δ = 0.0000001 for one upload');
    expect(skellam).toContain('Within any 30 days');
    expect(skellam).toContain('ε = 8, δ = 0.000001 together');
  });

  it('has no δ where there is none, and says whose values must look alike', () => {
    const budget = { ...promise.budget, delta: '0' };
    const laplace = text({
      ...promise,
      mechanism: 'discrete-laplace',
      neighbours: 'replace',
      budget,
    });
    expect(laplace).toContain('with any others in their place (');
    expect(laplace).not.toMatch(/δ|chance/);
  });

  it('does not make an empty promise look like one', () => {
    const weak = text({ ...promise, mechanism: 'discrete-laplace', epsilon: '20' });
    expect(weak).toContain('e^20 (which promises little)');
  });
});
