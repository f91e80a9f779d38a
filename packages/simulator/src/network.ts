/**
 * A seeded network between devices and coordinator: delay, loss, reordering, duplicates, kills.
 * Knows: faults. Doesn't know: what the bytes mean beyond their message type.
 * Invariant: the same seed and the same sends give the same deliveries.
 */
import type { Rng } from '@onlysum/crypto';
import type { Schedule } from './schedule.js';

export interface NetworkFaults {
  /** Each message takes from 1 ms up to this. */
  readonly mostDelayMs: number;
  /** Probability that a message is lost; the connection then stays open and silent. */
  readonly loss: number;
  /** Probability that a message is delivered twice. */
  readonly duplicate: number;
  /** Whether messages of one connection may overtake each other. */
  readonly reorder: boolean;
}

/** What a working network does. */
export const NO_FAULTS: NetworkFaults = { mostDelayMs: 50, loss: 0, duplicate: 0, reorder: false };

export class Network {
  readonly #rng: Rng;
  readonly #lastMs = new Map<string, number>();

  constructor(
    private readonly schedule: Schedule,
    private readonly faults: NetworkFaults,
    rng: Rng,
  ) {
    this.#rng = rng;
  }

  /** @param link - one direction of one connection. */
  carry(link: string, deliver: () => void): void {
    if (this.chance() < this.faults.loss) return;
    this.#deliverLater(link, deliver);
    if (this.chance() < this.faults.duplicate) this.#deliverLater(link, deliver);
  }

  /** Uniform in [0, 1). */
  chance(): number {
    const bytes = this.#rng(4);
    return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) / 2 ** 32;
  }

  #deliverLater(link: string, deliver: () => void): void {
    const { schedule, faults } = this;
    const delayMs = 1 + Math.floor(this.chance() * faults.mostDelayMs);
    const arrival = schedule.nowMs + delayMs;
    const atMs = faults.reorder ? arrival : Math.max(arrival, this.#lastMs.get(link) ?? 0);
    this.#lastMs.set(link, atMs);
    schedule.in(atMs - schedule.nowMs, deliver);
  }
}
