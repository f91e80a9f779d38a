import { expect, test } from 'vitest';
import { countNeighbours, drawGraph, positionOf } from './graph.js';
import { graphParameters } from './parameters.js';

test.each([2, 3, 20])('%i devices: everyone neighbours everyone else, ascending', (n) => {
  const graph = drawGraph(graphParameters(n, 0, 0));
  expect(graph.neighbours).toHaveLength(n);
  graph.neighbours.forEach((neighbours, index) => {
    expect(neighbours).toHaveLength(n - 1);
    expect(neighbours).toEqual([...new Set(neighbours)].sort((a, b) => a - b));
    expect(neighbours).not.toContain(index);
    for (const other of neighbours) expect(graph.neighbours[other]).toContain(index);
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
