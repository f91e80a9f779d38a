import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concatBytes, toHex } from './bytes.js';
import { UsageError } from './errors.js';
import { merklePath, merkleRoot, merkleTree, merkleVerify } from './merkle.js';
import { nativeSuite as suite } from './node/index.js';
import type { Suite } from './suite.js';

/** MTH and PATH as RFC 6962 sections 2.1 and 2.1.1 define them, by recursion. */
function definedRoot(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return suite.sha256(new Uint8Array(0));
  if (leaves.length === 1) return suite.sha256(concatBytes(Uint8Array.of(0), leaves[0]!));
  const split = splitOf(leaves.length);
  const [left, right] = [leaves.slice(0, split), leaves.slice(split)];
  return suite.sha256(concatBytes(Uint8Array.of(1), definedRoot(left), definedRoot(right)));
}

function definedPath(index: number, leaves: readonly Uint8Array[]): Uint8Array[] {
  if (leaves.length === 1) return [];
  const split = splitOf(leaves.length);
  const [left, right] = [leaves.slice(0, split), leaves.slice(split)];
  return index < split
    ? [...definedPath(index, left), definedRoot(right)]
    : [...definedPath(index - split, right), definedRoot(left)];
}

/** The largest power of two below n. */
function splitOf(n: number): number {
  let split = 1;
  while (2 * split < n) split *= 2;
  return split;
}

const leavesOf = (size: number): Uint8Array[] =>
  Array.from({ length: size }, (_, i) => Uint8Array.of(i, i >> 8, 7));

test.each(Array.from({ length: 35 }, (_, size) => size))('the tree of %i leaves', (size) => {
  const leaves = leavesOf(size);
  const tree = merkleTree(suite, leaves);
  expect(tree.root).toEqual(definedRoot(leaves));
  expect(merkleRoot(suite, leaves)).toEqual(tree.root);
  for (let index = 0; index < size; index++) {
    const path = tree.path(index);
    expect(path).toEqual(definedPath(index, leaves));
    expect(merklePath(suite, leaves, index)).toEqual(path);
    const claim = { root: tree.root, leaf: leaves[index]!, index, size, path };
    expect(merkleVerify(suite, claim)).toBe(true);
  }
});

test.each([-1, 3, 1.5, Number.NaN])('there is no path of leaf %d in a tree of 3', (index) => {
  const call = () => merklePath(suite, leavesOf(3), index);
  expect(call).toThrow(UsageError);
  expect(call).toThrow(expect.objectContaining({ code: 'merkle-index', field: 'index' }));
});

test('all paths of a tree cost its 2n − 1 hashes, no more', () => {
  let hashes = 0;
  const counting: Suite = {
    ...suite,
    sha256(data) {
      hashes++;
      return suite.sha256(data);
    },
  };
  const tree = merkleTree(counting, leavesOf(100));
  for (let i = 0; i < 100; i++) tree.path(i);
  expect(hashes).toBe(199);
});

