/**
 * One round of an in-process fleet: the shipped machines of devices, coordinator and registrar on a
 * seeded network in virtual time. The same options give the same round, byte for byte.
 */
import { OnlysumError, type Suite, runDerive, toHex, unsafeSeededRng } from '@onlysum/crypto';
import {
  type AbortCode,
  type CoordinatorEffect,
  type CoordinatorEvent,
  type CoordinatorState,
  DEFAULT_DURATIONS,
  DEFAULT_UPLOAD_CREDITS,
  type DeviceEffect,
  type DeviceEvent,
  type DeviceOutcome,
  type DeviceParams,
  type DeviceState,
  MemoryLedger,
  type RegistrarParams,
  type RegistrarRequest,
  type RegistrarResponse,
  type Reservation,
  type ReservationOutcome,
  type RoundParams,
  type RoundResult,
  type UnsignedRequest,
  admit,
  answerRequest,
  checkHello,
  checkRequest,
  decodeFrame,
  dropped,
  enrol,
  enrolChecks,
  enrolmentStatement,
  advertiseKeys,
  hello,
  maskedInput,
  revealShares,
  shareKeys,
  unmasking,
  uploadRequest,
  isDropCode,
  makeChallenge,
  makeCodes,
  newIncarnation,
  openSum,
  refusal,
  requestSigning,
  resume,
  startDevice,
  startRound,
  stepCoordinator,
  stepDevice,
} from '@onlysum/protocol';
import { type PolicyFloor, type Task, windowAt } from '@onlysum/task';
import { Network, type NetworkFaults } from './network.js';
import { Schedule } from './schedule.js';
import { SIMULATED_EPOCH_MS, type SyntheticTask } from './synthetic-task.js';

/** Where a device is killed: before or after it sends its `message`. Types as in docs/protocol.md. */
export interface Kill {
  readonly device: number;
  readonly when: 'before' | 'after';
  readonly message: DeviceMessage;
  /** Whether the coordinator notices that the connection is gone, or only that nothing comes. */
  readonly noticed: boolean;
}

/** A connection that breaks at a message, and the device that comes back on another one. */
export interface Interruption {
  readonly device: number;
  /** `before`: the message is lost with the connection; `after`: it arrives, its effect does not come back. */
  readonly when: 'before' | 'after';
  readonly message: DeviceMessage;
  readonly returnsInMs: number;
}

export const DEVICE_MESSAGES = {
  Hello: hello.type,
  Resume: resume.type,
  AdvertiseKeys: advertiseKeys.type,
  ShareKeys: shareKeys.type,
  UploadRequest: uploadRequest.type,
  MaskedInput: maskedInput.type,
  Unmasking: unmasking.type,
  RevealShares: revealShares.type,
} as const;
export type DeviceMessage = keyof typeof DEVICE_MESSAGES;

export interface RoundOptions {
  readonly seed: string;
  readonly suite: Suite;
  readonly synthetic: SyntheticTask;
  readonly floor: PolicyFloor;
  /** Input of each device, one number per lane, within the bounds; copied. */
  readonly inputs: readonly Uint32Array[];
  readonly kills: readonly Kill[];
  readonly faults: NetworkFaults;
  readonly interruptions?: readonly Interruption[];
  /** Masked inputs in flight at a time; default as the coordinator's. */
  readonly uploadCredits?: number;
  readonly unmasking?: RoundParams['unmasking'];
  /** Somebody on the path: what is carried instead of a message, nothing or several. */
  readonly intercept?: (message: SimulatedMessage) => readonly Uint8Array[];
  /** What each device's durable store answers; `reserved` unless told otherwise. */
  readonly reservation?: (device: number, reservation: Reservation) => ReservationOutcome;
  /** Devices numbered `from` and above connect this much later than the others. */
  readonly late?: { readonly from: number; readonly delayMs: number };
  /** The task as devices know it, where it differs from that of coordinator and registrar. */
  readonly deviceTask?: Task;
  /** Devices that enrol only after the registrar has frozen the window. */
  readonly enrolledLate?: readonly number[];
  /** The highest incarnation every device has met before. */
  readonly knownIncarnation?: number;
}

