/** Which groups the user gives. Essential ones are declined only by leaving the task. Product: consent. */
import { describe, invalidField, UsageError } from '@onlysum/crypto';
import type { Group, Manifest } from '@onlysum/task';

export class Consent {
  readonly #groups: readonly Group[];
  readonly #given = new Set<string>();
  #withdrawals = 0;

  /** @param given - optional groups opted in. @throws {UsageError} `group-unknown`. */
  constructor(manifest: Manifest, given: Iterable<string>) {
    this.#groups = manifest.groups;
    for (const group of given) this.set(group, true);
  }

  /** @throws {UsageError} `group-unknown`; `group-essential` when an essential one is declined. */
  set(name: string, isGiven: boolean): void {
    if (typeof isGiven !== 'boolean') {
      throw invalidField(UsageError, 'argument-invalid', 'isGiven', 'true or false', isGiven);
    }
    const group = this.#groups.find((candidate) => candidate.name === name);
    if (group === undefined) {
      const expected = `a group of the manifest (${this.#groups.map((g) => g.name).join(', ')})`;
      const got = describe(name);
      throw new UsageError('group-unknown', `group: expected ${expected}, got ${got}`, {
        field: 'group',
        expected,
        got,
      });
    }
    if (group.essential && !isGiven) {
      throw new UsageError(
        'group-essential',
        `group ${name}: it is essential to the task; to send none of it, close the client`,
        { field: 'group' },
      );
    }
    if (isGiven) this.#given.add(name);
    else if (this.#given.delete(name)) this.#withdrawals++;
  }

  /** How often a group was taken back: a round that took its input before a change must not send. */
  get withdrawals(): number {
    return this.#withdrawals;
  }

  isGiven(name: string): boolean {
    return (
      this.#given.has(name) || this.#groups.some((group) => group.name === name && group.essential)
    );
  }

  /** Names of the groups given, in the manifest's order. */
  given(): string[] {
    return this.#groups.map((group) => group.name).filter((name) => this.isGiven(name));
  }
}
