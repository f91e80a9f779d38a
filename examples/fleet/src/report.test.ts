import { expect, test } from 'vitest';
import { complaints, type Findings, renderReport } from './report.js';

const exactly = (value: number) => ({
  value,
  standardError: 0,
  interval: [value, value] as const,
});
const tooFew = { suppressed: { reason: 'too-few-respondents', required: 5 } } as const;

const findings: Findings = {
  summary: {
    devices: 10,
    survivors: 9,
    dropped: { 'share-keys': 0, 'masked-input': 1, total: 1 },
    silentAfterMasked: 0,
    resumed: 1,
    lanes: 3,
    mismatchedLanes: 0,
    bytesUpPerDevice: 100,
    bytesDownPerDevice: 200,
    deviceCpuMs: 5,
    coordinatorCpuMs: 6,
    roundMs: 7,
  },
  estimates: {
    survivors: 9,
    groups: {
      essential: { respondents: exactly(9) },
      performance: tooFew,
    },
    metrics: {
      version: {
        kind: 'category',
        categories: [
          { name: 'v 1', count: exactly(6), share: exactly(6 / 9) },
          { name: 'other', count: exactly(3), share: exactly(3 / 9) },
        ],
        reported: exactly(9),
      },
      flagged: { kind: 'flag', yes: exactly(3), reported: exactly(9), share: exactly(1 / 3) },
      unclear: {
        kind: 'mean',
        total: { value: 41.25, standardError: 10, interval: [21.65, 60.85] },
        mean: { value: null, standardError: null, interval: [0, 100] },
        reported: { value: 4, standardError: 1.5, interval: [2, 6] },
        clipped: exactly(0),
        unit: 'ms',
      },
      nobody: { kind: 'mean', ...tooFew },
    },
    implausible: [],
  },
  versions: [
    { name: 'v 1', share: 0.75, compliant: true },
    { name: 'v 2', share: 0.25, compliant: true },
  ],
  drops: [{ device: 1, point: 'before-masked-input', how: 'socket' }],
  interrupted: 1,
  threshold: 5,
  mostDropped: 2,
  witness: undefined,
  reports: [],
  mismatches: [],
  problems: [],
};
const mismatch = { lane: 2, label: 'x.value', opened: 4, expected: 5 };

test('shares of the fleet stand beside those of the region, the rest as other', () => {
  const text = renderReport(findings, false);
  expect(text).toMatch(/v 1 +│ +6 │ +66\.7 % │ +75\.0 % │/);
  expect(text).toMatch(/other +│ +3 │ +33\.3 % │ +25\.0 % │/);
  expect(text).toContain('3 (33.3 %)');
  expect(text).toContain('– ms on average');
  expect(text).toContain('4 ± 3');
  expect(text).toMatch(/nobody +│ not shown: fewer than 5 gave it/);
  expect(text).toMatch(/group performance +│ not shown: fewer than 5 gave it/);
});

test('the last word is whether the sum is right', () => {
  const last = (changed: Partial<Findings>): string =>
    renderReport({ ...findings, ...changed }, false)
      .trim()
      .split('\n')
      .at(-1) ?? '';
  expect(last({})).toBe('✓ all 3 lanes equal the plain sum over 9 survivors');
  expect(last({ mismatches: [mismatch] })).toBe(
    '✗ 1 of 3 lanes differ from the plain sum over 9 survivors',
  );
  expect(last({ problems: ['a'] })).toBe('✗ the sums agree, but not all else does (1)');
});

test('complaints name lane, label and both sums; a flood of them is cut', () => {
  expect(complaints(findings)).toEqual([]);
  expect(
    complaints({ ...findings, mismatches: [mismatch], problems: ['device 3 failed'] }),
  ).toEqual(['device 3 failed', 'lane 2 (x.value): the opened sum is 4, the plain sum is 5']);
  const many = Array.from({ length: 25 }, (_, lane) => ({ ...mismatch, lane }));
  expect(complaints({ ...findings, mismatches: many })).toHaveLength(11);
  expect(complaints({ ...findings, mismatches: many }).at(-1)).toBe('and 15 more');
});
