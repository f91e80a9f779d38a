/**
 * Every order of events that one fault allows, on the shipped machines together, and broken machines in
 * which the same search finds what is broken. docs/exploration.md has the longer searches.
 */
import { nativeSuite } from '@onlysum/crypto/node';
import { type ExploreReport, explore } from '@onlysum/simulator';
import { describe, expect, it } from 'vitest';
import { CONTROLS } from './exploration-controls.js';

const RESULT = ['round result', 'device receipt included'];
const ABORTS = [
  'round abort too-many-dropped',
  'round abort recovery-failed',
  'round abort registrar-refused',
  'round abort registrar-unavailable',
  'device crashed',
  'device failed round-timeout',
  'device failed resume-refused',
];
const REFUSALS = [
  'device failed second-message',
  'device failed recovery-refused',
  'device failed survivor-set-signature',
];

/** `met`: outcomes that the search must have seen, or it did not look where it says. */
const SEARCHES = [
  { devices: 4, faults: 0, adversary: 'network', met: RESULT },
  { devices: 3, faults: 1, adversary: 'network', met: [...RESULT, ...ABORTS] },
  { devices: 3, faults: 1, adversary: 'coordinator', met: [...RESULT, ...REFUSALS] },
  { devices: 3, faults: 1, adversary: 'network', withNoise: true, met: [...RESULT, ...ABORTS] },
  { devices: 4, faults: 1, adversary: 'coordinator', mostStates: 10_000, met: RESULT },
  { devices: 4, faults: 1, adversary: 'network', mostStates: 10_000, met: RESULT },
] as const;

describe('the machines together, in every order', () => {
  it.each(SEARCHES)('$devices devices, $faults faults, $adversary', ({ met, ...bounds }) => {
    const startMs = performance.now();
    const report = explore({ suite: nativeSuite, ...bounds });
    print(`${JSON.stringify(bounds)}: ${summary(report, startMs)}`);
    expect(report.finding).toBeUndefined();
    expect(report.isComplete).toBe(!('mostStates' in bounds));
    expect([...report.outcomes.keys()]).toEqual(expect.arrayContaining([...met]));
  });
});

describe('the exploration finds', () => {
  it.each(CONTROLS)('$name', ({ adversary, machines, rule }) => {
    const startMs = performance.now();
    const report = explore({ suite: nativeSuite, devices: 4, faults: 1, adversary, machines });
    print(`${report.finding?.rule}: ${summary(report, startMs)}`);
    expect(report.finding?.rule).toMatch(rule);
    expect(report.finding?.history.length).toBeGreaterThan(0);
  });
});

function summary(report: ExploreReport, startMs: number): string {
  const { states, steps, ends, longest } = report;
  const ms = Math.round(performance.now() - startMs);
  return `${states} states, ${steps} steps, ${ends} ends, longest history ${longest}, ${ms} ms`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
