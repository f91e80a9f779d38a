/**
 * Who neighbours whom in a roster. Protocol §4. Registrar and coordinator draw the same graph from the
 * same seed; a device sees only its own leaf. Labels serve equality only.
 * Invariant: neighbours are ascending, distinct, mutual, and never oneself; on tables there are exactly k.
 */
import { InternalError, LABELS, type Suite, encodeLabelled } from '@onlysum/crypto';
import { at } from './at.js';
import type { GraphParameters } from './parameters.js';

export interface Graph {
  /** By roster index: its neighbours, ascending. */
  readonly neighbours: readonly (readonly number[])[];
}

/** @param seed - 32 bytes, drawn after the roster was fixed. */
export function drawGraph(
  suite: Suite,
  parameters: Pick<GraphParameters, 'graph' | 'n' | 'k'>,
  seed: Uint8Array,
): Graph {
  const { graph, n, k } = parameters;
  if (graph === 'complete') return completeGraph(n);
  const neighbours = Array.from({ length: n }, (): number[] => []);
  for (const order of drawTables(suite, n, k / 2, seed)) {
    order.forEach((index, seat) => {
      const right = at(order, (seat + 1) % n);
      at(neighbours, index).push(right);
      at(neighbours, right).push(index);
    });
  }
  for (const list of neighbours) list.sort((a, b) => a - b);
  return { neighbours };
}

/**
 * Seats the round tables of a graph: no two devices sit side by side twice.
 *
 * @param seed - 32 bytes.
 * @returns by table: the roster indices in the order of their seats.
 */
export function drawTables(suite: Suite, n: number, tables: number, seed: Uint8Array): number[][] {
  const draw = uniformDraw(suite, seed);
  const neighbours = Array.from({ length: n }, () => new Set<number>());
  return Array.from({ length: tables }, () => seatTable(neighbours, draw));
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

function completeGraph(n: number): Graph {
  const everyone = Array.from({ length: n }, (_, index) => index);
  return { neighbours: everyone.map((index) => everyone.filter((other) => other !== index)) };
}

/** Draws for one conflict before the whole table is shuffled again. */
const MOST_SWAPS = 100;
/** A table fails once in far more than this; reaching it means a bug. */
const MOST_SHUFFLES = 1000;

/**
 * One round table: a random circular order in which nobody sits beside a neighbour of an earlier table.
 * Shuffle; then from seat 0 on, whoever sits beside an old neighbour changes places with a random seat,
 * until both ends of the exchange are free of old neighbours.
 */
function seatTable(neighbours: readonly Set<number>[], draw: (below: number) => number): number[] {
  const n = neighbours.length;
  const order = Array.from({ length: n }, (_, index) => index);
  for (let shuffles = 0; shuffles < MOST_SHUFFLES; shuffles++) {
    for (let i = n - 1; i > 0; i--) swap(order, i, draw(i + 1));
    if (!repairTable(order, neighbours, draw)) continue;
    order.forEach((index, seat) => {
      const right = at(order, (seat + 1) % n);
      at(neighbours, index).add(right);
      at(neighbours, right).add(index);
    });
    return order;
  }
  throw new InternalError('internal', `no table for ${n} devices in ${MOST_SHUFFLES} shuffles`);
}

/** @returns false if some conflict could not be mended. */
function repairTable(
  order: number[],
  neighbours: readonly Set<number>[],
  draw: (below: number) => number,
): boolean {
  const n = order.length;
  /** Whether the devices in this seat and the next were neighbours before. */
  const clashes = (seat: number): boolean =>
    at(neighbours, at(order, seat)).has(at(order, (seat + 1) % n));
  for (let seat = 0; seat < n; seat++) {
    if (!clashes(seat)) continue;
    const moved = (seat + 1) % n;
    let swaps = 0;
    for (; swaps < MOST_SWAPS; swaps++) {
      const other = draw(n);
      if (other === seat || other === moved) continue;
      swap(order, moved, other);
      const touched = [seat, moved, (other + n - 1) % n, other];
      if (!touched.some(clashes)) break;
      swap(order, moved, other);
    }
    if (swaps === MOST_SWAPS) return false;
  }
  return true;
}

/**
 * Uniform numbers from the seed: 32-bit little-endian words of ChaCha20 under
 * SHA-256(E(graph label, seed)); a word at or above the largest multiple of `below` is passed over.
 */
function uniformDraw(suite: Suite, seed: Uint8Array): (below: number) => number {
  const key = suite.sha256(encodeLabelled(LABELS.graph, seed));
  let words: DataView = new DataView(new ArrayBuffer(0));
  let next = 0;
  let length = 1 << 16;
  return (below) => {
    const limit = 2 ** 32 - (2 ** 32 % below);
    for (;;) {
      if (next + 4 > words.byteLength) {
        // The stream is made from its start: the interface has no counter, and doubling keeps it cheap.
        length *= 2;
        const stream = suite.stream(key, length);
        words = new DataView(stream.buffer, stream.byteOffset, stream.byteLength);
      }
      const word = words.getUint32(next, true);
      next += 4;
      if (word < limit) return word % below;
    }
  };
}

function swap(order: number[], a: number, b: number): void {
  const held = at(order, a);
  order[a] = at(order, b);
  order[b] = held;
}
