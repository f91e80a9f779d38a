/**
 * One round of an in-process fleet: the shipped machines of devices, coordinator and registrar on a
 * seeded network in virtual time. The same options give the same round, byte for byte.
 */
import { decodeFrame } from '@onlysum/protocol';
import { windowAt } from '@onlysum/task';
import { deviceRandomness } from './device-randomness.js';
import {
  DEVICE_MESSAGES,
  type Interruption,
  type Kill,
  type RoundOptions,
  type SimulatedRound,
} from './round-options.js';
import { SimulatedCoordinator } from './simulated-coordinator.js';
import { SimulatedDevice } from './simulated-device.js';
import { SimulatedRegistrar } from './simulated-registrar.js';
import { World } from './world.js';

const MOST_STEPS = 5_000_000;

export function simulateRound(options: RoundOptions): SimulatedRound {
  return new Simulation(options).run();
}

/** A device, the number of its present connection, and what is to go wrong with it. */
interface Seat {
  readonly device: SimulatedDevice;
  connection: number;
  readonly kills: readonly Kill[];
  readonly interruptions: Set<Interruption>;
}

/** Knows: connections, and what happens to them. */
class Simulation {
  readonly #world: World;
  readonly #seats: Seat[];
  readonly #coordinator: SimulatedCoordinator;
  /** By the coordinator's number of a connection. */
  readonly #deviceOf = new Map<number, number>();
  #nextConnection: number;

  constructor(private readonly options: RoundOptions) {
    const world = new World(options);
    this.#world = world;
    const registrar = new SimulatedRegistrar(world);
    const isLate = (i: number): boolean => options.enrolledLate?.includes(i) ?? false;
    const numbers = options.inputs.map((_, i) => i);
    const seats = new Map<number, Seat>();
    const take = (i: number): void => void seats.set(i, this.#enrolDevice(i, registrar));
    for (const i of numbers) if (!isLate(i)) take(i);
    const { task } = options.synthetic;
    const window = windowAt(task.manifest, world.schedule.nowMs);
    world.stage = 'gathering';
    const announcement = registrar.announce(task.taskId, window.index);
    for (const i of numbers) if (isLate(i)) take(i);
    this.#seats = numbers.flatMap((i) => seats.get(i) ?? []);
    for (const i of numbers) this.#deviceOf.set(i, i);
    this.#nextConnection = numbers.length;
    const opening = { window, announcement };
    this.#coordinator = new SimulatedCoordinator(world, registrar, opening, (connection, bytes) => {
      const i = this.#deviceOf.get(connection);
      if (i !== undefined && this.#seat(i).connection === connection) this.#down(i, bytes);
    });
  }

  run(): SimulatedRound {
    const { schedule, transcript } = this.#world;
    this.#seats.forEach((_, i) => {
      const { late } = this.options;
      const delayMs = late !== undefined && i >= late.from ? late.delayMs : 0;
      schedule.in(delayMs, () => this.#down(i, this.#coordinator.greet(i)));
    });
    schedule.run(MOST_STEPS);
    return {
      outcome: this.#coordinator.outcome,
      seats: this.#coordinator.seatedConnections.map((at) => this.#deviceOf.get(at) ?? at),
      devices: this.#seats.map(({ device }) => device.outcome),
      transcript,
    };
  }

  #enrolDevice(i: number, registrar: SimulatedRegistrar): Seat {
    const { seed, kills, interruptions = [] } = this.options;
    const [pseudonymSeed, rng] = deviceRandomness(seed, i);
    const enrolled = registrar.enrol(i, pseudonymSeed);
    const device = new SimulatedDevice(this.#world, i, rng, enrolled, {
      send: (bytes) => this.#up(i, bytes),
      hangUp: () => this.#hangUp(i),
    });
    return {
      device,
      connection: i,
      kills: kills.filter((kill) => kill.device === i),
      interruptions: new Set(interruptions.filter((each) => each.device === i)),
    };
  }

  #seat(i: number): Seat {
    const seat = this.#seats[i];
    if (seat === undefined) throw new RangeError(`no device ${i}`);
    return seat;
  }

  #up(i: number, bytes: Uint8Array): void {
    const { connection, kills, interruptions } = this.#seat(i);
    const isDue = ({ message }: Kill | Interruption): boolean =>
      DEVICE_MESSAGES[message] === decodeFrame(bytes)[0];
    const kill = kills.find(isDue);
    if (kill?.when === 'before') return this.#kill(i, kill);
    const interruption = [...interruptions].find(isDue);
    if (interruption?.when === 'before') return this.#interrupt(i, interruption);
    this.#carry(i, 'up', bytes, (carried) => this.#coordinator.receive(i, connection, carried));
    if (interruption !== undefined) this.#interrupt(i, interruption);
    if (kill !== undefined) this.#kill(i, kill);
  }

  /** The connection breaks now; the device is back on another one after a while. */
  #interrupt(i: number, interruption: Interruption): void {
    const { schedule } = this.#world;
    const seat = this.#seat(i);
    const { device } = seat;
    seat.interruptions.delete(interruption);
    this.#hangUp(i);
    schedule.in(0, () => device.step({ kind: 'disconnected' }));
    schedule.in(interruption.returnsInMs, () => {
      if (!device.isAlive || device.outcome !== undefined) return;
      seat.connection = this.#nextConnection++;
      this.#deviceOf.set(seat.connection, i);
      this.#down(i, this.#coordinator.greet(i));
    });
  }

  #down(i: number, bytes: Uint8Array): void {
    const { connection, device } = this.#seat(i);
    this.#carry(i, 'down', bytes, (carried) => {
      // What was on its way when the connection broke never arrives.
      if (this.#seat(i).connection !== connection) return;
      device.step({ kind: 'message', bytes: carried });
    });
  }

  #carry(
    device: number,
    direction: 'up' | 'down',
    bytes: Uint8Array,
    deliver: (bytes: Uint8Array) => void,
  ): void {
    const world = this.#world;
    const message = { atMs: world.schedule.nowMs, device, direction, bytes };
    for (const carried of this.options.intercept?.(message) ?? [bytes]) {
      world.record({ ...message, bytes: carried });
      world.network.carry(`${direction}/${device}`, () => deliver(carried));
    }
  }

  #kill(i: number, kill: Kill): void {
    this.#seat(i).device.isAlive = false;
    if (kill.noticed) this.#hangUp(i);
  }

  #hangUp(i: number): void {
    // What was sent before is still on its way: the end of a connection overtakes nothing.
    const { connection } = this.#seat(i);
    this.#world.schedule.in(this.options.faults.mostDelayMs + 1, () =>
      this.#coordinator.lose(i, connection),
    );
  }
}
