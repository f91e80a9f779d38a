import { portableSuite, unsafeSeededRng } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { at } from './at.js';
import {
  addMasks,
  channelKey,
  pairMask,
  pairSecret,
  pairTag,
  removeMasks,
  selfCommitment,
  selfMask,
} from './masking.js';

const bytes = (fill: number) => new Uint8Array(32).fill(fill);
const agreement = bytes(1);
const context = bytes(2);
const suite = nativeSuite;

const cohort = fc.record({
  n: fc.integer({ min: 2, max: 8 }),
  lanes: fc.integer({ min: 1, max: 12 }),
  seed: fc.nat().map(String),
});

/** Every device's lanes under its pair masks with everyone in `partners`. */
function masked({ n, lanes, seed }: { n: number; lanes: number; seed: string }): Uint32Array[] {
  const rng = unsafeSeededRng(seed);
  const vectors = Array.from({ length: n }, () => new Uint32Array(lanes));
  for (let i = 0; i < n; i++) {
    for (let j = i + 1; j < n; j++) {
      const p = rng(32);
      addMasks(suite, at(vectors, i), [pairMask(suite, context, i, j, p)]);
      addMasks(suite, at(vectors, j), [pairMask(suite, context, j, i, p)]);
    }
  }
  return vectors;
}

function total(vectors: readonly Uint32Array[]): Uint32Array {
  return vectors.reduce(
    (sum, vector) => sum.map((lane, j) => lane + at(vector, j)),
    new Uint32Array(at(vectors, 0).length),
  );
}

