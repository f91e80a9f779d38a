/** Virtual time: what happens when, in an order that depends on nothing but times and insertion. */

export class Schedule {
  nowMs: number;
  readonly #queue: { atMs: number; sequence: number; run: () => void }[] = [];
  #sequence = 0;

  constructor(startMs: number) {
    this.nowMs = startMs;
  }

  in(delayMs: number, run: () => void): void {
    const entry = { atMs: this.nowMs + delayMs, sequence: this.#sequence++, run };
    let at = this.#queue.length;
    while (at > 0 && isLater(this.#queue[at - 1], entry)) at--;
    this.#queue.splice(at, 0, entry);
  }

  /**
   * Runs until nothing is left to do.
   *
   * @throws {RangeError} after `mostSteps`: a simulation that does not end is a bug.
   */
  run(mostSteps: number): void {
    for (let steps = 0; ; steps++) {
      const next = this.#queue.shift();
      if (next === undefined) return;
      if (steps >= mostSteps)
        throw new RangeError(`the simulation took more than ${mostSteps} steps`);
      this.nowMs = next.atMs;
      next.run();
    }
  }
}

function isLater(
  a: { atMs: number; sequence: number } | undefined,
  b: { atMs: number; sequence: number },
): boolean {
  if (a === undefined) return false;
  return a.atMs > b.atMs || (a.atMs === b.atMs && a.sequence > b.sequence);
}
