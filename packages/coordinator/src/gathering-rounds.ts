/**
 * The rounds that gather, by what their devices have in common, and who waits in them. Protocol §2.
 * Knows: keys of rounds and of devices. Doesn't know: admission, stages past gathering.
 * Invariant: a pseudonym waits in at most one gathering round of a task, by its newest connection.
 */
import type { Connection } from './connection.js';
import type { Round } from './round.js';

interface Waiting {
  readonly connection: Connection;
  readonly round: Round;
}

export class GatheringRounds {
  /** By task, window, incarnation and pool, oldest first. */
  readonly #gathering = new Map<string, readonly Round[]>();
  /** By task and pseudonym. */
  readonly #waiting = new Map<string, Waiting>();
  /** Under which each gathers, or has gathered. */
  readonly #keys = new WeakMap<Round, string>();

  /** The oldest of a key that has not as many devices; undefined if there is none. */
  withRoom(key: string, most: number): Round | undefined {
    return this.#gathering.get(key)?.find(({ size }) => size < most);
  }

  add(round: Round, key: string): void {
    this.#keys.set(round, key);
    this.#gathering.set(key, [...(this.#gathering.get(key) ?? []), round]);
  }

  /** One that has been removed, under the same key. */
  addAgain(round: Round): void {
    this.add(round, this.#keys.get(round) ?? '');
  }

  /** One that gathers no more. */
  remove(round: Round): void {
    for (const [key, rounds] of this.#gathering) {
      const rest = rounds.filter((other) => other !== round);
      if (rest.length === 0) this.#gathering.delete(key);
      else this.#gathering.set(key, rest);
    }
    for (const [device, waiting] of this.#waiting) {
      if (waiting.round === round) this.#waiting.delete(device);
    }
  }

  /** @param device - no connection of which waits: see {@link dropOlder}. */
  wait(device: string, waiting: Waiting): void {
    this.#waiting.set(device, waiting);
  }

  /** A device whose connection broke unnoticed comes back before its old one is found dead. */
  dropOlder(device: string): void {
    const older = this.#waiting.get(device);
    this.#waiting.delete(device);
    if (older?.round.stage !== 'gathering') return;
    older.connection.drop('duplicate-device', 'a newer connection of this pseudonym waits here');
  }
}
