import { toHex } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { drawGraph } from './graph.js';
import { encodeLeaf, encodeNeighbours, parseNeighbours, rosterLeaves } from './leaf.js';
import { graphParameters } from './parameters.js';

const key = (fill: number) => new Uint8Array(32).fill(fill);
const neighbour = (index: number) => ({ index, c: key(index), s: key(index + 100) });
const wireInvalid = (field: string) => expect.objectContaining({ code: 'wire-invalid', field });

const parse = (indices: readonly number[], self = 5, n = 10, k = indices.length) =>
  parseNeighbours(encodeNeighbours(indices.map(neighbour)), self, n, k);

describe('the neighbours in a leaf', () => {
  test('come back as they were encoded', () => {
    const lists = fc
      .uniqueArray(fc.nat(99), { maxLength: 30 })
      .map((list) => list.filter((index) => index !== 50).sort((a, b) => a - b));
    fc.assert(
      fc.property(lists, (indices) => {
        expect(parse(indices, 50, 100)).toEqual(indices.map(neighbour));
      }),
    );
  });

  test.each<[string, string, () => unknown]>([
    ['a neighbour too few', 'neighbours', () => parse([1, 2], 5, 10, 3)],
    ['a neighbour too many', 'neighbours', () => parse([1, 2], 5, 10, 1)],
    ['a byte too few', 'neighbours', () => parseNeighbours(new Uint8Array(67), 5, 10, 1)],
    ['a byte too many', 'neighbours', () => parseNeighbours(new Uint8Array(69), 5, 10, 1)],
    ['one twice', 'neighbours[1].index', () => parse([2, 2])],
    ['descending order', 'neighbours[1].index', () => parse([3, 2])],
    ['the device itself', 'neighbours[1].index', () => parse([2, 5, 7])],
    ['an index of n', 'neighbours[1].index', () => parse([2, 10])],
    ['an index of 2^32 − 1', 'neighbours[0].index', () => parse([0xffff_ffff])],
  ])('%s is refused', (_, field, attempt) => {
    expect(attempt).toThrow(wireInvalid(field));
  });

  test('the last index of all is allowed', () => {
    expect(parse([0, 9]).map(({ index }) => index)).toEqual([0, 9]);
  });
});

describe('the leaves of a roster', () => {
  const keys = [0, 1, 2, 3].map(neighbour);
  const leaves = rosterLeaves(
    keys,
    drawGraph(nativeSuite, graphParameters(4, 0, 0), new Uint8Array(32)),
  );

  test('name everyone else, with their keys, and oneself', () => {
    leaves.forEach(({ leaf, neighbours }, index) => {
      const others = keys.filter((other) => other.index !== index);
      expect(parseNeighbours(neighbours, index, 4, 3)).toEqual(others);
      expect(leaf).toEqual(encodeLeaf(index, neighbour(index), neighbours));
    });
  });

  test('change with index, c, s and neighbours', () => {
    const own = neighbour(1);
    const list = leaves[1]?.neighbours ?? new Uint8Array(0);
    const variants = [
      encodeLeaf(1, own, list),
      encodeLeaf(2, own, list),
      encodeLeaf(1, { ...own, c: key(9) }, list),
      encodeLeaf(1, { ...own, s: key(9) }, list),
      encodeLeaf(1, { c: own.s, s: own.c }, list),
      encodeLeaf(
        1,
        own,
        list.map((byte, i) => (i === 40 ? byte ^ 1 : byte)),
      ),
    ];
    expect(new Set(variants.map(toHex)).size).toBe(variants.length);
  });
});