export interface SimulatedMessage {
  readonly atMs: number;
  readonly device: number;
  readonly direction: 'up' | 'down';
  readonly bytes: Uint8Array;
}

export interface SimulatedRound {
  readonly outcome:
    | { readonly kind: 'result'; readonly result: RoundResult }
    | { readonly kind: 'abort'; readonly code: AbortCode; readonly detail: string }
    /** Nobody is left to end it: only possible if the simulation stops early. */
    | { readonly kind: 'unfinished' };
  /** Which device sits at each roster index; from the order in which they advertised. */
  readonly seats: readonly number[];
  /** How each device ended; undefined if it was killed. */
  readonly devices: readonly (DeviceOutcome | undefined)[];
  /** Everything that was put on the wire, in order. */
  readonly transcript: readonly SimulatedMessage[];
}

/** An arbitrary moment a little after a window opened. */
const START_MS = 100 * SIMULATED_EPOCH_MS + 1000;
const MOST_STEPS = 5_000_000;

export function simulateRound(options: RoundOptions): SimulatedRound {
  return new Simulation(options).run();
}

interface SimulatedDevice {
  state: DeviceState;
  readonly params: DeviceParams;
  readonly rng: ReturnType<typeof unsafeSeededRng>;
  alive: boolean;
  outcome: DeviceOutcome | undefined;
  timer: number;
  challenge: Uint8Array | undefined;
  /** Hex of the Hello that was admitted: the same one again is ignored. */
  hello: string | undefined;
  /** The coordinator's number of its present connection. */
  connection: number;
}

class Simulation {
  readonly #schedule = new Schedule(START_MS);
  readonly #network: Network;
  readonly #ledger = new MemoryLedger();
  readonly #registrar: RegistrarParams;
  readonly #devices: SimulatedDevice[];
  readonly #round: RoundParams;
  readonly #serverRng;
  readonly #transcript: SimulatedMessage[] = [];
  #coordinator: CoordinatorState;
  #seats: number[] = [];
  #outcome: SimulatedRound['outcome'] = { kind: 'unfinished' };
  /** By the coordinator's number of a connection. */
  readonly #deviceOf = new Map<number, number>();
  #nextConnection: number;
  #grantTimer = 0;
  readonly #interrupted = new Set<Interruption>();

