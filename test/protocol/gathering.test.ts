/** A cohort that fills slowly: who waits is told what is missing, and nobody's round ends too early. */
import { decodeFrame, progress } from '@onlysum/protocol';
import { simulateRound } from '@onlysum/simulator';
import { describe, expect, it } from 'vitest';
import { fleet, plainSum } from './fleet.js';

describe('a cohort in which the registrar refuses somebody', () => {
  it('goes on gathering with the others, at min as well, and keeps the refused one out', () => {
    const base = fleet({ devices: 6 });
    const cohort = { min: 5, target: 5, max: 6 };
    const manifest = { ...base.synthetic.task.manifest, cohort };
    const synthetic = { ...base.synthetic, task: { ...base.synthetic.task, manifest } };
    // The refused one and four others fill the cohort; the sixth comes when it gathers again.
    const late = { from: 5, delayMs: 10_000 };
    const options = { ...base, synthetic, enrolledLate: [0], late };
    const round = simulateRound(options);
    const refused = round.devices[0];
    expect(refused?.kind === 'failed' && refused.error.code).toBe('not-enrolled-yet');
    expect(round.outcome.kind).toBe('result');
    if (round.outcome.kind !== 'result') return;
    expect(round.outcome.result.lanes).toEqual(plainSum(options, round));
    expect(round.seats.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5]);
  });
});

describe('a cohort that is short of devices', () => {
  it('tells each one that joins how many are missing', () => {
    const round = simulateRound(fleet({ devices: 5 }));
    const first = round.transcript.find(
      ({ direction, bytes }) => direction === 'down' && decodeFrame(bytes)[0] === progress.type,
    );
    expect(first && progress.parse(decodeFrame(first.bytes)).missing).toBe(2);
  });

  it('stays open past its deadline until there are enough, and the round still opens', () => {
    const kills = [3, 4, 5].map(
      (device) => ({ device, when: 'before', message: 'Hello', noticed: true }) as const,
    );
    const late = { from: 2, delayMs: 170_000 };
    const options = { ...fleet({ devices: 6 }), kills, late };
    const round = simulateRound(options);
    expect(round.outcome.kind).toBe('result');
    if (round.outcome.kind !== 'result') return;
    expect(round.outcome.result.lanes).toEqual(plainSum(options, round));
    expect(round.outcome.result.survivors).toBe(3);
  });

  it('gives up when the window ends, and says how many were missing', () => {
    const kills = [1, 2].map(
      (device) => ({ device, when: 'before', message: 'Hello', noticed: true }) as const,
    );
    const round = simulateRound({ ...fleet({ devices: 3 }), kills });
    expect(round.outcome).toMatchObject({ kind: 'abort', code: 'cohort-too-small' });
    expect(round.outcome.kind === 'abort' && round.outcome.detail).toContain('2 more devices');
    const waiting = round.devices[0];
    expect(waiting?.kind === 'failed' && waiting.error).toMatchObject({
      code: 'round-aborted',
      retryable: true,
    });
  });
});
