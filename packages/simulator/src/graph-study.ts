/**
 * Drawn graphs held against the model behind their parameters (protocol §4.1).
 * Knows: what rules 1, 3 and 4 assume, and how to count it. Doesn't know: keys, messages, rounds.
 * It samples: it can show that a model is wrong, never that 2^-60 is right.
 */
import { type Suite, unsafeSeededRng } from '@onlysum/crypto';
import { type Graph, type GraphParameters, drawGraph } from '@onlysum/protocol';

/** A tail at one bound: how often it was drawn, and how often the model has it. */
export interface Tail {
  readonly bound: number;
  readonly drawn: number;
  readonly model: number;
}

/** A distribution as counted and as the model has it, of the tails that hold 100 samples or more. */
export interface TailComparison {
  readonly samples: number;
  readonly meanDrawn: number;
  readonly meanModel: number;
  /** The count furthest out that was seen. */
  readonly extreme: number;
  /** The one with the largest drawn/model, of those that begin at the mean or beyond. */
  readonly worst: Tail;
  /** The one furthest out. */
  readonly furthest: Tail;
}

export interface StudySize {
  readonly graphs: number;
  /** Sets of devices tried on each graph. */
  readonly setsPerGraph: number;
  readonly seed: string;
}

export interface NeighbourStudy {
  /** Corrupted neighbours of honest devices, x or more: rule 1. */
  readonly corrupt: TailComparison;
  /** Surviving neighbours of survivors, x or fewer: rule 3. */
  readonly surviving: TailComparison;
}

/** Devices corrupted, and devices dropped, are drawn at random without a look at the graph. */
export function studyNeighbours(
  suite: Suite,
  parameters: GraphParameters,
  size: StudySize,
): NeighbourStudy {
  const { n, k, mostCorrupt, mostDropped } = parameters;
  const corrupt = new Float64Array(k + 1);
  const surviving = new Float64Array(k + 1);
  forEachDrawn(suite, parameters, size, (graph, below) => {
    const isCorrupt = membership(n, randomSubset(n, mostCorrupt, below));
    const isDropped = membership(n, randomSubset(n, mostDropped, below));
    graph.neighbours.forEach((list, index) => {
      if (isCorrupt[index] === 0) bump(corrupt, count(list, isCorrupt));
      if (isDropped[index] === 0) bump(surviving, k - count(list, isDropped));
    });
  });
  const chance = (marked: number) => (x: number) =>
    Math.exp(lnChoose(marked, x) + lnChoose(n - 1 - marked, k - x) - lnChoose(n - 1, k));
  return {
    corrupt: compareTail(corrupt, chance(mostCorrupt), 'above'),
    surviving: compareTail(surviving, chance(n - 1 - mostDropped), 'below'),
  };
}

/**
 * Neighbouring pairs inside random sets of s devices, e of them or more: what ln P(s) of rule 4 counts. The
 * model: s·k/2 seats, each beside another of the set with probability (s − 1)/(n − 1), independently.
 */
export function studyInwardPairs(
  suite: Suite,
  parameters: GraphParameters,
  s: number,
  size: StudySize,
): TailComparison {
  const { n, k } = parameters;
  const seats = (s * k) / 2;
  const counts = new Float64Array(seats + 1);
  forEachDrawn(suite, parameters, size, (graph, below) => {
    const chosen = randomSubset(n, s, below);
    const isChosen = membership(n, chosen);
    const ends = chosen.reduce(
      (sum, index) => sum + count(graph.neighbours[index] ?? [], isChosen),
      0,
    );
    bump(counts, ends / 2);
  });
  const p = (s - 1) / (n - 1);
  const chance = (e: number) =>
    Math.exp(lnChoose(seats, e) + e * Math.log(p) + (seats - e) * Math.log1p(-p));
  return compareTail(counts, chance, 'above');
}

