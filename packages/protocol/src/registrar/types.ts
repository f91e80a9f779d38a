/** What the registrar machine is given: its key, its tasks, and how it refuses. */
import type { Suite } from '@onlysum/crypto';
import type { Task } from '@onlysum/task';
import { RoundError } from '@onlysum/crypto';
import type { MachineContext } from '../device/types.js';

export interface RegistrarParams {
  /** Ed25519 seed of the registrar; borrowed. */
  readonly seed: Uint8Array;
  readonly publicKey: Uint8Array;
  /** Length of an epoch; every task served here has the same. */
  readonly epochLengthMs: number;
  /** Tasks it attests for, by hex task id. */
  readonly tasks: ReadonlyMap<string, Task>;
}

export type { MachineContext };

/** Why a member of a roster is refused; it is named so that the others can go on. */
export interface RefusedMember {
  readonly index: number;
  readonly code: string;
}

/** Thrown inside a transaction, so that nothing of a refused request is kept. */
export class RefusedRequest extends RoundError {
  readonly members: readonly RefusedMember[];

  constructor(code: string, detail: string, members: readonly RefusedMember[] = []) {
    super(code, detail);
    this.members = members;
  }
}

export function sign(suite: Suite, params: RegistrarParams, statement: Uint8Array): Uint8Array {
  return suite.ed25519Sign(params.seed, statement);
}
