/** Virtual time: what happens when, in an order that depends on nothing but times and insertion. */

interface Entry {
  readonly atMs: number;
  readonly sequence: number;
  readonly run: () => void;
}

export class Schedule {
  nowMs: number;
  /** A binary heap: thousands of devices have as many timers waiting. */
  readonly #heap: Entry[] = [];
  #sequence = 0;

  constructor(startMs: number) {
    this.nowMs = startMs;
  }

  in(delayMs: number, run: () => void): void {
    this.#heap.push({ atMs: this.nowMs + delayMs, sequence: this.#sequence++, run });
    let child = this.#heap.length - 1;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!this.#swapIfLater(parent, child)) return;
      child = parent;
    }
  }

  /**
   * Runs until nothing is left to do.
   *
   * @throws {RangeError} after `mostSteps`: a simulation that does not end is a bug.
   */
  run(mostSteps: number): void {
    for (let steps = 0; ; steps++) {
      const next = this.#takeFirst();
      if (next === undefined) return;
      if (steps >= mostSteps)
        throw new RangeError(`the simulation took more than ${mostSteps} steps`);
      this.nowMs = next.atMs;
      next.run();
    }
  }

  #takeFirst(): Entry | undefined {
    const [first] = this.#heap;
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return first;
    this.#heap[0] = last;
    for (let parent = 0; ; ) {
      const [left, right] = [2 * parent + 1, 2 * parent + 2];
      const sooner = isLater(this.#heap[left], this.#heap[right]) ? right : left;
      if (!this.#swapIfLater(parent, sooner)) return first;
      parent = sooner;
    }
  }

  /** @returns whether they were the wrong way round. */
  #swapIfLater(parent: number, child: number): boolean {
    const [above, below] = [this.#heap[parent], this.#heap[child]];
    if (above === undefined || below === undefined || !isLater(above, below)) return false;
    this.#heap[parent] = below;
    this.#heap[child] = above;
    return true;
  }
}

/** False where there is nothing to compare with. */
function isLater(a: Entry | undefined, b: Entry | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  return a.atMs > b.atMs || (a.atMs === b.atMs && a.sequence > b.sequence);
}
