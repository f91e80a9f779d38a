/**
 * A connection may break at any message, with the message or after it: the device comes back, nothing is
 * lost, and the sum has everybody in it. Credits bound what is in flight.
 */
import { decodeFrame, maskedInput, resumed, uploadGrant } from '@onlysum/protocol';
import { type Interruption, type DeviceMessage, simulateRound } from '@onlysum/simulator';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fleet, plainSum } from './fleet.js';

const DEVICES = 6;
const messages: DeviceMessage[] = [
  'AdvertiseKeys',
  'ShareKeys',
  'UploadRequest',
  'MaskedInput',
  'Unmasking',
];

describe('a device whose connection breaks', () => {
  for (const message of messages) {
    for (const when of ['before', 'after'] as const) {
      it(`resumes ${when} ${message} and is in the sum`, () => {
        // After its reveal the round is over soon: it must be back before that.
        const returnsInMs = message === 'Unmasking' ? 1 : 300;
        const interruptions: Interruption[] = [{ device: 2, when, message, returnsInMs }];
        const options = { ...fleet({ devices: DEVICES }), interruptions };
        const round = simulateRound(options);
        expect(round.outcome.kind).toBe('result');
        if (round.outcome.kind !== 'result') return;
        expect(round.outcome.result.survivors).toBe(DEVICES);
        expect(round.outcome.result.silent).toEqual([]);
        expect(round.outcome.result.lanes).toEqual(plainSum(options, round));
        const device = round.devices[2];
        expect(device?.kind === 'receipt' && device.receipt.included).toBe(true);
        expect(countOf(round.transcript, resumed.type)).toBe(1);
      });
    }
  }

  it('resumes in recovery, when another survivor has fallen silent', () => {
    const options = {
      ...fleet({ devices: DEVICES }),
      kills: [{ device: 4, when: 'before', message: 'Unmasking', noticed: true } as const],
      interruptions: [
        { device: 2, when: 'before', message: 'RevealShares', returnsInMs: 300 } as const,
      ],
    };
    const round = simulateRound(options);
    expect(round.outcome.kind).toBe('result');
    if (round.outcome.kind !== 'result') return;
    expect(round.outcome.result.lanes).toEqual(plainSum(options, round));
  });

  it('is a loss when it stays away longer than the grace, and the stage does not wait for it', () => {
    const interruptions: Interruption[] = [
      { device: 2, when: 'before', message: 'ShareKeys', returnsInMs: 60_000 },
    ];
    const options = { ...fleet({ devices: DEVICES }), interruptions };
    const round = simulateRound(options);
    expect(round.outcome.kind).toBe('result');
    if (round.outcome.kind !== 'result') return;
    expect(round.outcome.result.dropped).toMatchObject([{ code: 'connection-lost' }]);
    const first = round.transcript[0]?.atMs ?? 0;
    const closing = round.transcript.findLast(({ device }) => device !== 2)?.atMs ?? Number.NaN;
    expect(closing - first).toBeLessThan(5_000);
    const late = round.devices[2];
    expect(late?.kind === 'failed' && late.error).toMatchObject({ retryable: true });
  });

  it('finishes with a receipt when the round ended without it, after it had revealed', () => {
    const interruptions: Interruption[] = [
      { device: 2, when: 'after', message: 'Unmasking', returnsInMs: 60_000 },
    ];
    const round = simulateRound({ ...fleet({ devices: DEVICES }), interruptions });
    expect(round.outcome.kind).toBe('result');
    const device = round.devices[2];
    expect(device?.kind).toBe('receipt');
    expect(device?.kind === 'receipt' && device.receipt).toMatchObject({
      included: true,
      opened: undefined,
    });
  });

  it('with several interruptions at random, opens the plain sum over U3', () => {
    const interruption = fc.record({
      device: fc.nat(DEVICES - 1),
      when: fc.constantFrom('before', 'after'),
      message: fc.constantFrom(...messages),
      returnsInMs: fc.constantFrom(10, 500, 1_900, 10_000),
    });
    let resumes = 0;
    fc.assert(
      fc.property(
        fc.array(interruption, { maxLength: 6 }),
        fc.nat(9_999),
        (interruptions, seed) => {
          const options = {
            ...fleet({ devices: DEVICES, dropout: 340, seed: `${seed}` }),
            interruptions,
          };
          const round = simulateRound(options);
          expect(round.outcome.kind).not.toBe('unfinished');
          resumes += countOf(round.transcript, resumed.type);
          if (round.outcome.kind !== 'result') return;
          expect(round.outcome.result.lanes).toEqual(plainSum(options, round));
        },
      ),
      { numRuns: 60, seed: 20_263 },
    );
    expect(resumes).toBeGreaterThan(60);
  });
});

describe('a token', () => {
  it('works once: an old one is refused', () => {
    const interruptions: Interruption[] = [
      { device: 2, when: 'before', message: 'ShareKeys', returnsInMs: 300 },
      { device: 2, when: 'before', message: 'UploadRequest', returnsInMs: 300 },
    ];
    let first: Uint8Array | undefined;
    const round = simulateRound({
      ...fleet({ devices: DEVICES }),
      interruptions,
      intercept: ({ device, direction, bytes }) => {
        if (device !== 2 || direction !== 'up' || decodeFrame(bytes)[0] !== 38) return [bytes];
        first ??= bytes;
        return [first];
      },
    });
    const device = round.devices[2];
    expect(device?.kind === 'failed' && device.error.code).toBe('resume-refused');
    expect(round.outcome.kind).toBe('result');
  });
});

describe('upload credits', () => {
  it('never let more masked inputs be on their way than there are credits', () => {
    const round = simulateRound({ ...fleet({ devices: 12 }), uploadCredits: 3 });
    expect(round.outcome.kind).toBe('result');
    let inFlight = 0;
    let most = 0;
    for (const { direction, bytes } of round.transcript) {
      const type = decodeFrame(bytes)[0];
      if (direction === 'down' && type === uploadGrant.type) inFlight++;
      most = Math.max(most, inFlight);
      if (direction === 'up' && type === maskedInput.type) inFlight--;
    }
    expect(most).toBeLessThanOrEqual(3);
    expect(most).toBe(3);
  });

  it('are taken back from a device that asked and fell silent', () => {
    const kills = [0, 1].map(
      (device) => ({ device, when: 'before', message: 'MaskedInput', noticed: false }) as const,
    );
    const options = { ...fleet({ devices: 10, dropout: 300 }), kills, uploadCredits: 1 };
    const round = simulateRound(options);
    expect(round.outcome.kind).toBe('result');
    if (round.outcome.kind !== 'result') return;
    expect(round.outcome.result.survivors).toBe(8);
    expect(round.outcome.result.lanes).toEqual(plainSum(options, round));
  });
});

describe('unmasking by shares', () => {
  it('opens the same sum as by direct reveal', () => {
    const kills = [{ device: 1, when: 'before', message: 'MaskedInput', noticed: true } as const];
    const options = { ...fleet({ devices: 8 }), kills, unmasking: 'shares' as const };
    const round = simulateRound(options);
    expect(round.outcome.kind).toBe('result');
    if (round.outcome.kind !== 'result') return;
    expect(round.outcome.result.lanes).toEqual(plainSum(options, round));
    expect(round.outcome.result.silent).toEqual([]);
  });
});

function countOf(transcript: readonly { bytes: Uint8Array }[], type: number): number {
  return transcript.filter(({ bytes }) => decodeFrame(bytes)[0] === type).length;
}
