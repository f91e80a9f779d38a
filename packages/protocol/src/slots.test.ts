import { unsafeSeededRng } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import { type Manifest, windowByIndex } from '@onlysum/task';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { poolOf } from './pools.js';
import { poolSlots, slotCount } from './slots.js';

const HOUR_MS = 3_600_000;

function lasting(lengthMs: number): Manifest {
  return { window: { lengthMs }, epoch: { lengthMs } } as Manifest;
}

it('has one slot every ten minutes, one to eight', () => {
  const counts = [1000, 600_000, 1_199_999, 1_200_000, HOUR_MS, 24 * HOUR_MS].map((ms) =>
    slotCount(lasting(ms)),
  );
  expect(counts).toEqual([1, 1, 1, 2, 6, 8]);
});

it('opens slot r of pool p at its part of the window, margins left out', () => {
  const hour = lasting(HOUR_MS);
  const window = windowByIndex(hour, 10);
  // 58 minutes in 6 · 4 parts of 145 s.
  const { opensMs, closesMs } = poolSlots(hour, window, 4, 1);
  expect(opensMs.map((ms) => ms - window.startMs)).toEqual(
    [1, 5, 9, 13, 17, 21].map((part) => 60_000 + part * 145_000),
  );
  expect(closesMs).toBe(window.endMs - 60_000);
  const short = lasting(1005);
  const first = windowByIndex(short, 0);
  expect(poolSlots(short, first, 3, 2)).toEqual({ opensMs: [100 + 536], closesMs: 905 });
});

it('does not round where a product has more than 53 bits', () => {
  const long = lasting(2 ** 40);
  const pools = 2 ** 32 - 1;
  const { opensMs } = poolSlots(long, windowByIndex(long, 0), pools, pools - 2);
  const exact = ((2n ** 40n - 120_000n) * BigInt(8 * pools - 2)) / BigInt(8 * pools);
  expect(opensMs[7]).toBe(60_000 + Number(exact));
});

it('comes in sequence, pool after pool, within the margins', () => {
  const lengths = fc.integer({ min: 1000, max: 48 * HOUR_MS });
  const pools = fc.integer({ min: 1, max: 40 });
  fc.assert(
    fc.property(lengths, pools, fc.nat(1_000_000), (lengthMs, poolCount, index) => {
      const manifest = lasting(lengthMs);
      const window = windowByIndex(manifest, index);
      const byPool = Array.from({ length: poolCount }, (_, pool) =>
        poolSlots(manifest, window, poolCount, pool),
      );
      const inOrder = Array.from({ length: slotCount(manifest) }, (_, slot) =>
        byPool.map(({ opensMs }) => opensMs[slot]!),
      ).flat();
      expect(inOrder).toEqual([...inOrder].sort((a, b) => a - b));
      const marginMs = Math.floor(Math.min(60_000, lengthMs / 10));
      expect(inOrder[0]).toBe(window.startMs + marginMs);
      const gaps = inOrder.slice(1).map((ms, i) => ms - inOrder[i]!);
      if (gaps.length > 0) expect(Math.max(...gaps) - Math.min(...gaps)).toBeLessThanOrEqual(1);
      for (const { opensMs, closesMs } of byPool) {
        expect(closesMs).toBe(window.endMs - marginMs);
        expect(opensMs.at(-1)).toBeLessThan(closesMs);
      }
    }),
  );
});

it('spreads pseudonyms evenly over the slots of a window', () => {
  const manifest = lasting(HOUR_MS);
  const window = windowByIndex(manifest, 1);
  const rng = unsafeSeededRng('slots');
  const pools = 20;
  const value = rng(32);
  const devices = 8_000;
  const load = new Map<number, number>();
  for (let i = 0; i < devices; i++) {
    const pool = poolOf(nativeSuite, value, rng(32), pools);
    const { opensMs } = poolSlots(manifest, window, pools, pool);
    // Devices that came online at any time of the window, each at its next slot.
    const onlineMs = new DataView(rng(4).buffer).getUint32(0) % slotCount(manifest);
    const openMs = opensMs[onlineMs]!;
    load.set(openMs, (load.get(openMs) ?? 0) + 1);
  }
  const slots = pools * slotCount(manifest);
  expect(load.size).toBe(slots);
  const expected = devices / slots;
  const statistic = [...load.values()].reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
  // χ² with 119 degrees of freedom exceeds 174.7 with probability 0.0006.
  expect(statistic).toBeLessThan(174.7);
});

it.each([
  ['pools', 0, 0],
  ['pools', 1.5, 0],
  ['pool', 3, 3],
  ['pool', 3, -1],
])('refuses what no announcement can say: %s', (field, pools, pool) => {
  const hour = lasting(HOUR_MS);
  expect(() => poolSlots(hour, windowByIndex(hour, 1), pools, pool)).toThrow(
    expect.objectContaining({ code: 'argument-invalid', field }),
  );
});
