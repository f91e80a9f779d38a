/**
 * A coordinator's search for a cut: which D devices to drop so that some honest survivors are cut off from
 * the others (protocol §4.1, rule 4).
 * Knows: the graph and who is corrupted, both in full. Doesn't know: keys, messages, rounds.
 *
 * Cutting off a set S of honest devices means dropping all honest neighbours that S has outside, so a
 * search over sets S is one over drops. The round goes on only if every survivor keeps t neighbours:
 * those of S, among S and colluders. That the others must keep t as well is left out, in the
 * coordinator's favour.
 */
import type { Graph } from '@onlysum/protocol';
import { membership, uniformBelow } from './graph-study.js';

export interface CutTask {
  readonly graph: Graph;
  readonly corrupt: readonly number[];
  /** D. */
  readonly mostDropped: number;
  readonly t: number;
  /** What a drop above D costs, and what a neighbour costs that a member of S misses to t. */
  readonly weights: { readonly drop: number; readonly neighbour: number };
}

export interface SeparatedSet {
  /** S. */
  readonly members: readonly number[];
  /** Honest neighbours of S outside it: all of them have to be dropped. */
  readonly toDrop: readonly number[];
  /** Σ over S of what is missing to t neighbours in S and among colluders. */
  readonly lacking: number;
  /** As weighed in the search. 0: the cut succeeds. */
  readonly cost: number;
}

/**
 * The best set of one size, grown greedily and then improved by simulated annealing.
 *
 * @param steps - of annealing; each exchanges one device.
 */
export function searchCut(task: CutTask, size: number, steps: number, seed: string): SeparatedSet {
  const below = uniformBelow(`${seed} ${size}`);
  const set = new CutSet(task);
  set.add(set.mostSurrounded());
  while (set.members.length < size) set.add(cheapest(set));
  let best = set.snapshot();
  let cost = set.cost;
  for (let step = 0; step < steps && best.cost > 0; step++) {
    const temperature =
      FIRST_TEMPERATURE * (LAST_TEMPERATURE / FIRST_TEMPERATURE) ** (step / steps);
    const out = set.members[below(size)] ?? 0;
    const into = set.randomOutside(below);
    if (into === undefined) continue;
    set.remove(out);
    set.add(into);
    const worse = set.cost - cost;
    if (worse <= 0 || below(2 ** 31) < 2 ** 31 * Math.exp(-worse / temperature)) {
      cost = set.cost;
      if (cost < best.cost) best = set.snapshot();
    } else {
      set.remove(into);
      set.add(out);
    }
  }
  return best;
}

/** In the units of the weights: at first most exchanges pass, in the end only good ones. */
const FIRST_TEMPERATURE = 4;
const LAST_TEMPERATURE = 0.05;

function cheapest(set: CutSet): number {
  let [best, least] = [-1, Number.POSITIVE_INFINITY];
  for (const index of set.outside()) {
    set.add(index);
    if (set.cost < least) [best, least] = [index, set.cost];
    set.remove(index);
  }
  return best;
}

/** S, and what follows from it, kept up to date at k steps a change. */
class CutSet {
  readonly #task: CutTask;
  readonly #isCorrupt: Uint8Array;
  readonly #isMember: Uint8Array;
  /** By device: neighbours in S. */
  readonly #inside: Int32Array;
  /** By device: neighbours among colluders. */
  readonly #colluding: Int32Array;
  readonly members: number[] = [];
  #toDrop = 0;
  #lacking = 0;

  constructor(task: CutTask) {
    const n = task.graph.neighbours.length;
    this.#task = task;
    this.#isCorrupt = membership(n, task.corrupt);
    this.#isMember = new Uint8Array(n);
    this.#inside = new Int32Array(n);
    this.#colluding = Int32Array.from(task.graph.neighbours, (list) =>
      list.reduce((sum, other) => sum + (this.#isCorrupt[other] ?? 0), 0),
    );
  }

  get cost(): number {
    const { mostDropped, weights } = this.#task;
    const excess = Math.max(0, this.#toDrop - mostDropped);
    return weights.drop * excess + weights.neighbour * this.#lacking;
  }

  add(index: number): void {
    this.#count(index, -1);
    this.#isMember[index] = 1;
    this.members.push(index);
    this.#count(index, 1);
  }

  remove(index: number): void {
    this.#count(index, -1);
    this.#isMember[index] = 0;
    // The last one is removed most often: cheapest() has just added it.
    this.members.splice(this.members.lastIndexOf(index), 1);
    this.#count(index, 1);
  }

  /** The honest device with the most colluding neighbours. */
  mostSurrounded(): number {
    let best = -1;
    this.#colluding.forEach((colluding, index) => {
      if (this.#isCorrupt[index] === 1) return;
      if (best < 0 || colluding > (this.#colluding[best] ?? 0)) best = index;
    });
    return best;
  }

  /** Honest devices beside S. */
  outside(): number[] {
    const all = [...this.#isMember.keys()].filter((index) => this.#isOutside(index));
    const beside = all.filter((index) => (this.#inside[index] ?? 0) > 0);
    return beside.length > 0 ? beside : all;
  }

  /** Mostly one beside S. */
  randomOutside(below: (m: number) => number): number | undefined {
    const member = this.members[below(this.members.length)] ?? 0;
    const list = this.#task.graph.neighbours[member] ?? [];
    const index = below(10) === 0 ? below(this.#isMember.length) : (list[below(list.length)] ?? 0);
    return this.#isOutside(index) ? index : undefined;
  }

  snapshot(): SeparatedSet {
    const toDrop = [...this.#isMember.keys()].filter(
      (index) => this.#isOutside(index) && (this.#inside[index] ?? 0) > 0,
    );
    return { members: [...this.members], toDrop, lacking: this.#lacking, cost: this.cost };
  }

  #isOutside(index: number): boolean {
    return this.#isMember[index] === 0 && this.#isCorrupt[index] === 0;
  }

  /**
   * Takes a device and its neighbours out of the sums (−1), or puts them in (+1): called around each
   * change, with the neighbours' counts moved in between.
   */
  #count(index: number, sign: 1 | -1): void {
    const neighbours = this.#task.graph.neighbours[index] ?? [];
    if (sign === 1) {
      const change = this.#isMember[index] === 1 ? 1 : -1;
      for (const other of neighbours) this.#inside[other] = (this.#inside[other] ?? 0) + change;
    }
    this.#weigh(index, sign);
    for (const other of neighbours) this.#weigh(other, sign);
  }

  #weigh(index: number, sign: 1 | -1): void {
    if (this.#isCorrupt[index] === 1) return;
    const inside = this.#inside[index] ?? 0;
    if (this.#isMember[index] === 0) {
      if (inside > 0) this.#toDrop += sign;
      return;
    }
    const kept = inside + (this.#colluding[index] ?? 0);
    this.#lacking += sign * Math.max(0, this.#task.t - kept);
  }
}
