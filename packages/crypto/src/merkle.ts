/**
 * Merkle trees with the hashing of RFC 6962 section 2.1: SHA-256(0 ‖ leaf), SHA-256(1 ‖ left ‖ right),
 * the left subtree the largest power of two. Built level by level, where a last node without a
 * partner goes up unchanged; that is the same tree.
 * Knows: hashes. Doesn't know: what a leaf says.
 * Invariant: (root, size) fixes every leaf; a path's length is fixed by index and size.
 */
import { concatBytes, equalBytes } from './bytes.js';
import { UsageError, invalidField } from './errors.js';
import type { Suite } from './suite.js';

export interface MerkleTree {
  /** 32 bytes. */
  readonly root: Uint8Array;
  /**
   * @param index - 0 ≤ index < number of leaves.
   * @returns the sibling hashes from the leaf upwards, 32 bytes each; shared with the tree.
   * @throws {UsageError} `merkle-index`.
   */
  path(index: number): Uint8Array[];
}

/** Hashes each leaf and node once, after which every path is read off. */
export function merkleTree(suite: Suite, leaves: readonly Uint8Array[]): MerkleTree {
  const levels = [leaves.map((leaf) => leafHash(suite, leaf))];
  for (let level = levels[0]!; level.length > 1; levels.push(level)) {
    level = levelAbove(suite, level);
  }
  return {
    root: levels.at(-1)![0] ?? suite.sha256(new Uint8Array(0)),
    path(index) {
      if (!Number.isInteger(index) || index < 0 || index >= leaves.length) {
        const expected = `an integer from 0 to ${leaves.length - 1}`;
        throw invalidField(UsageError, 'merkle-index', 'index', expected, index);
      }
      return levels.flatMap((level, height) => level[siblingOf(index >> height)] ?? []);
    },
  };
}

/** @returns 32 bytes; for no leaves at all, SHA-256 of nothing. */
export function merkleRoot(suite: Suite, leaves: readonly Uint8Array[]): Uint8Array {
  return merkleTree(suite, leaves).root;
}

/** One path, as {@link MerkleTree.path}. For all of them keep the tree. */
export function merklePath(
  suite: Suite,
  leaves: readonly Uint8Array[],
  index: number,
): Uint8Array[] {
  return merkleTree(suite, leaves).path(index);
}

export interface MerkleClaim {
  readonly root: Uint8Array;
  /** The leaf itself, not its hash. */
  readonly leaf: Uint8Array;
  readonly index: number;
  /** Number of leaves. */
  readonly size: number;
  readonly path: readonly Uint8Array[];
}

/** Whether `leaf` is at `index` of the `size` leaves under `root`. False for any bad shape; never throws. */
export function merkleVerify(suite: Suite, claim: MerkleClaim): boolean {
  const { root, leaf, path } = claim;
  let { index, size } = claim;
  if (!Number.isSafeInteger(size) || !Number.isSafeInteger(index)) return false;
  if (index < 0 || index >= size) return false;
  let hash = leafHash(suite, leaf);
  let used = 0;
  for (; size > 1; index = Math.floor(index / 2), size = Math.ceil(size / 2)) {
    if (index % 2 === 0 && index + 1 === size) continue; // no partner: goes up unchanged
    const sibling = path[used++];
    if (sibling?.length !== 32) return false;
    hash = index % 2 === 0 ? nodeHash(suite, hash, sibling) : nodeHash(suite, sibling, hash);
  }
  return used === path.length && equalBytes(hash, root);
}

function leafHash(suite: Suite, leaf: Uint8Array): Uint8Array {
  return suite.sha256(concatBytes(Uint8Array.of(0), leaf));
}

function nodeHash(suite: Suite, left: Uint8Array, right: Uint8Array): Uint8Array {
  return suite.sha256(concatBytes(Uint8Array.of(1), left, right));
}

function levelAbove(suite: Suite, level: readonly Uint8Array[]): Uint8Array[] {
  const above: Uint8Array[] = [];
  for (let i = 0; i < level.length; i += 2) {
    const right = level[i + 1];
    above.push(right === undefined ? level[i]! : nodeHash(suite, level[i]!, right));
  }
  return above;
}

function siblingOf(index: number): number {
  return index ^ 1;
}
