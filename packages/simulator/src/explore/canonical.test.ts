import { nativeSuite } from '@onlysum/crypto/node';
import { expect, it } from 'vitest';
import { Interner } from './canonical.js';
import { clone } from './clone.js';
import { memoisedSuite } from './memo-suite.js';
import { VisitedSet } from './visited.js';

/** Each differs from all others in one thing that a state can differ in. */
const DIFFERENT: readonly unknown[] = [
  undefined,
  null,
  false,
  true,
  0,
  1,
  '0',
  '',
  [],
  {},
  new Map(),
  new Set(),
  [undefined],
  [[], []],
  [[[]]],
  { a: undefined },
  { a: 1, b: 2 },
  { a: 2, b: 1 },
  { ab: 1 },
  { a: { b: 1 } },
  new Uint8Array([1, 0, 0, 0]),
  new Uint32Array([1]),
  new Uint8Array([1, 0]),
  new Map([
    [1, 2],
    [3, 4],
  ]),
  new Map([
    [3, 4],
    [1, 2],
  ]),
  new Set([1, 2]),
  new Set([2, 1]),
  [1, 2],
  ['1', '2'],
  ['12', ''],
];

it('tells different data apart, and knows equal data again, also a copy of it', () => {
  const interner = new Interner<unknown>(nativeSuite);
  const ids = DIFFERENT.map((value) => interner.id(value));
  expect(ids).toEqual(DIFFERENT.map((_, i) => i));
  expect(DIFFERENT.map((value) => interner.id(clone(value)))).toEqual(ids);
  expect(interner.id({ b: 2, a: 1 })).toBe(interner.id({ a: 1, b: 2 }));
});

it('copies whatever a step could wipe', () => {
  const state = { bytes: new Uint8Array([1, 2]), map: new Map([[1, [new Uint32Array([3])]]]) };
  const copy = clone(state);
  copy.bytes.fill(0);
  copy.map.get(1)?.[0]?.fill(0);
  copy.map.clear();
  expect(state).toEqual({
    bytes: new Uint8Array([1, 2]),
    map: new Map([[1, [new Uint32Array([3])]]]),
  });
});

it('remembers public-key operations and hands out copies', () => {
  const counts = { agree: 0, verify: 0 };
  const suite = memoisedSuite({
    ...nativeSuite,
    x25519: (...of) => {
      counts.agree++;
      return nativeSuite.x25519(...of);
    },
    ed25519Verify: (...of) => {
      counts.verify++;
      return nativeSuite.ed25519Verify(...of);
    },
  });
  const secret = new Uint8Array(32).fill(1);
  const other = nativeSuite.x25519PublicKey(new Uint8Array(32).fill(2));
  const agreed = nativeSuite.x25519(secret, other);
  expect(suite.x25519(secret, other)).toEqual(agreed);
  suite.x25519(secret, other).fill(0);
  expect(suite.x25519(secret, other)).toEqual(agreed);
  const message = new Uint8Array([7]);
  const signature = suite.ed25519Sign(secret, message);
  const publicKey = suite.ed25519PublicKey(secret);
  expect(suite.ed25519Verify(publicKey, message, signature)).toBe(true);
  expect(suite.ed25519Verify(publicKey, message, signature)).toBe(true);
  expect(suite.ed25519Verify(publicKey, new Uint8Array([8]), signature)).toBe(false);
  expect(counts).toEqual({ agree: 1, verify: 2 });
});

it('visits each world once, also while the set grows', () => {
  const visited = new VisitedSet();
  const world = (i: number) => new Int32Array([i % 97, i, i >> 3, 0]);
  const worlds = Array.from({ length: 200_000 }, (_, i) => world(i));
  expect(worlds.filter((each) => !visited.add(each))).toEqual([]);
  expect(worlds.filter((each) => visited.add(each))).toEqual([]);
  expect(visited.size).toBe(200_000);
});
