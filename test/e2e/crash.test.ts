import { expect, it } from 'vitest';
import { runCrashes } from '../crash/crash-run.js';

it('loses nothing and counts nobody twice through a few kills', async () => {
  const report = await runCrashes({ kills: 4, seed: 'short' });
  const none = { lost: 0, doubleCounted: 0, secondAttestations: 0, unwritten: 0 };
  expect(report).toMatchObject({ kills: 4, ...none });
  // There must have been something to lose.
  expect(report.results).toBeGreaterThan(0);
}, 120_000);
