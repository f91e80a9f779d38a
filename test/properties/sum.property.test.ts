/**
 * The theorem: the opened sum equals the plain sum over U3, or the round aborts and nobody has
 * revealed what must stay hidden.
 */
import { toHex } from '@onlysum/crypto';
import {
  decodeBitmap,
  decodeFrame,
  recover,
  revealShares,
  sharedSet,
  survivorSet,
  unmasking,
} from '@onlysum/protocol';
import { DEVICE_MESSAGES, type Kill, type SimulatedRound, simulateRound } from '@onlysum/simulator';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fleet, plainSum } from '../protocol/fleet.js';

const messages = Object.keys(DEVICE_MESSAGES) as (keyof typeof DEVICE_MESSAGES)[];

const shapes = fc.record({
  devices: fc.integer({ min: 3, max: 14 }),
  bounds: fc.array(fc.integer({ min: 0, max: 300_000_000 }), { maxLength: 6 }),
  dropout: fc.constantFrom(0, 100, 200, 300),
  seed: fc.nat(99_999).map(String),
});

const kill = (devices: number): fc.Arbitrary<Kill> =>
  fc.record({
    device: fc.nat(devices - 1),
    when: fc.constantFrom('before', 'after'),
    message: fc.constantFrom(...messages),
    noticed: fc.boolean(),
  });

const rounds = shapes.chain((shape) =>
  fc.record({
    shape: fc.constant(shape),
    kills: fc.uniqueArray(kill(shape.devices), { maxLength: 4, selector: ({ device }) => device }),
    faults: fc.record({
      mostDelayMs: fc.constantFrom(1, 50, 5000),
      loss: fc.constantFrom(0, 0, 0.02),
      duplicate: fc.constantFrom(0, 0.2),
      reorder: fc.boolean(),
    }),
  }),
);

describe('a round with any dropouts on any network', () => {
  it('opens the plain sum over U3, or aborts, and nobody reveals what must stay hidden', () => {
    const outcomes = { result: 0, abort: 0, unfinished: 0, withLosses: 0, withSilent: 0 };
    fc.assert(
      fc.property(rounds, ({ shape, kills, faults }) => {
        const options = { ...fleet(shape), kills, faults };
        const round = simulateRound(options);
        outcomes[round.outcome.kind]++;
        expect(round.outcome.kind).not.toBe('unfinished');
        if (round.outcome.kind === 'result') {
          expect(round.outcome.result.lanes).toEqual(plainSum(options, round));
          outcomes.withLosses += Number(round.outcome.result.dropped.length > 0);
          outcomes.withSilent += Number(round.outcome.result.silent.length > 0);
        }
        checkReveals(round);
      }),
      { numRuns: 150, seed: 20_261 },
    );
    // A property that only ever saw aborts, or only calm rounds, would prove nothing.
    expect(outcomes.result).toBeGreaterThan(40);
    expect(outcomes.abort).toBeGreaterThan(10);
    expect(outcomes.withLosses).toBeGreaterThan(10);
    expect(outcomes.withSilent).toBeGreaterThan(5);
  });

  it('replays byte for byte from its seed', () => {
    fc.assert(
      fc.property(rounds, ({ shape, kills, faults }) => {
        const run = () => simulateRound({ ...fleet(shape), kills, faults });
        expect(transcriptOf(run())).toEqual(transcriptOf(run()));
      }),
      { numRuns: 15, seed: 20_262 },
    );
  });

  it('differs under another seed', () => {
    const one = simulateRound(fleet({ devices: 4, seed: 'one' }));
    const two = simulateRound(fleet({ devices: 4, seed: 'two' }));
    expect(transcriptOf(one)).not.toEqual(transcriptOf(two));
  });
});

function transcriptOf(round: SimulatedRound): string[] {
  return round.transcript.map(
    ({ atMs, device, direction, bytes }) => `${atMs} ${direction} ${device} ${toHex(bytes)}`,
  );
}

/**
 * What left the devices, held against the one U3 that was attested: survivors give b, nobody gives
 * shares of s of a survivor or of b of a dropout, and without a U3 nothing is revealed at all.
 */
function checkReveals(round: SimulatedRound): void {
  const n = round.seats.length;
  const sets = { U2: new Set<number>(), U3: undefined as Set<number> | undefined };
  for (const { direction, device, bytes } of round.transcript) {
    const raw = decodeFrame(bytes);
    if (direction === 'down') {
      if (raw[0] === sharedSet.type) {
        sets.U2 = new Set(decodeBitmap(sharedSet.parse(raw).members, n, 'U2'));
      }
      if (raw[0] === survivorSet.type) {
        sets.U3 = new Set(decodeBitmap(survivorSet.parse(raw).members, n, 'U3'));
      }
      if (raw[0] === recover.type) expect(sets.U3).toBeDefined();
      continue;
    }
    if (raw[0] === unmasking.type) {
      expect(sets.U3?.has(round.seats.indexOf(device))).toBe(true);
      const { pairSecrets } = unmasking.parse(raw);
      const dropped = [...sets.U2].filter((index) => !sets.U3?.has(index));
      expect(pairSecrets.length).toBe(32 * dropped.length);
    }
    if (raw[0] === revealShares.type) {
      const { selfShares, keyShares } = revealShares.parse(raw);
      for (const dealer of dealers(selfShares)) expect(sets.U3?.has(dealer)).toBe(true);
      for (const dealer of dealers(keyShares)) {
        expect(sets.U2.has(dealer) && !sets.U3?.has(dealer)).toBe(true);
      }
    }
  }
}

function dealers(records: Uint8Array): number[] {
  const view = new DataView(records.buffer, records.byteOffset, records.byteLength);
  return Array.from({ length: records.length / 36 }, (_, i) => view.getUint32(i * 36));
}