  constructor(private readonly options: RoundOptions) {
    const { seed, synthetic } = options;
    const { task, registrarSeed } = synthetic;
    this.#network = new Network(this.#schedule, options.faults, unsafeSeededRng(`${seed}/network`));
    this.#serverRng = unsafeSeededRng(`${seed}/server`);
    this.#registrar = {
      seed: registrarSeed,
      publicKey: task.registrarKey,
      epochLengthMs: SIMULATED_EPOCH_MS,
      tasks: new Map([[toHex(task.taskId), task]]),
    };
    newIncarnation(this.#ledger, this.#context());
    const isLate = (i: number): boolean => options.enrolledLate?.includes(i) ?? false;
    const numbers = options.inputs.map((_, i) => i);
    const early = numbers.filter((i) => !isLate(i)).map((i) => [i, this.#enrolDevice(i)] as const);
    const window = windowAt(task.manifest, this.#schedule.nowMs);
    const answer = this.#ask({ kind: 'window', taskId: task.taskId, window: window.index });
    if (answer.kind !== 'window')
      throw new RangeError(`no announcement: ${JSON.stringify(answer)}`);
    const late = numbers.filter(isLate).map((i) => [i, this.#enrolDevice(i)] as const);
    const devices = new Map([...early, ...late]);
    this.#devices = numbers.flatMap((i) => devices.get(i) ?? []);
    for (const i of numbers) this.#deviceOf.set(i, i);
    this.#nextConnection = numbers.length;
    this.#round = {
      task,
      window,
      announcement: answer.announcement,
      round: this.#serverRng(16),
      durations: DEFAULT_DURATIONS,
      uploadCredits: options.uploadCredits ?? DEFAULT_UPLOAD_CREDITS,
      unmasking: options.unmasking ?? 'direct',
    };
    const [state, effects] = startRound(this.#round, this.#schedule.nowMs);
    this.#coordinator = state;
    for (const effect of effects) this.#perform(effect);
  }

  run(): SimulatedRound {
    this.#devices.forEach((device, i) => {
      const { late } = this.options;
      const delayMs = late !== undefined && i >= late.from ? late.delayMs : 0;
      this.#schedule.in(delayMs, () => {
        const { bytes, challenge } = makeChallenge(this.#context());
        device.challenge = challenge;
        this.#down(i, bytes);
      });
    });
    this.#schedule.run(MOST_STEPS);
    return {
      outcome: this.#outcome,
      seats: this.#seats,
      devices: this.#devices.map((device) => device.outcome),
      transcript: this.#transcript,
    };
  }

  #context(rng = this.#serverRng) {
    return { suite: this.options.suite, rng, nowMs: this.#schedule.nowMs };
  }

  #enrolDevice(i: number): SimulatedDevice {
    const { suite, synthetic, floor, knownIncarnation: incarnation = 0 } = this.options;
    const rng = unsafeSeededRng(`${this.options.seed}/device/${i}`);
    const pseudonymSeed = rng(32);
    const pseudonym = suite.ed25519PublicKey(pseudonymSeed);
    const [code = ''] = makeCodes(this.#ledger, 1, 1000, this.#context());
    const statement = enrolmentStatement(this.#registrar.publicKey, code, pseudonym);
    const request = { code, pseudonym, proof: suite.ed25519Sign(pseudonymSeed, statement) };
    const results = runDerive(suite, enrolChecks(request, this.#registrar));
    const certificate = enrol(this.#ledger, request, results, this.#registrar, this.#context());
    return {
      state: startDevice(),
      params: {
        task: this.options.deviceTask ?? synthetic.task,
        floor,
        pseudonymSeed,
        certificate,
        incarnation,
      },
      rng,
      alive: true,
      outcome: undefined,
      timer: 0,
      challenge: undefined,
      hello: undefined,
      connection: i,
    };
  }

  #device(i: number): SimulatedDevice {
    const device = this.#devices[i];
    if (device === undefined) throw new RangeError(`no device ${i}`);
    return device;
  }

  #stepDevice(i: number, event: DeviceEvent): void {
    const device = this.#device(i);
    if (!device.alive) return;
    const context = this.#context(device.rng);
    const [state, effects] = stepDevice(device.state, event, device.params, context);
    device.state = state;
    for (const effect of effects) this.#performForDevice(i, effect);
  }

  #performForDevice(i: number, effect: DeviceEffect): void {
    const device = this.#device(i);
    if (!device.alive) return;
    switch (effect.kind) {
      case 'send':
        return this.#up(i, effect.bytes);
      case 'derive': {
        const results = runDerive(this.options.suite, effect.batch);
        return this.#stepDevice(i, { kind: 'derived', results });
      }
      case 'need-input': {
        const lanes = this.options.inputs[i]?.slice() ?? new Uint32Array(0);
        return this.#stepDevice(i, { kind: 'input', lanes });
      }
      case 'persist': {
        const outcome = this.options.reservation?.(i, effect.reservation) ?? 'reserved';
        return this.#stepDevice(i, { kind: 'persisted', outcome });
      }
      case 'timer': {
        const timer = ++device.timer;
        return this.#schedule.in(effect.inMs, () => {
          if (timer === device.timer) this.#stepDevice(i, { kind: 'deadline' });
        });
      }
      case 'finish':
        device.outcome = effect.outcome;
        device.timer++;
        return this.#hangUp(i);
      case 'reconnect':
      case 'progress':
        return;
    }
  }

  #up(i: number, bytes: Uint8Array): void {
    const type = Number(decodeFrame(bytes)[0]);
    const kill = this.options.kills.find(
      ({ device, message }) => device === i && DEVICE_MESSAGES[message] === type,
    );
    if (kill?.when === 'before') return this.#kill(i, kill);
    const interruption = this.options.interruptions?.find(
      (each) =>
        each.device === i && DEVICE_MESSAGES[each.message] === type && !this.#interrupted.has(each),
    );
    if (interruption?.when === 'before') return this.#interrupt(i, interruption);
    const { connection } = this.#device(i);
    this.#carry(i, 'up', bytes, (carried) => this.#arrive(i, carried, connection));
    if (interruption !== undefined) this.#interrupt(i, interruption);
    if (kill !== undefined) this.#kill(i, kill);
  }

