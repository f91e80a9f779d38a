/**
 * Which groups the user gives. Essential ones are declined only by leaving the task. Product: consent.
 * Knows: groups, and how often one was taken back. Doesn't know: values, rounds, dialogs, where a host
 * keeps the user's choice.
 */
import { describe, invalidField, UsageError } from '@onlysum/crypto';
import type { Group, Manifest } from '@onlysum/task';

/** The user's choice, as a host changes and shows it. It lasts as long as the client. */
export interface ClientConsent {
  /**
   * Gives a group or takes it back, at once for everything that has not left: its recorded values are
   * forgotten, and a round that has not sent its input starts again without them. What is masked into a
   * sum already cannot be taken back. Averages stay right: each group counts its own respondents.
   *
   * @throws {UsageError} `group-unknown`; `group-essential` when an essential one is declined: only
   *   `leave` does that.
   */
  set(group: string, value: boolean): void;
  /** Names of the groups given, essential ones among them, in the manifest's order. */
  given(): string[];
  /** @throws {UsageError} `group-unknown`. */
  isGiven(group: string): boolean;
}

export class Consent implements ClientConsent {
  readonly #groups: readonly Group[];
  readonly #onWithdrawn: (group: string) => void;
  readonly #given = new Set<string>();
  #withdrawals = 0;

  /**
   * @param given - optional groups opted in.
   * @param onWithdrawn - told of a group at the moment it is taken back.
   * @throws {UsageError} `group-unknown`.
   */
  constructor(manifest: Manifest, given: Iterable<string>, onWithdrawn: (group: string) => void) {
    this.#groups = manifest.groups;
    this.#onWithdrawn = onWithdrawn;
    for (const group of given) this.set(group, true);
  }

  set(name: string, value: boolean): void {
    if (typeof value !== 'boolean') {
      throw invalidField(UsageError, 'argument-invalid', 'value', 'true or false', value);
    }
    const { essential } = this.#find(name);
    if (essential && !value) {
      throw new UsageError(
        'group-essential',
        `group ${name}: it is essential to the task; to send none of it, call leave()`,
        { field: 'group' },
      );
    }
    if (value) this.#given.add(name);
    else if (this.#given.delete(name)) {
      this.#withdrawals++;
      this.#onWithdrawn(name);
    }
  }

  given(): string[] {
    return this.#groups.map((group) => group.name).filter((name) => this.isGiven(name));
  }

  isGiven(name: string): boolean {
    return this.#find(name).essential || this.#given.has(name);
  }

  /** How often a group was taken back: a round that took its input before a change must not send. */
  get withdrawals(): number {
    return this.#withdrawals;
  }

  #find(name: string): Group {
    const group = this.#groups.find((candidate) => candidate.name === name);
    if (group !== undefined) return group;
    const expected = `a group of the manifest (${this.#groups.map((g) => g.name).join(', ')})`;
    const got = describe(name);
    throw new UsageError('group-unknown', `group: expected ${expected}, got ${got}`, {
      field: 'group',
      expected,
      got,
    });
  }
}
