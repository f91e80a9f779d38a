/** What the parties of one simulated round share: virtual time, the network, whoever watches. */
import { type Rng, unsafeSeededRng } from '@onlysum/crypto';
import type { MachineContext } from '@onlysum/protocol';
import { Network } from './network.js';
import type { Party, RoundStage } from './observer.js';
import type { RoundOptions, SimulatedMessage } from './round-options.js';
import { Schedule } from './schedule.js';
import { SIMULATED_EPOCH_MS } from './synthetic-task.js';

/** An arbitrary moment a little after a window opened. */
const START_MS = 100 * SIMULATED_EPOCH_MS + 1000;

export class World {
  readonly schedule = new Schedule(START_MS);
  readonly network: Network;
  /** Of coordinator and registrar. */
  readonly serverRng: Rng;
  readonly transcript: SimulatedMessage[] = [];
  stage: RoundStage = 'enrolling';

  constructor(readonly options: RoundOptions) {
    const { seed, faults } = options;
    this.network = new Network(this.schedule, faults, unsafeSeededRng(`${seed}/network`));
    this.serverRng = unsafeSeededRng(`${seed}/server`);
  }

  context(rng = this.serverRng): MachineContext {
    return { suite: this.options.suite, rng, nowMs: this.schedule.nowMs };
  }

  work<T>(party: Party, run: () => T): T {
    const { observer } = this.options;
    return observer === undefined ? run() : observer.work(party, this.stage, run);
  }

  record(message: SimulatedMessage): void {
    const { observer } = this.options;
    if (observer === undefined) this.transcript.push(message);
    else observer.message(message, this.stage);
  }
}
