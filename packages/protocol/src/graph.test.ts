import { InternalError, LABELS, type Suite, encodeLabelled, portableSuite } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { countNeighbours, drawGraph, drawTables, type Graph, positionOf } from './graph.js';
import { type GraphParameters, graphParameters } from './parameters.js';

const seedOf = (fill: number) => new Uint8Array(32).fill(fill);

/** Any n and k: how the tables are drawn does not depend on what is safe. */
const tableGraph = (n: number, k: number): GraphParameters => ({
  ...graphParameters(n, 0, 0),
  graph: 'tables',
  k,
});

function expectRegular({ neighbours }: Graph, n: number, k: number): void {
  expect(neighbours).toHaveLength(n);
  neighbours.forEach((list, index) => {
    expect(list).toHaveLength(k);
    expect(list).toEqual([...new Set(list)].sort((a, b) => a - b));
    expect(list).not.toContain(index);
    for (const other of list) expect(neighbours[other]).toContain(index);
  });
}

describe('the complete graph', () => {
  test.each([2, 3, 20])('%i devices: everyone neighbours everyone else, ascending', (n) => {
    const graph = drawGraph(nativeSuite, graphParameters(n, 0, 0), seedOf(1));
    expectRegular(graph, n, n - 1);
  });

  test('is the same for every seed', () => {
    const drawn = [1, 2].map((fill) =>
      drawGraph(nativeSuite, graphParameters(9, 0, 0), seedOf(fill)),
    );
    expect(drawn[0]).toEqual(drawn[1]);
  });
});

describe('round tables', () => {
  test('give exactly k distinct neighbours, mutual, ascending, never oneself', () => {
    const cases = fc
      .tuple(fc.integer({ min: 16, max: 120 }), fc.nat(1000), fc.uint8Array(lengths(32)))
      .map(([n, any, seed]) => ({ n, k: 4 + 2 * (any % Math.floor(n / 8 - 1)), seed }));
    fc.assert(
      fc.property(cases, ({ n, k, seed }) => {
        expectRegular(drawGraph(nativeSuite, tableGraph(n, k), seed), n, k);
      }),
      { seed: 4101, numRuns: 60 },
    );
  });

  test('do so for parameters that a roster has', () => {
    const parameters = graphParameters(300, 10, 50);
    expect(parameters.graph).toBe('tables');
    expectRegular(drawGraph(nativeSuite, parameters, seedOf(3)), 300, parameters.k);
  });

  test('follow from the seed, whichever suite draws', () => {
    const parameters = graphParameters(100, 10, 50);
    const [one, again, other] = [
      drawGraph(nativeSuite, parameters, seedOf(1)),
      drawGraph(portableSuite, parameters, seedOf(1)),
      drawGraph(nativeSuite, parameters, seedOf(2)),
    ];
    expect(again).toEqual(one);
    expect(other).not.toEqual(one);
  });

  test('are repaired: shuffles alone seat neighbours side by side again', () => {
    const [n, tables] = [40, 8];
    const seed = seedOf(7);
    let unrepaired = 0;
    for (let fill = 0; fill < 20; fill++) {
      unrepaired += repeats(shuffles(n, tables, seedOf(fill)));
      expect(repeats(drawTables(nativeSuite, n, tables, seedOf(fill)))).toBe(0);
    }
    // Expected: C(8, 2) pairs of tables · 40 · 2/39, for each of 20 seeds.
    expect(unrepaired).toBeGreaterThan(900);
    expect(unrepaired).toBeLessThan(1400);
    // Nothing is mended at the first table.
    expect(drawTables(nativeSuite, n, 1, seed)).toEqual(shuffles(n, 1, seed));
  });

  test('every device sits beside every other one about equally often', () => {
    const [n, rounds] = [16, 1500];
    const beside = new Array<number>(n).fill(0);
    for (let round = 0; round < rounds; round++) {
      const seed = nativeSuite.sha256(Uint8Array.of(round & 0xff, round >> 8));
      const { neighbours } = drawGraph(nativeSuite, tableGraph(n, 4), seed);
      for (const other of neighbours[0] ?? []) beside[other] = (beside[other] ?? 0) + 1;
    }
    expect(beside[0]).toBe(0);
    const mean = (4 * rounds) / (n - 1);
    for (const count of beside.slice(1)) {
      // Five standard deviations of a binomial.
      expect(Math.abs(count - mean)).toBeLessThan(5 * Math.sqrt(mean));
    }
  });

  test('as many tables as there is no room for are refused', () => {
    // Four devices have six pairs, and two tables take eight.
    expect(() => drawTables(nativeSuite, 4, 2, seedOf(0))).toThrow(InternalError);
  });
});

