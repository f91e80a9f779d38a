/** The shipped device machine and what its host does around it. Doesn't know: how its messages travel. */
import { type Rng, runDerive } from '@onlysum/crypto';
import {
  type DeviceEffect,
  type DeviceEvent,
  type DeviceOutcome,
  type DeviceParams,
  type DeviceState,
  startDevice,
  stepDevice,
} from '@onlysum/protocol';
import type { EnrolledDevice } from './simulated-registrar.js';
import type { World } from './world.js';

/** What a device does to its connection. */
interface Line {
  send(bytes: Uint8Array): void;
  hangUp(): void;
}

export class SimulatedDevice {
  /** A device that is not takes no further step. */
  isAlive = true;
  outcome: DeviceOutcome | undefined;
  readonly #params: DeviceParams;
  #state: DeviceState = startDevice();
  #timer = 0;

  constructor(
    private readonly world: World,
    private readonly number: number,
    private readonly rng: Rng,
    enrolled: EnrolledDevice,
    private readonly line: Line,
  ) {
    const { deviceTask, synthetic, floor, knownIncarnation } = world.options;
    this.#params = {
      task: deviceTask ?? synthetic.task,
      floor,
      ...enrolled,
      incarnation: knownIncarnation ?? 0,
    };
  }

  step(event: DeviceEvent): void {
    if (!this.isAlive) return;
    const [state, effects] = this.world.work(this.number, () =>
      stepDevice(this.#state, event, this.#params, this.world.context(this.rng)),
    );
    this.#state = state;
    for (const effect of effects) this.#perform(effect);
  }

  #perform(effect: DeviceEffect): void {
    if (!this.isAlive) return;
    const { options, schedule } = this.world;
    switch (effect.kind) {
      case 'send':
        return this.line.send(effect.bytes);
      case 'derive': {
        const results = this.world.work(this.number, () => runDerive(options.suite, effect.batch));
        return this.step({ kind: 'derived', results });
      }
      case 'draw-noise': {
        const drawn = options.noise?.(this.number, effect.honest, this.rng) ?? new Int32Array(0);
        return this.step({ kind: 'noise', lanes: drawn });
      }
      case 'need-input': {
        const lanes = options.inputs[this.number]?.slice() ?? new Uint32Array(0);
        return this.step({ kind: 'input', lanes });
      }
      case 'persist': {
        const outcome = options.reservation?.(this.number, effect.reservation) ?? 'reserved';
        return this.step({ kind: 'persisted', outcome });
      }
      case 'timer': {
        const timer = ++this.#timer;
        return schedule.in(effect.inMs, () => {
          if (timer === this.#timer) this.step({ kind: 'deadline' });
        });
      }
      case 'finish':
        this.outcome = effect.outcome;
        this.#timer++;
        return this.line.hangUp();
      case 'reconnect':
      case 'progress':
        return;
    }
  }
}