function forEachDrawn(
  suite: Suite,
  parameters: GraphParameters,
  { graphs, setsPerGraph, seed }: StudySize,
  use: (graph: Graph, below: (m: number) => number) => void,
): void {
  const rng = unsafeSeededRng(seed);
  const below = uniformBelow(seed);
  for (let i = 0; i < graphs; i++) {
    const graph = drawGraph(suite, parameters, rng(32));
    for (let j = 0; j < setsPerGraph; j++) use(graph, below);
  }
}

/** Below this many samples a tail says little. */
const FEWEST_IN_TAIL = 100;
const NO_TAIL: Tail = { bound: 0, drawn: 0, model: 1 };

/**
 * @param counts - samples by value.
 * @param chance - of each value, in the model.
 * @param side - which tail: at least x, or at most x.
 */
export function compareTail(
  counts: Float64Array,
  chance: (x: number) => number,
  side: 'above' | 'below',
): TailComparison {
  const samples = counts.reduce((a, b) => a + b, 0);
  const values = [...counts.keys()];
  const mean = (weight: (x: number) => number) => values.reduce((sum, x) => sum + x * weight(x), 0);
  // From the far end inwards, so that small terms are added first.
  const inwards = side === 'above' ? values.toReversed() : values;
  let [drawn, model] = [0, 0];
  let extreme: number | undefined;
  const meanModel = mean(chance);
  const tails: Tail[] = [];
  for (const x of inwards) {
    drawn += (counts[x] ?? 0) / samples;
    model += chance(x);
    if (extreme === undefined && drawn > 0) extreme = x;
    const isBeyondMean = side === 'above' ? x >= meanModel : x <= meanModel;
    if (isBeyondMean && Math.max(drawn, model) * samples >= FEWEST_IN_TAIL) {
      tails.push({ bound: x, drawn, model });
    }
  }
  const [furthest = NO_TAIL] = tails;
  return {
    samples,
    meanDrawn: mean((x) => (counts[x] ?? 0) / samples),
    meanModel,
    extreme: extreme ?? 0,
    worst: tails.reduce((a, b) => (b.drawn / b.model > a.drawn / a.model ? b : a), furthest),
    furthest,
  };
}

export function uniformBelow(seed: string): (m: number) => number {
  const rng = unsafeSeededRng(`${seed} below`);
  let words = new Uint32Array(0);
  let next = 0;
  return (m) => {
    if (next === words.length) {
      words = new Uint32Array(rng(1 << 16).slice().buffer);
      next = 0;
    }
    // 2^32 is so far above m that the bias is far below what samples can show.
    return Math.floor(((words[next++] ?? 0) / 2 ** 32) * m);
  };
}

/** @returns `size` distinct indices below n. */
export function randomSubset(n: number, size: number, below: (m: number) => number): number[] {
  const order = Array.from({ length: n }, (_, i) => i);
  for (let i = 0; i < size; i++) {
    const j = i + below(n - i);
    [order[i], order[j]] = [order[j] ?? 0, order[i] ?? 0];
  }
  return order.slice(0, size);
}

/** By index: 1 for members. */
export function membership(n: number, members: Iterable<number>): Uint8Array {
  const out = new Uint8Array(n);
  for (const index of members) out[index] = 1;
  return out;
}

function count(list: readonly number[], isMember: Uint8Array): number {
  return list.reduce((sum, index) => sum + (isMember[index] ?? 0), 0);
}

function bump(counts: Float64Array, x: number): void {
  counts[x] = (counts[x] ?? 0) + 1;
}

const lnFactorials = [0];

function lnChoose(n: number, k: number): number {
  if (k < 0 || k > n) return Number.NEGATIVE_INFINITY;
  for (let i = lnFactorials.length; i <= n; i++) {
    lnFactorials.push((lnFactorials[i - 1] ?? 0) + Math.log(i));
  }
  const ln = (i: number) => lnFactorials[i] ?? Number.NaN;
  return ln(n) - ln(k) - ln(n - k);
}
