/** The study of docs/graph-study.md in its short form, and that it would notice. */
import { nativeSuite } from '@onlysum/crypto/node';
import { type Graph, drawGraph, rosterParameters } from '@onlysum/protocol';
import { describe, expect, it } from 'vitest';
import { type SeparatedSet, searchCut } from './cut-search.js';
import {
  compareTail,
  membership,
  randomSubset,
  studyInwardPairs,
  studyNeighbours,
  uniformBelow,
} from './graph-study.js';

const parameters = rosterParameters(200, { corrupt: 50, dropout: 50 });
const { n, k, t, mostCorrupt, mostDropped, mostCorruptNeighbours } = parameters;

describe('neighbours in random sets', () => {
  it('are as many as the hypergeometric model has them', () => {
    const size = { graphs: 60, setsPerGraph: 10, seed: 'short' };
    const { corrupt, surviving } = studyNeighbours(nativeSuite, parameters, size);
    for (const { meanDrawn, meanModel, worst, furthest } of [corrupt, surviving]) {
      expect(furthest.drawn / furthest.model).toBeGreaterThan(0.7);
      expect(Math.abs(meanDrawn / meanModel - 1)).toBeLessThan(0.005);
      expect(worst.drawn / worst.model).toBeGreaterThan(0.9);
      expect(worst.drawn / worst.model).toBeLessThan(1.4);
    }
    expect(corrupt.samples).toBe(600 * (n - mostCorrupt));
    expect(corrupt.extreme).toBeLessThanOrEqual(mostCorruptNeighbours);
    expect(surviving.extreme).toBeGreaterThanOrEqual(t);
  });

  it('seat no more pairs of a set side by side than the model has', () => {
    const size = { graphs: 60, setsPerGraph: 40, seed: 'short' };
    for (const s of [5, 20, 90]) {
      const { meanDrawn, meanModel, worst } = studyInwardPairs(nativeSuite, parameters, s, size);
      expect(Math.abs(meanDrawn / meanModel - 1)).toBeLessThan(0.1);
      expect(worst.drawn / worst.model).toBeLessThan(1.3);
    }
  });

  it('would be noticed, were they more', () => {
    const chance = (x: number) => [0.5, 0.3, 0.15, 0.04, 0.01][x] ?? 0;
    const asModelled = Float64Array.from([50_000, 30_000, 15_000, 4000, 1000]);
    const { worst, meanDrawn, meanModel } = compareTail(asModelled, chance, 'above');
    expect([worst.drawn / worst.model, meanDrawn]).toEqual([
      expect.closeTo(1),
      expect.closeTo(meanModel),
    ]);
    const fat = Float64Array.from([50_000, 30_000, 15_000, 3000, 2000]);
    expect(compareTail(fat, chance, 'above')).toMatchObject({
      extreme: 4,
      worst: { bound: 4, drawn: expect.closeTo(0.02), model: expect.closeTo(0.01) },
      furthest: { bound: 4 },
    });
    expect(compareTail(fat, chance, 'below').extreme).toBe(0);
  });
});

describe('the search for a cut', () => {
  const EVEN = { drop: 1, neighbour: 1 };
  const corrupt = randomSubset(n, mostCorrupt, uniformBelow('corrupt'));
  const tables = drawGraph(nativeSuite, parameters, new Uint8Array(32).fill(1));
  /** k/2 neighbours on each side: what the tables are there to avoid. */
  const ring: Graph = {
    neighbours: tables.neighbours.map((_, index) =>
      Array.from({ length: k }, (_, i) => (index + (i < k / 2 ? i + 1 : i - k) + n) % n).sort(
        (a, b) => a - b,
      ),
    ),
  };

  it('counts what it says', () => {
    const cut = searchCut(
      { graph: tables, corrupt, mostDropped, t, weights: { drop: 3, neighbour: 2 } },
      12,
      2000,
      'short',
    );
    expect(new Set(cut.members).size).toBe(12);
    expect(cut).toMatchObject(recount(tables, cut));
    const excess = Math.max(0, cut.toDrop.length - mostDropped);
    expect(cut.cost).toBe(3 * excess + 2 * cut.lacking);
  });

  it('finds the cut through a ring, and the ring falls into two', () => {
    // A threshold of k/2, so that the ends of an arc keep theirs.
    const cut = searchCut(
      { graph: ring, corrupt, mostDropped: k, t: k / 2, weights: EVEN },
      40,
      5000,
      'short',
    );
    expect(cut.cost).toBe(0);
    expect(cut.toDrop.length).toBeLessThanOrEqual(k);
    const [one, other, ...more] = honestComponents(ring, cut.toDrop);
    expect(more).toEqual([]);
    expect(one?.toSorted(ascending)).toEqual(cut.members.toSorted(ascending));
    expect(other?.length).toBeGreaterThan(40);
  });

  it.each([2, 10, 40, 85])('finds none through the tables, with sets of %i', (size) => {
    const cut = searchCut(
      { graph: tables, corrupt, mostDropped, t, weights: EVEN },
      size,
      3000,
      'short',
    );
    // Each member lacks a neighbour or more, or as many more drops would be needed.
    expect(cut.cost).toBeGreaterThan(0.5 * size);
  });

  function recount(graph: Graph, { members }: SeparatedSet) {
    const isMember = membership(n, members);
    const isCorrupt = membership(n, corrupt);
    const listOf = (index: number) => graph.neighbours[index] ?? [];
    const beside = new Set(members.flatMap(listOf));
    const kept = members.map(
      (index) =>
        listOf(index).filter((other) => isMember[other] === 1 || isCorrupt[other] === 1).length,
    );
    return {
      toDrop: [...beside]
        .filter((index) => isMember[index] === 0 && isCorrupt[index] === 0)
        .sort(ascending),
      lacking: kept.reduce((sum, count) => sum + Math.max(0, t - count), 0),
    };
  }

  /** Smallest first. */
  function honestComponents(graph: Graph, dropped: readonly number[]): number[][] {
    const gone = new Set([...corrupt, ...dropped]);
    const components: number[][] = [];
    for (let start = 0; start < n; start++) {
      if (gone.has(start)) continue;
      const component = [start];
      gone.add(start);
      for (const index of component) {
        for (const other of graph.neighbours[index] ?? []) {
          if (gone.has(other)) continue;
          gone.add(other);
          component.push(other);
        }
      }
      components.push(component);
    }
    return components.sort((a, b) => a.length - b.length);
  }
});

function ascending(a: number, b: number): number {
  return a - b;
}