describe('uniform draws', () => {
  // 2^32 = 3 · 1431655765 + 1, so below 3 the word 2^32 − 1 is passed over; below 2 none is.
  const limit = 2 ** 32 - 1;

  test('the stream is ChaCha20 under SHA-256 of the labelled seed', () => {
    const asked: Uint8Array[] = [];
    const watched: Suite = {
      ...nativeSuite,
      stream: (key, length) => {
        asked.push(key);
        return nativeSuite.stream(key, length);
      },
    };
    drawTables(watched, 16, 1, seedOf(5));
    const key = nativeSuite.sha256(encodeLabelled(LABELS.graph, seedOf(5)));
    expect(asked).toEqual([key]);
  });

  test('a word at the limit is passed over, the one below it is taken', () => {
    const plain = drawTables(withWords([7, 5]), 3, 1, seedOf(0));
    expect(drawTables(withWords([limit, limit, 7, 5]), 3, 1, seedOf(0))).toEqual(plain);
    const below = drawTables(withWords([limit - 1, 5]), 3, 1, seedOf(0));
    // (2^32 − 2) mod 3 = 2: the last seat keeps its device.
    expect((limit - 1) % 3).toBe(2);
    expect(below[0]?.[2]).toBe(2);
    // Below 2 the same word counts, and is odd.
    expect(drawTables(withWords([2, limit]), 3, 1, seedOf(0))).toEqual([[0, 1, 2]]);
    expect(drawTables(withWords([2, limit - 1]), 3, 1, seedOf(0))).toEqual([[1, 0, 2]]);
  });

  test('words are little-endian', () => {
    // Read in the other order, 2 is 2 below 3 as well, but the second word is 1 below 2, not 0.
    expect(drawTables(withWords([2, 0x0100_0000]), 3, 1, seedOf(0))).toEqual([[1, 0, 2]]);
  });

  test('a graph that takes more than the first stretch of the stream goes on in the same one', () => {
    const [n, tables] = [2000, 20];
    expect(n * tables * 4).toBeGreaterThan(1 << 17);
    const long: Suite = {
      ...nativeSuite,
      stream: (key, length) => nativeSuite.stream(key, 4 * length),
    };
    expect(drawTables(long, n, tables, seedOf(9))).toEqual(
      drawTables(nativeSuite, n, tables, seedOf(9)),
    );
  });
});

test('positions are those in the list, −1 for who is no neighbour', () => {
  const graph = { neighbours: [[2, 3, 7, 9], [], [5]] };
  expect([2, 3, 7, 9].map((other) => positionOf(graph, 0, other))).toEqual([0, 1, 2, 3]);
  expect([0, 1, 4, 8, 10].map((other) => positionOf(graph, 0, other))).toEqual([
    -1, -1, -1, -1, -1,
  ]);
  expect([positionOf(graph, 1, 0), positionOf(graph, 2, 5)]).toEqual([-1, 0]);
});

test('neighbours in a set are counted', () => {
  const graph = { neighbours: [[2, 3, 7, 9]] };
  expect(countNeighbours(graph, 0, new Set([0, 1, 3, 9]))).toBe(2);
  expect(countNeighbours(graph, 0, new Set())).toBe(0);
});

function lengths(bytes: number) {
  return { minLength: bytes, maxLength: bytes };
}

/** A suite whose stream begins with these words, zeros after them. */
function withWords(words: readonly number[]): Suite {
  return {
    ...nativeSuite,
    stream: (_, length) => {
      const out = new Uint8Array(length);
      const view = new DataView(out.buffer);
      words.forEach((word, i) => view.setUint32(4 * i, word, true));
      return out;
    },
  };
}

/** Fisher–Yates over the same words, one table after the other, with nothing repaired. */
function shuffles(n: number, tables: number, seed: Uint8Array): number[][] {
  const key = nativeSuite.sha256(encodeLabelled(LABELS.graph, seed));
  const stream = nativeSuite.stream(key, 1 << 17);
  const words = new DataView(stream.buffer, stream.byteOffset);
  let next = 0;
  return Array.from({ length: tables }, () => {
    const order = Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      // No word of these few falls into the part that is passed over: 40 / 2^32 each.
      const j = words.getUint32(next, true) % (i + 1);
      next += 4;
      [order[i], order[j]] = [order[j] ?? -1, order[i] ?? -1];
    }
    return order;
  });
}

/** Pairs that sit side by side at a table, having done so at an earlier one. */
function repeats(tables: readonly (readonly number[])[]): number {
  const met = new Set<string>();
  let count = 0;
  for (const order of tables) {
    const pairs = order.map((one, seat) => {
      const other = order[(seat + 1) % order.length] ?? -1;
      return one < other ? `${one} ${other}` : `${other} ${one}`;
    });
    count += pairs.filter((pair) => met.has(pair)).length;
    for (const pair of pairs) met.add(pair);
  }
  return count;
}
