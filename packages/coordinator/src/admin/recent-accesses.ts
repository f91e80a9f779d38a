/**
 * Which accesses are in the audit log already, so that turning pages does not fill it.
 * Knows: who did what, and when it was entered. Doesn't know: the log.
 * Invariant: the first access is entered, and one that goes on is entered again every {@link SAME_MS}.
 */

/** Within it, what the same token does again is the same access. */
export const SAME_MS = 10 * 60_000;

export class RecentAccesses {
  readonly #now: () => number;
  /** When each was entered. */
  readonly #entered = new Map<string, number>();

  /** @param now - Unix ms. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * Runs `enter` unless the same was entered just now; what fails was not.
   *
   * @param access - who does what.
   */
  async once(access: string, enter: () => Promise<void>): Promise<void> {
    const nowMs = this.#now();
    for (const [each, atMs] of this.#entered) {
      // A clock that was set back ends them all.
      if (nowMs - atMs >= SAME_MS || nowMs < atMs) this.#entered.delete(each);
    }
    if (this.#entered.has(access)) return;
    await enter();
    this.#entered.set(access, nowMs);
  }
}
