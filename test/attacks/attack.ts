/** What an attack is, and how one that was stopped says so. */
import type { Build, LoadedBuild, Weakening } from './weakened-build.js';

export interface Attack {
  readonly name: string;
  /** The row of the table in docs/threat-model.md. */
  readonly designRow: string;
  /** The check that is removed for the positive control, in words. */
  readonly stoppedBy: string;
  /** The code it is refused with; absent where nobody notices, and the attacker gets nothing of use. */
  readonly refusal?: string;
  readonly weaken: Weakening | readonly Weakening[];
  run(build: Build, url: LoadedBuild['url']): Outcome | Promise<Outcome>;
}

export interface Outcome {
  readonly succeeded: boolean;
  /** What the attacker got, or did not get. */
  readonly detail: string;
  /** What the side that stopped it said: `code: message`. */
  readonly error?: string;
}

/** Thrown inside an attack by whoever refuses to go on. */
export class Stopped extends Error {
  constructor(code: string, message: string) {
    super(`${code}: ${message}`);
  }
}

/** Whether it was stopped, and for the reason it should be. */
export function isStopped({ refusal }: Attack, { succeeded, error }: Outcome): boolean {
  if (succeeded) return false;
  return refusal === undefined ? error === undefined : error?.startsWith(`${refusal}: `) === true;
}

export async function tryAttack(attack: Attack, loaded: LoadedBuild): Promise<Outcome> {
  try {
    return await attack.run(loaded.build, loaded.url);
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
    return { succeeded: false, detail: 'refused', error: error.message };
  }
}

/** Whether the attacker holds exactly what the device had put in, and nothing less. */
export function recovered(lanes: Uint32Array | undefined, input: Uint32Array): Outcome {
  const same =
    lanes !== undefined &&
    lanes.length === input.length &&
    lanes.every((lane, j) => lane === input[j]);
  return same
    ? { succeeded: true, detail: `the victim's input, exactly: ${[...input].join(' ')}` }
    : { succeeded: false, detail: 'what it computes is not the input of the victim' };
}
