/**
 * Who neighbours whom in a roster. Protocol §4. Registrar and coordinator draw the same graph from the
 * same parameters; a device sees only its own leaf. This version draws the complete graph.
 * Invariant: neighbours are ascending, distinct, mutual, and never oneself.
 */
import { at } from './at.js';
import type { GraphParameters } from './parameters.js';

export interface Graph {
  /** By roster index: its neighbours, ascending. */
  readonly neighbours: readonly (readonly number[])[];
}

export function drawGraph({ n }: GraphParameters): Graph {
  const everyone = Array.from({ length: n }, (_, index) => index);
  return { neighbours: everyone.map((index) => everyone.filter((other) => other !== index)) };
}

/** Where `other` stands among the neighbours of `index`; −1 if they are not neighbours. */
export function positionOf(graph: Graph, index: number, other: number): number {
  const neighbours = at(graph.neighbours, index);
  let low = 0;
  let high = neighbours.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const found = at(neighbours, middle);
    if (found === other) return middle;
    if (found < other) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

/** How many neighbours of `index` are in a set. */
export function countNeighbours(graph: Graph, index: number, members: ReadonlySet<number>): number {
  return at(graph.neighbours, index).filter((other) => members.has(other)).length;
}