describe('pair masks', () => {
  test('over a full cohort all cancel', () => {
    fc.assert(
      fc.property(cohort, (options) => {
        expect(total(masked(options)).every((lane) => lane === 0)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test('with one device missing every lane is left masked', () => {
    fc.assert(
      fc.property(cohort, (options) => {
        const sum = total(masked(options).slice(1));
        // A zero lane happens once in 2^32.
        expect(sum.every((lane) => lane !== 0)).toBe(true);
      }),
      { numRuns: 60, seed: 5001 },
    );
  });

  test('come off again with the opposite sign, at either end', () => {
    for (const [self, other] of [
      [0, 9],
      [9, 0],
    ] as const) {
      const lanes = Uint32Array.of(0, 1, 0xffff_ffff);
      addMasks(suite, lanes, [pairMask(suite, context, self, other, bytes(7))]);
      expect([...lanes]).not.toEqual([0, 1, 0xffff_ffff]);
      removeMasks(suite, lanes, [pairMask(suite, context, self, other, bytes(7))]);
      expect([...lanes]).toEqual([0, 1, 0xffff_ffff]);
    }
  });

  test.each<[string, (lanes: Uint32Array) => void]>([
    ['pair secret', (lanes) => addMasks(suite, lanes, [pairMask(suite, context, 0, 1, bytes(8))])],
    ['context', (lanes) => addMasks(suite, lanes, [pairMask(suite, bytes(9), 0, 1, bytes(7))])],
    ['lower index', (lanes) => addMasks(suite, lanes, [pairMask(suite, context, 1, 2, bytes(7))])],
    ['higher index', (lanes) => addMasks(suite, lanes, [pairMask(suite, context, 0, 2, bytes(7))])],
    ['kind of mask', (lanes) => addMasks(suite, lanes, [selfMask(suite, context, 0, bytes(7))])],
  ])('another %s gives another stream', (_, change) => {
    const [one, two] = [new Uint32Array(2), new Uint32Array(2)];
    addMasks(suite, one, [pairMask(suite, context, 0, 1, bytes(7))]);
    change(two);
    expect(two).not.toEqual(one);
    expect([...two]).not.toEqual([0, 0]);
  });

  test('leave the pair secret and the seed as they were: their owner wipes them', () => {
    const [p, b] = [bytes(7), bytes(8)];
    addMasks(suite, new Uint32Array(2), [pairMask(suite, context, 0, 1, p)]);
    addMasks(suite, new Uint32Array(2), [selfMask(suite, context, 0, b)]);
    expect([p, b]).toEqual([bytes(7), bytes(8)]);
  });
});

test.each([
  ['adding', addMasks],
  ['removing', removeMasks],
] as const)('%s masks wipes their keys', (_, apply) => {
  const masks = [pairMask(suite, context, 0, 1, bytes(7)), selfMask(suite, context, 0, bytes(8))];
  expect(masks.every(({ key }) => key.some((byte) => byte !== 0))).toBe(true);
  apply(suite, new Uint32Array(3), masks);
  expect(masks.map(({ key }) => key)).toEqual([bytes(0), bytes(0)]);
});

describe('the self mask', () => {
  test('comes off again', () => {
    const lanes = Uint32Array.of(5, 0xffff_ffff);
    addMasks(suite, lanes, [selfMask(suite, context, 3, bytes(4))]);
    expect([...lanes]).not.toEqual([5, 0xffff_ffff]);
    removeMasks(suite, lanes, [selfMask(suite, context, 3, bytes(4))]);
    expect([...lanes]).toEqual([5, 0xffff_ffff]);
  });

  test.each<[string, Uint8Array, number, Uint8Array]>([
    ['context', bytes(9), 3, bytes(4)],
    ['index', context, 4, bytes(4)],
    ['seed', context, 3, bytes(5)],
  ])('and its commitment change with the %s', (_, otherContext, index, b) => {
    const [one, two] = [new Uint32Array(2), new Uint32Array(2)];
    addMasks(suite, one, [selfMask(suite, context, 3, bytes(4))]);
    addMasks(suite, two, [selfMask(suite, otherContext, index, b)]);
    expect(two).not.toEqual(one);
    expect(selfCommitment(suite, otherContext, index, b)).not.toEqual(
      selfCommitment(suite, context, 3, bytes(4)),
    );
  });
});

describe('the pair secret', () => {
  const [a, b] = [
    { index: 3, s: bytes(3) },
    { index: 8, s: bytes(8) },
  ] as const;
  const p = pairSecret(suite, agreement, context, a, b);

  test('is the same from both ends, by key agreement, in both suites', () => {
    for (const each of [portableSuite, nativeSuite]) {
      const ends = [11, 12].map((fill, i) => ({
        index: 10 - i,
        secret: bytes(fill),
        s: each.x25519PublicKey(bytes(fill)),
      }));
      const [one, two] = [at(ends, 0), at(ends, 1)];
      const here = pairSecret(each, each.x25519(one.secret, two.s), context, one, two);
      const there = pairSecret(each, each.x25519(two.secret, one.s), context, two, one);
      expect(here).toEqual(there);
      expect(here).toHaveLength(32);
    }
  });

  test.each<[string, Uint8Array]>([
    ['agreement', pairSecret(suite, bytes(9), context, a, b)],
    ['context', pairSecret(suite, agreement, bytes(9), a, b)],
    ['one index', pairSecret(suite, agreement, context, { ...a, index: 4 }, b)],
    ['other index', pairSecret(suite, agreement, context, a, { ...b, index: 9 })],
    ['one key', pairSecret(suite, agreement, context, { ...a, s: bytes(9) }, b)],
    ['other key', pairSecret(suite, agreement, context, a, { ...b, s: bytes(9) })],
    [
      'owner of each key',
      pairSecret(suite, agreement, context, { ...a, s: b.s }, { ...b, s: a.s }),
    ],
  ])('changes with the %s, and so does its tag', (_, other) => {
    expect(other).not.toEqual(p);
    expect(pairTag(suite, other)).not.toEqual(pairTag(suite, p));
  });

  test('is not its tag', () => {
    expect(pairTag(suite, p)).toHaveLength(16);
    expect(pairTag(suite, p)).not.toEqual(p.subarray(0, 16));
    expect(pairTag(suite, p)).toEqual(pairTag(portableSuite, p));
  });
});

describe('the channel key', () => {
  const [from, to] = [
    { index: 3, c: bytes(3) },
    { index: 8, c: bytes(8) },
  ] as const;
  const key = channelKey(suite, agreement, context, from, to);

  test.each<[string, Uint8Array]>([
    ['direction', channelKey(suite, agreement, context, to, from)],
    ['agreement', channelKey(suite, bytes(9), context, from, to)],
    ['context', channelKey(suite, agreement, bytes(9), from, to)],
    ['sender', channelKey(suite, agreement, context, { ...from, index: 4 }, to)],
    ['receiver', channelKey(suite, agreement, context, from, { ...to, index: 9 })],
    ["sender's key", channelKey(suite, agreement, context, { ...from, c: bytes(9) }, to)],
    ["receiver's key", channelKey(suite, agreement, context, from, { ...to, c: bytes(9) })],
  ])('changes with the %s', (_, other) => {
    expect(other).not.toEqual(key);
  });

  test('is no pair secret, even of the same agreement and keys', () => {
    const same = pairSecret(
      suite,
      agreement,
      context,
      { index: 3, s: from.c },
      { index: 8, s: to.c },
    );
    expect(same).not.toEqual(key);
  });

  test('has a direction even between equal keys', () => {
    const [low, high] = [
      { index: 3, c: bytes(3) },
      { index: 8, c: bytes(3) },
    ];
    expect(channelKey(suite, agreement, context, low, high)).not.toEqual(
      channelKey(suite, agreement, context, high, low),
    );
  });
});