describe('merkleVerify refuses', () => {
  const size = 11;
  const leaves = leavesOf(size);
  const tree = merkleTree(suite, leaves);
  const claimOf = (index: number) => ({
    root: tree.root,
    leaf: leaves[index]!,
    index,
    size,
    path: tree.path(index),
  });

  test('another leaf, another root, any changed byte of the path', () => {
    for (let index = 0; index < size; index++) {
      const claim = claimOf(index);
      expect(merkleVerify(suite, { ...claim, leaf: Uint8Array.of(9) })).toBe(false);
      expect(merkleVerify(suite, { ...claim, root: suite.sha256(tree.root) })).toBe(false);
      expect(merkleVerify(suite, { ...claim, root: tree.root.subarray(0, 31) })).toBe(false);
      claim.path.forEach((node, at) => {
        const changed = Uint8Array.from(node);
        changed[at]! ^= 1;
        expect(merkleVerify(suite, { ...claim, path: claim.path.with(at, changed) })).toBe(false);
      });
    }
  });

  test('the leaf at every other index', () => {
    for (let index = 0; index < size; index++) {
      for (let other = 0; other < size; other++) {
        const expected = other === index;
        expect(merkleVerify(suite, { ...claimOf(index), index: other })).toBe(expected);
      }
    }
  });

  test('a path one too short, one too long, empty, or endless', () => {
    for (let index = 0; index < size; index++) {
      const claim = claimOf(index);
      const paths = [
        claim.path.slice(1),
        claim.path.slice(0, -1),
        [...claim.path, tree.root],
        [tree.root, ...claim.path],
        [],
        Array.from({ length: 1000 }, () => tree.root),
      ];
      for (const path of paths) expect(merkleVerify(suite, { ...claim, path })).toBe(false);
    }
  });

  test('a node posing as a leaf', () => {
    // Without the prefixes, the tree over two inner nodes would have the same root.
    const two = leavesOf(2);
    const inner = concatBytes(...two.map((leaf) => merkleRoot(suite, [leaf])));
    const claim = { root: merkleRoot(suite, two), leaf: inner, index: 0, size: 1, path: [] };
    expect(merkleVerify(suite, claim)).toBe(false);
  });

  test('nodes of another length, whose bytes join to the same hash input', () => {
    const claim = claimOf(0);
    for (const length of [0, 31, 33]) {
      const path = claim.path.with(0, new Uint8Array(length));
      expect(merkleVerify(suite, { ...claim, path })).toBe(false);
    }
    // A short sibling on one level, and the leaf's hash shifted into it.
    const leaf = Uint8Array.of(1);
    const short = new Uint8Array(31);
    const forged = suite.sha256(concatBytes(Uint8Array.of(1), merkleRoot(suite, [leaf]), short));
    const shifted = { root: forged, leaf, index: 0, size: 2, path: [short] };
    expect(merkleVerify(suite, shifted)).toBe(false);
  });

  test.each([
    [0, 0],
    [-1, 11],
    [11, 11],
    [0.5, 11],
    [0, 1.5],
    [Number.NaN, 11],
    [0, Number.NaN],
    [0, Number.POSITIVE_INFINITY],
    [0, -1],
    [2 ** 53, 2 ** 53 + 2],
    [0, Number.MAX_SAFE_INTEGER],
  ])('index %d of size %d', (index, claimed) => {
    expect(merkleVerify(suite, { ...claimOf(0), index, size: claimed })).toBe(false);
  });

  // With one leaf there is no level to climb, so only the numbers themselves can be wrong.
  test.each([
    [0, 0],
    [1, 1],
    [-1, 1],
    [0.5, 1],
    [Number.NaN, 1],
    [0, 0.5],
    [0, Number.NaN],
    [-2, -1],
  ])('index %d of size %d for a tree of one leaf', (index, claimed) => {
    const leaf = leaves[0]!;
    const claim = { root: merkleRoot(suite, [leaf]), leaf, index: 0, size: 1, path: [] };
    expect(merkleVerify(suite, claim)).toBe(true);
    expect(merkleVerify(suite, { ...claim, index, size: claimed })).toBe(false);
  });

  test('never throws, whatever the numbers and the path', () => {
    const number = fc.oneof(fc.nat(40), fc.double(), fc.maxSafeInteger());
    const path = fc.array(fc.uint8Array({ maxLength: 33 }), { maxLength: 8 });
    fc.assert(
      fc.property(number, number, path, (index, claimed, hostile) => {
        const claim = { root: tree.root, leaf: leaves[0]!, index, size: claimed, path: hostile };
        expect(merkleVerify(suite, claim)).toBe(false);
      }),
    );
  });
});

test('a root of 65,535 leaves', () => {
  const leaves = leavesOf(65_535);
  const tree = merkleTree(suite, leaves);
  const index = 65_534;
  const path = tree.path(index);
  expect(path).toHaveLength(15); // it climbs without a partner at one of the 16 levels
  expect(
    merkleVerify(suite, { root: tree.root, leaf: leaves[index]!, index, size: 65_535, path }),
  ).toBe(true);
  expect(toHex(tree.root)).toBe(toHex(definedRoot(leaves)));
});
