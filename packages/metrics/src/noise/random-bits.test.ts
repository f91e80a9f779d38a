import { InternalError, type Rng, unsafeSeededRng } from '@onlysum/crypto';
import { describe, expect, test } from 'vitest';
import { chiSquaredScore } from '../../../../test/noise/chi-squared.js';
import { RandomBits, untilAccepted } from './random-bits.js';

const draws = <T>(count: number, draw: () => T): T[] => Array.from({ length: count }, draw);

describe('bits', () => {
  test('are those of the bytes, each once, whatever the sizes of the draws', () => {
    const bytes = unsafeSeededRng('bits')(1024);
    let expected = bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
    const random = new RandomBits(unsafeSeededRng('bits'));
    for (let i = 0, count = 0; i < 200; i++, count = (count * 7 + 3) % 41) {
      expect(random.bits(count)).toBe(Number(BigInt.asUintN(count, expected)));
      expected >>= BigInt(count);
    }
  });

  test('of any number', () => {
    const random = new RandomBits(unsafeSeededRng('big'));
    expect(random.bigBits(0)).toBe(0n);
    const most = draws(200, () => random.bigBits(77)).reduce((a, b) => (a > b ? a : b));
    expect(most.toString(2).length).toBe(77);
    expect(() => random.bits(41)).toThrow(/^count: expected 0 to 40 bits/);
  });

  test('are wiped when used up, and at the end', () => {
    const chunks: Uint8Array[] = [];
    const seeded = unsafeSeededRng('wipe');
    const random = new RandomBits((length) => {
      const chunk = seeded(length);
      chunks.push(chunk);
      return chunk;
    });
    while (chunks.length < 2) random.bits(32);
    expect(chunks[0]!.every((byte) => byte === 0)).toBe(true);
    expect(chunks[1]!.some((byte) => byte !== 0)).toBe(true);
    random.wipe();
    expect(chunks[1]!.every((byte) => byte === 0)).toBe(true);
    random.bits(8);
    expect(chunks).toHaveLength(3);
  });
});

describe('integers', () => {
  test.each([1, 2, 3, 5, 6, 10, 255, 257])('below %d are uniform', (bound) => {
    const random = new RandomBits(unsafeSeededRng(`below ${bound}`));
    const cells = draws(20_000, () => random.below(bound));
    expect(Math.max(...cells)).toBe(bound - 1);
    expect(chiSquaredScore(new Array(bound).fill(1 / bound), cells).score).toBeLessThan(4);
  });

  test('run to half at each step if geometric', () => {
    const random = new RandomBits(unsafeSeededRng('geometric'));
    const halves = Array.from({ length: 20 }, (_, i) => 2 ** -(i + 1));
    const cells = draws(20_000, () => random.geometric());
    expect(chiSquaredScore(halves, cells).score).toBeLessThan(4);
  });
});

test('a source that repeats itself ends in an error, not in a loop', () => {
  const ones: Rng = (length) => new Uint8Array(length).fill(255);
  expect(() => new RandomBits(ones).below(5)).toThrow(InternalError);
  expect(() => new RandomBits(ones).geometric()).toThrow(/the random generator repeats itself$/);
  expect(() => untilAccepted(() => undefined)).toThrow(InternalError);
});
