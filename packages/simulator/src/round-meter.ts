/**
 * What a round costs, stage by stage: milliseconds of each party, bytes of each device.
 * Knows: who worked when. Doesn't know: any clock of its own, or what the work is.
 * Invariant: work counts in the stage in which it begins, a message in the stage in which it is sent.
 */
import { type Suite, concatBytes, toHex } from '@onlysum/crypto';
import type { Party, RoundObserver, RoundStage } from './observer.js';
import type { SimulatedMessage } from './round-options.js';

/** One quantity over the devices of a stage. */
export interface PerDevice {
  /** Of the devices that had work in the stage. */
  readonly median: number;
  readonly total: number;
}

export interface Cost {
  /** Devices that had work. */
  readonly devices: number;
  readonly deviceMs: PerDevice;
  readonly coordinatorMs: number;
  readonly registrarMs: number;
  /** Bytes of messages, without those of WebSocket, TLS and IP. */
  readonly bytesUp: PerDevice;
  readonly bytesDown: PerDevice;
}

export interface StageCost extends Cost {
  readonly stage: RoundStage;
}

/** How far a stage has come. */
export interface StageProgress {
  readonly stage: RoundStage;
  /** Devices that have had work in it. */
  readonly devices: number;
}

class Tally {
  readonly #deviceMs: Float64Array;
  readonly #bytesUp: Float64Array;
  readonly #bytesDown: Float64Array;
  readonly #worked: Uint8Array;
  coordinatorMs = 0;
  registrarMs = 0;
  devices = 0;

  constructor(devices: number) {
    this.#deviceMs = new Float64Array(devices);
    this.#bytesUp = new Float64Array(devices);
    this.#bytesDown = new Float64Array(devices);
    this.#worked = new Uint8Array(devices);
  }

  addWork(device: number, ms: number): void {
    bump(this.#deviceMs, device, ms);
    if (this.#worked[device] === 1) return;
    this.#worked[device] = 1;
    this.devices++;
  }

  addMessage({ device, direction, bytes }: SimulatedMessage): void {
    bump(direction === 'up' ? this.#bytesUp : this.#bytesDown, device, bytes.length);
  }

  add(other: Tally): void {
    this.coordinatorMs += other.coordinatorMs;
    this.registrarMs += other.registrarMs;
    for (let device = 0; device < this.#worked.length; device++) {
      if (other.#worked[device] === 1) this.addWork(device, other.#deviceMs[device] ?? 0);
      bump(this.#bytesUp, device, other.#bytesUp[device] ?? 0);
      bump(this.#bytesDown, device, other.#bytesDown[device] ?? 0);
    }
  }

  cost(): Cost {
    const { devices, coordinatorMs, registrarMs } = this;
    return {
      devices,
      deviceMs: this.#over(this.#deviceMs),
      coordinatorMs,
      registrarMs,
      bytesUp: this.#over(this.#bytesUp),
      bytesDown: this.#over(this.#bytesDown),
    };
  }

  #over(quantity: Float64Array): PerDevice {
    const ofWorkers = quantity.filter((_, device) => this.#worked[device] === 1);
    return { median: median(ofWorkers), total: quantity.reduce((sum, each) => sum + each, 0) };
  }
}

export class RoundMeter implements RoundObserver {
  /** In the order in which the stages began. */
  readonly #tallies = new Map<RoundStage, Tally>();
  #digest = new Uint8Array(32);

  /**
   * @param devices - how many there are.
   * @param clock - milliseconds, monotonic.
   * @param onProgress - told before each piece of work.
   */
  constructor(
    private readonly devices: number,
    private readonly suite: Suite,
    private readonly clock: () => number,
    private readonly onProgress: (progress: StageProgress) => void = () => undefined,
  ) {}

  work<T>(party: Party, stage: RoundStage, run: () => T): T {
    const tally = this.#tally(stage);
    this.onProgress({ stage, devices: tally.devices });
    const startMs = this.clock();
    try {
      return run();
    } finally {
      const ms = this.clock() - startMs;
      if (party === 'coordinator') tally.coordinatorMs += ms;
      else if (party === 'registrar') tally.registrarMs += ms;
      else tally.addWork(party, ms);
    }
  }

  message(message: SimulatedMessage, stage: RoundStage): void {
    this.#tally(stage).addMessage(message);
    const { device, direction, bytes } = message;
    const header = new DataView(new ArrayBuffer(9));
    header.setUint8(0, direction === 'up' ? 1 : 0);
    header.setUint32(1, device);
    header.setUint32(5, bytes.length);
    const chained = concatBytes(this.#digest, new Uint8Array(header.buffer), bytes);
    this.#digest = Uint8Array.from(this.suite.sha256(chained));
  }

  /** A digest of every message in its order: rounds that agree in it carried the same bytes. */
  transcript(): string {
    return toHex(this.#digest);
  }

  /** The stages of the round in their order; enrolment is before it. */
  stages(): StageCost[] {
    return [...this.#ofRound()].map(([stage, tally]) => ({ stage, ...tally.cost() }));
  }

  round(): Cost {
    const sum = new Tally(this.devices);
    for (const [, tally] of this.#ofRound()) sum.add(tally);
    return sum.cost();
  }

  #ofRound(): [RoundStage, Tally][] {
    return [...this.#tallies].filter(([stage]) => stage !== 'enrolling');
  }

  #tally(stage: RoundStage): Tally {
    const known = this.#tallies.get(stage);
    if (known !== undefined) return known;
    const tally = new Tally(this.devices);
    this.#tallies.set(stage, tally);
    return tally;
  }
}

function bump(quantity: Float64Array, device: number, by: number): void {
  quantity[device] = (quantity[device] ?? 0) + by;
}

/** 0 of nothing; the lower one of two in the middle, so that it is some device's own. */
function median(values: Float64Array): number {
  return values.toSorted()[(values.length - 1) >> 1] ?? 0;
}
