/**
 * Bounded exhaustive search over one round: the shipped device, coordinator and registrar machines
 * together, in every order of events that a budget of faults allows. docs/exploration.md.
 * Knows: worlds and choices. Invariant: a finding comes with the actions that lead to it.
 */
import { type Suite, OnlysumError } from '@onlysum/crypto';
import { type Action, type Adversary, type Choice, apply, choices } from './explore/actions.js';
import { brokenEnd, brokenRule } from './explore/properties.js';
import { type Machines, SHIPPED_MACHINES, setUp } from './explore/setup.js';
import { VisitedSet, fingerprint } from './explore/visited.js';
import { type World, Worlds } from './explore/world.js';

export type { Action, Adversary, Machines };

export interface ExploreOptions {
  readonly suite: Suite;
  /** n: 3 or more; small. */
  readonly devices: number;
  /** How many faults one history may have. */
  readonly faults: number;
  /** `network`: losses, crashes, duplicates, deadlines, a registrar out of reach; `coordinator`: one that cheats. */
  readonly adversary: Adversary;
  /** Stops there, and says that it is not complete. */
  readonly mostStates?: number;
  /** Whether devices add noise. */
  readonly withNoise?: boolean;
  /** Broken machines, for a control. */
  readonly machines?: Partial<Machines>;
}

export interface ExploreReport {
  readonly states: number;
  readonly steps: number;
  /** Worlds in which nothing can happen any more. */
  readonly ends: number;
  /** Actions of the longest history. */
  readonly longest: number;
  /** False if the search was stopped by `mostStates`. */
  readonly isComplete: boolean;
  /** How often each outcome of the coordinator, and of a device, was met among the ends. */
  readonly outcomes: ReadonlyMap<string, number>;
  readonly localStates: ReturnType<Worlds['counts']>;
  /** The first broken rule, and how it came about. */
  readonly finding: { readonly rule: string; readonly history: readonly Action[] } | undefined;
}

interface Frame {
  readonly world: World;
  readonly choices: readonly Choice[];
  next: number;
}

export function explore(options: ExploreOptions): ExploreReport {
  return new Search(options).run();
}

class Search {
  readonly #worlds: Worlds;
  readonly #visited = new VisitedSet();
  readonly #stack: Frame[] = [];
  readonly #onStack = new Set<string>();
  readonly #outcomes = new Map<string, number>();
  #steps = 0;
  #ends = 0;
  #longest = 0;
  #rule: string | undefined;

  constructor(private readonly options: ExploreOptions) {
    const machines = { ...SHIPPED_MACHINES, ...options.machines };
    this.#worlds = new Worlds(
      setUp(options.suite, options.devices, machines, options.withNoise === true),
    );
  }

  run(): ExploreReport {
    const { mostStates = Number.POSITIVE_INFINITY } = this.options;
    this.#enter(this.#worlds.start());
    while (this.#stack.length > 0 && this.#rule === undefined && this.#visited.size < mostStates) {
      this.#advance();
    }
    return {
      states: this.#visited.size,
      steps: this.#steps,
      ends: this.#ends,
      longest: this.#longest,
      isComplete: this.#stack.length === 0,
      outcomes: this.#outcomes,
      localStates: this.#worlds.counts(),
      finding:
        this.#rule === undefined ? undefined : { rule: this.#rule, history: this.#history() },
    };
  }

  /** Takes the next choice of the world on top of the stack. */
  #advance(): void {
    const frame = this.#stack.at(-1);
    const choice = frame?.choices[frame.next];
    if (frame === undefined || choice === undefined) {
      const left = this.#stack.pop();
      if (left !== undefined) this.#onStack.delete(fingerprint(left.world).join());
      return;
    }
    frame.next++;
    const world = this.#try(frame.world, choice);
    if (world !== undefined) this.#enter(world);
  }

  #try(before: World, choice: Choice): World | undefined {
    this.#steps++;
    try {
      return apply(this.#worlds, before, choice);
    } catch (error) {
      if (!(error instanceof OnlysumError)) throw error;
      this.#rule = `a machine threw: ${error.message}`;
      return undefined;
    }
  }

  #enter(world: World): void {
    if (!this.#visited.add(world)) {
      // No budget goes down in a circle, so nothing but ordinary moves can be in it.
      if (this.#onStack.has(fingerprint(world).join())) this.#rule = 'a circle without an end';
      return;
    }
    const { faults, adversary } = this.options;
    this.#rule = brokenRule(this.#worlds, world);
    const found = choices(this.#worlds, world, faults, adversary);
    if (!found.some(({ cost }) => cost === 0)) this.#end(world);
    this.#onStack.add(fingerprint(world).join());
    this.#stack.push({ world, choices: found, next: 0 });
    this.#longest = Math.max(this.#longest, this.#stack.length - 1);
  }

  #end(world: World): void {
    this.#ends++;
    this.#rule ??= brokenEnd(this.#worlds, world, this.options.adversary);
    this.#count(`round ${this.#worlds.coordinator(world).outcome ?? 'open'}`);
    for (let i = 0; i < this.#worlds.devices; i++) {
      this.#count(`device ${this.#worlds.device(world, i).seen.outcome ?? 'crashed'}`);
    }
  }

  #count(outcome: string): void {
    this.#outcomes.set(outcome, (this.#outcomes.get(outcome) ?? 0) + 1);
  }

  #history(): Action[] {
    return this.#stack.flatMap(({ choices: taken, next }) => {
      const choice = taken[next - 1];
      return choice === undefined ? [] : [choice.action];
    });
  }
}
