/**
 * Watching a simulated round from outside: what each party does, and what goes over the wire.
 * Knows: when. Doesn't know: any clock; an observer that measures time brings its own.
 */
import type { CoordinatorStage, RegistrarResponse } from '@onlysum/protocol';
import type { SimulatedMessage } from './round-options.js';

/** Before the round devices enrol; from then on the stage is the coordinator's. */
export type RoundStage = 'enrolling' | CoordinatorStage;

/** A device is its number. */
export type Party = number | 'coordinator' | 'registrar';

export interface RoundObserver {
  /**
   * Runs one synchronous piece of a party's work; pieces never nest.
   *
   * @param stage - the one in which it begins.
   * @param run - to be called exactly once.
   * @returns what `run` returned; what it throws goes through.
   */
  work<T>(party: Party, stage: RoundStage, run: () => T): T;
  /** @param message - its bytes are borrowed for the call. */
  message(message: SimulatedMessage, stage: RoundStage): void;
  /** What the registrar told the coordinator. */
  answer?(response: RegistrarResponse): void;
}
