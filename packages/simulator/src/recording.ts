/**
 * A seeded round with everything that somebody needs to play one of its parties again, against shipped
 * code: what each device sent and was sent, what the registrar answered, and the keys behind it.
 * Knows: messages and where secrets come from. Doesn't know: sockets, clocks.
 * Invariant: the devices' own code made every message (nothing here is of use outside research).
 */
import { RoundError } from '@onlysum/crypto';
import {
  type Certificate,
  type DeviceParams,
  type RegistrarResponse,
  type RoundResult,
  decodeFrame,
  encodeResponse,
  hello,
  offer,
} from '@onlysum/protocol';
import { deviceRandomness } from './device-randomness.js';
import { type FleetOptions, type FleetPlan, planFleet } from './fleet-plan.js';
import type { RoundObserver } from './observer.js';
import type { SimulatedMessage } from './round-options.js';
import { simulateRound } from './round.js';

/** Of one device; index in the roster. */
export interface RecordedDevice {
  /** Who it is in the simulation: its input and its randomness are that device's. */
  readonly number: number;
  readonly pseudonymSeed: Uint8Array;
  readonly certificate: Certificate;
  /** One number per lane. */
  readonly input: Uint32Array;
  /** What it sent, in order, Hello first. */
  readonly up: readonly Uint8Array[];
  /** What it was sent, in order, Challenge first. */
  readonly down: readonly Uint8Array[];
}

export interface Recording {
  readonly options: Omit<FleetOptions, 'suite'>;
  readonly plan: Pick<FleetPlan, 'parameters' | 'assumptions'> & {
    readonly task: FleetPlan['round']['synthetic'];
    readonly floor: FleetPlan['round']['floor'];
  };
  /** When the round took place, Unix ms: in its window. */
  readonly nowMs: number;
  /** Round id, 16 bytes. */
  readonly round: Uint8Array;
  /** By roster index. */
  readonly devices: readonly RecordedDevice[];
  /** Encoded answers of the registrar: announcement, roster, U2, U3. */
  readonly answers: readonly Uint8Array[];
  readonly result: RoundResult;
}

/** @throws {UsageError} `flag-invalid`; {RoundError} `simulation-failed` if the round does not open. */
export function recordFleet({ suite, ...options }: FleetOptions): Recording {
  const plan = planFleet({ suite, ...options });
  const tape = new Tape(options.devices);
  const { outcome, seats } = simulateRound({ ...plan.round, observer: tape });
  if (outcome.kind !== 'result') {
    throw new RoundError('simulation-failed', 'the round to be recorded did not open');
  }
  const devices = seats.map((number): RecordedDevice => {
    const { up, down } = tape.of(number);
    const [pseudonymSeed] = deviceRandomness(options.seed, number);
    const { certificate } = hello.parse(decodeFrame(messageAt(up, 0)));
    const input = plan.round.inputs[number] ?? new Uint32Array(0);
    return { number, pseudonymSeed, certificate, input, up, down };
  });
  const { parameters, assumptions, round } = plan;
  const { synthetic: task, floor } = round;
  return {
    options,
    plan: { parameters, assumptions, task, floor },
    nowMs: tape.startMs,
    round: offer.parse(decodeFrame(messageAt(devices[0]?.down ?? [], 1))).round,
    devices,
    answers: tape.answers,
    result: outcome.result,
  };
}

/** Of a recorded device, as its machine takes them. */
export function recordedParams(
  { plan }: Pick<Recording, 'plan'>,
  { pseudonymSeed, certificate }: RecordedDevice,
): DeviceParams {
  const { task } = plan.task;
  return { task, floor: plan.floor, pseudonymSeed, certificate, incarnation: 0 };
}

class Tape implements RoundObserver {
  startMs = 0;
  readonly answers: Uint8Array[] = [];
  readonly #messages: { up: Uint8Array[]; down: Uint8Array[] }[];

  constructor(devices: number) {
    this.#messages = Array.from({ length: devices }, () => ({ up: [], down: [] }));
  }

  work<T>(_party: unknown, _stage: unknown, run: () => T): T {
    return run();
  }

  message({ atMs, device, direction, bytes }: SimulatedMessage): void {
    if (this.startMs === 0) this.startMs = atMs;
    this.of(device)[direction].push(bytes.slice());
  }

  answer(response: RegistrarResponse): void {
    this.answers.push(encodeResponse(response));
  }

  of(device: number): { up: Uint8Array[]; down: Uint8Array[] } {
    const messages = this.#messages[device];
    if (messages === undefined) throw new RangeError(`no device ${device}`);
    return messages;
  }
}

function messageAt(messages: readonly Uint8Array[], at: number): Uint8Array {
  const bytes = messages[at];
  if (bytes === undefined) throw new RangeError(`no message ${at} is on the tape`);
  return bytes;
}