  /** The connection breaks now; the device is back on another one after a while. */
  #interrupt(i: number, interruption: Interruption): void {
    this.#interrupted.add(interruption);
    const device = this.#device(i);
    this.#hangUp(i);
    this.#schedule.in(0, () => this.#stepDevice(i, { kind: 'disconnected' }));
    this.#schedule.in(interruption.returnsInMs, () => {
      if (!device.alive || device.outcome !== undefined) return;
      device.connection = this.#nextConnection++;
      this.#deviceOf.set(device.connection, i);
      const { bytes, challenge } = makeChallenge(this.#context());
      device.challenge = challenge;
      this.#down(i, bytes);
    });
  }

  #down(i: number, bytes: Uint8Array): void {
    const { connection } = this.#device(i);
    this.#carry(i, 'down', bytes, (carried) => {
      // What was on its way when the connection broke never arrives.
      if (this.#device(i).connection !== connection) return;
      this.#stepDevice(i, { kind: 'message', bytes: carried });
    });
  }

  #carry(
    device: number,
    direction: 'up' | 'down',
    bytes: Uint8Array,
    deliver: (bytes: Uint8Array) => void,
  ): void {
    const message = { atMs: this.#schedule.nowMs, device, direction, bytes };
    for (const carried of this.options.intercept?.(message) ?? [bytes]) {
      this.#transcript.push({ ...message, bytes: carried });
      this.#network.carry(`${direction}/${device}`, () => deliver(carried));
    }
  }

  #kill(i: number, kill: Kill): void {
    this.#device(i).alive = false;
    if (kill.noticed) this.#hangUp(i);
  }

  #hangUp(i: number): void {
    // What was sent before is still on its way: the end of a connection overtakes nothing.
    const { connection } = this.#device(i);
    this.#schedule.in(this.options.faults.mostDelayMs + 1, () => {
      if (this.#device(i).hello === undefined) return;
      this.#stepCoordinator({ kind: 'left', device: connection, code: 'connection-lost' });
    });
  }

  #arrive(i: number, bytes: Uint8Array, connection: number): void {
    const device = this.#device(i);
    if (device.hello === toHex(bytes)) return;
    if (device.hello !== undefined && messageType(bytes) === resume.type) {
      const { token } = resume.parse(decodeFrame(bytes));
      return this.#stepCoordinator({ kind: 'resume', device: connection, token });
    }
    if (device.hello !== undefined) {
      return this.#stepCoordinator({ kind: 'message', device: connection, bytes });
    }
    if (device.challenge === undefined || this.#coordinator.stage !== 'gathering') return;
    const { task } = this.options.synthetic;
    const tasks = new Map([[toHex(task.taskId), task]]);
    try {
      const check = checkHello(bytes, device.challenge, tasks, this.#schedule.nowMs);
      admit(runDerive(this.options.suite, check.batch));
      device.hello = toHex(bytes);
      const { certificate } = check.hello;
      this.#stepCoordinator({ kind: 'join', device: connection, certificate });
    } catch (error) {
      if (!(error instanceof OnlysumError) || !isDropCode(error.code)) throw error;
      this.#down(i, dropped.encode({ code: error.code, detail: error.message, retryInMs: -1 }));
    }
  }

  #stepCoordinator(event: CoordinatorEvent): void {
    const context = this.#context();
    const [state, effects] = stepCoordinator(this.#coordinator, event, this.#round, context);
    this.#coordinator = state;
    if ('cohort' in state) {
      this.#seats = state.cohort.places.map(({ device }) => this.#deviceOf.get(device) ?? device);
    }
    for (const effect of effects) this.#perform(effect);
  }

  #perform(effect: CoordinatorEffect): void {
    switch (effect.kind) {
      case 'send':
        return this.#toConnection(effect.device, effect.bytes);
      case 'drop': {
        const { code, detail, retryInMs } = effect;
        return this.#toConnection(effect.device, dropped.encode({ code, detail, retryInMs }));
      }
      case 'grace': {
        const { device, inMs } = effect;
        return this.#schedule.in(inMs, () => this.#stepCoordinator({ kind: 'grace-over', device }));
      }
      case 'attest':
        return this.#attest(effect.request);
      case 'timer': {
        const { stage, inMs } = effect;
        return this.#schedule.in(inMs, () => this.#stepCoordinator({ kind: 'deadline', stage }));
      }
      case 'open': {
        const outcome = openSum(this.options.suite, effect.job);
        return this.#schedule.in(1, () => this.#stepCoordinator({ kind: 'opened', outcome }));
      }
      case 'result':
        this.#outcome = { kind: 'result', result: effect.result };
        return;
      case 'abort':
        this.#outcome = { kind: 'abort', code: effect.code, detail: effect.detail };
        return;
      case 'grant-timer': {
        const timer = ++this.#grantTimer;
        return this.#schedule.in(effect.inMs, () => {
          if (timer === this.#grantTimer) this.#stepCoordinator({ kind: 'grants-overdue' });
        });
      }
      case 'release':
      case 'stage':
        return;
    }
  }

  /** As the coordinator's host does: one answer counts, and none in time is `registrar-unavailable`. */
  #attest(request: UnsignedRequest): void {
    let isAnswered = request.kind === 'close';
    const answer = (response: RegistrarResponse): void => {
      if (isAnswered) return;
      isAnswered = true;
      this.#stepCoordinator({ kind: 'answered', response });
    };
    this.#network.carry('registrar', () => {
      const response = this.#ask(request);
      this.#schedule.in(1, () => answer(response));
    });
    this.#schedule.in(this.#round.durations.attestMs, () =>
      answer({
        kind: 'refused',
        code: 'registrar-unavailable',
        detail: 'no answer in time',
        members: [],
      }),
    );
  }

  /** To whoever has this connection, if anybody still has. */
  #toConnection(connection: number, bytes: Uint8Array): void {
    const i = this.#deviceOf.get(connection);
    if (i !== undefined && this.#device(i).connection === connection) this.#down(i, bytes);
  }

  #ask(unsigned: UnsignedRequest): RegistrarResponse {
    const { suite, synthetic } = this.options;
    const [signature] = runDerive(suite, [requestSigning(unsigned, synthetic.coordinatorSeed)]);
    if (!(signature instanceof Uint8Array)) throw new RangeError('no signature');
    const request: RegistrarRequest = { ...unsigned, signature };
    const checks = checkRequest(this.#ledger, request, this.#registrar);
    if ('kind' in checks) return checks;
    const results = runDerive(suite, [checks.own, ...checks.members()]);
    try {
      const context = this.#context();
      return answerRequest(this.#ledger, request, checks, results, this.#registrar, context);
    } catch (error) {
      return refusal(error);
    }
  }
}

/** undefined for bytes that are no message. */
function messageType(bytes: Uint8Array): unknown {
  try {
    return decodeFrame(bytes)[0];
  } catch {
    return undefined;
  }
}
