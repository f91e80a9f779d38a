/**
 * The coordinator with its host, as plain data: the machine's state, which connections it has, and what
 * it waits for. Knows: connections by number. Doesn't know: queues, what devices hold.
 */
import { OnlysumError, runDerive, toHex } from '@onlysum/crypto';
import {
  type CoordinatorEvent,
  type CoordinatorStage,
  type CoordinatorState,
  type CoordinatorStep,
  type DropCode,
  type OpenOutcome,
  type UnsignedRequest,
  admit,
  challenge,
  checkHello,
  decodeBitmap,
  decodeFrame,
  dropped,
  hello,
  isDropCode,
  openSum,
  resume,
  resumed,
  startRound,
} from '@onlysum/protocol';
import { clone } from './clone.js';
import { CountedRng } from './counted-rng.js';
import { unknownEffect } from './device-node.js';
import type { Setup } from './setup.js';

export interface CoordinatorNode {
  readonly state: CoordinatorState;
  readonly draws: number;
  /** Its connections, and how far each has come. */
  readonly connections: ReadonlyMap<number, 'new' | 'admitted'>;
  /** Devices that joined the round, or came too late to. */
  readonly joined: readonly number[];
  readonly timer: CoordinatorStage | undefined;
  /** Connections whose grace has not run out. */
  readonly graces: readonly number[];
  readonly hasGrantTimer: boolean;
  /** How much later it is than the world's clock says: credits run out by the millisecond. */
  readonly laterMs: number;
  /** Of the sum that is being opened. */
  readonly opening: OpenOutcome | undefined;
  /** Device by roster index. */
  readonly seats: readonly number[];
  /** U3 of the opened sum, as devices. */
  readonly summed: readonly number[];
  /** How the round ended: `result`, or `abort CODE`. */
  readonly outcome: string | undefined;
  readonly fault: string | undefined;
}

export interface CoordinatorMove {
  readonly node: CoordinatorNode;
  readonly sent: readonly { readonly connection: number; readonly bytes: Uint8Array }[];
  readonly closed: readonly number[];
  readonly asked: readonly UnsignedRequest[];
}

export type HostEvent =
  | { readonly kind: 'connect'; readonly connection: number }
  | { readonly kind: 'frame'; readonly connection: number; readonly bytes: Uint8Array }
  | Exclude<CoordinatorEvent, { kind: 'join' | 'message' | 'resume' | 'kept' | 'not-kept' }>;

/** Connections of device i are numbered i, i + n, i + 2n, … */
export function deviceOf(setup: Setup, connection: number): number {
  return connection % setup.devices.length;
}

export function newCoordinator(setup: Setup): CoordinatorNode {
  const step = startRound(setup.round, setup.clocks[0] ?? 0);
  const empty: CoordinatorNode = {
    state: step[0],
    draws: 0,
    connections: new Map(),
    joined: [],
    timer: undefined,
    graces: [],
    hasGrantTimer: false,
    laterMs: 0,
    opening: undefined,
    seats: [],
    summed: [],
    outcome: undefined,
    fault: undefined,
  };
  return new Mover(setup, empty, 0).carryOut(step).move().node;
}

export function moveCoordinator(
  setup: Setup,
  node: CoordinatorNode,
  event: HostEvent,
  nowMs: number,
): CoordinatorMove {
  const mover = new Mover(setup, node, nowMs);
  try {
    mover.take(event);
  } catch (error) {
    mover.fault(error instanceof Error ? error.message : String(error));
  }
  return mover.move();
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** One move under way. */
class Mover {
  readonly #node: Writable<CoordinatorNode>;
  readonly #connections: Map<number, 'new' | 'admitted'>;
  readonly #counted: CountedRng;
  readonly #sent: { connection: number; bytes: Uint8Array }[] = [];
  readonly #closed: number[] = [];
  readonly #asked: UnsignedRequest[] = [];

  constructor(
    private readonly setup: Setup,
    node: CoordinatorNode,
    private readonly nowMs: number,
  ) {
    this.#node = { ...node, state: clone(node.state) };
    this.#connections = new Map(node.connections);
    this.#counted = new CountedRng('explore/draw/coordinator', node.draws);
  }

  move(): CoordinatorMove {
    const connections = new Map([...this.#connections].sort(([a], [b]) => a - b));
    inAnyOrder(this.#node.state);
    const node = { ...this.#node, connections, draws: this.#counted.draws };
    return { node, sent: this.#sent, closed: this.#closed, asked: this.#asked };
  }

  fault(why: string): void {
    this.#node.fault ??= why;
  }

  take(event: HostEvent): void {
    switch (event.kind) {
      case 'connect': {
        const { connection } = event;
        this.#connections.set(connection, 'new');
        this.#send(connection, challenge.encode({ challenge: this.#challenge(connection) }));
        return;
      }
      case 'frame':
        return this.#frame(event.connection, event.bytes);
      case 'left': {
        const isIn = this.#connections.get(event.device) === 'admitted';
        this.#connections.delete(event.device);
        if (isIn) this.#step(event);
        return;
      }
      case 'opened':
        this.#node.opening = undefined;
        return this.#step(event);
      case 'grace-over':
        this.#node.graces = this.#node.graces.filter((device) => device !== event.device);
        return this.#step(event);
      case 'grants-overdue':
        this.#node.hasGrantTimer = false;
        this.#node.laterMs += this.setup.round.durations.uploadMs;
        return this.#step(event);
      case 'deadline':
      case 'answered':
      case 'stop':
        return this.#step(event);
      default:
        unknownEffect(event);
    }
  }

  /** What the first frame of a connection may be, then what the round takes. */
  #frame(connection: number, bytes: Uint8Array): void {
    const status = this.#connections.get(connection);
    if (status === undefined) return;
    if (status === 'admitted') return this.#step({ kind: 'message', device: connection, bytes });
    const raw = decodeFrame(bytes);
    if (raw[0] === resume.type) {
      this.#connections.set(connection, 'admitted');
      const { token } = resume.parse(raw);
      return this.#step({ kind: 'resume', device: connection, token });
    }
    this.#hello(connection, bytes);
  }

  #hello(connection: number, bytes: Uint8Array): void {
    const { suite, round } = this.setup;
    const tasks = new Map([[toHex(round.task.taskId), round.task]]);
    try {
      const fresh = this.#challenge(connection);
      const check = checkHello(bytes, fresh, tasks, this.nowMs);
      admit(runDerive(suite, check.batch));
      const device = deviceOf(this.setup, connection);
      this.#node.joined = [...this.#node.joined, device];
      this.#connections.set(connection, 'admitted');
      if (this.#node.state.stage !== 'gathering') {
        return this.#drop(connection, 'cohort-full', 'the cohort closed: join the next round');
      }
      this.#step({ kind: 'join', device: connection, certificate: check.hello.certificate });
    } catch (error) {
      if (!(error instanceof OnlysumError) || !isDropCode(error.code)) throw error;
      this.#drop(connection, error.code, error.message);
    }
  }

  #step(event: CoordinatorEvent): void {
    const { suite, round, machines } = this.setup;
    if (this.#node.state.stage === 'finished') {
      if (event.kind === 'resume') {
        this.#drop(event.device, 'resume-refused', 'the round is over');
      }
      return;
    }
    const nowMs = this.nowMs + this.#node.laterMs;
    const context = { suite, rng: this.#counted.rng, nowMs };
    this.carryOut(machines.coordinator(this.#node.state, event, round, context));
  }

  carryOut([state, effects]: CoordinatorStep): this {
    const node = this.#node;
    node.state = state;
    if ('cohort' in state) {
      const { places } = state.cohort;
      node.seats = places.map(({ device }) => deviceOf(this.setup, device));
    }
    for (const effect of effects) {
      switch (effect.kind) {
        case 'send':
          this.#send(effect.device, effect.bytes);
          break;
        case 'drop':
          this.#drop(effect.device, effect.code, effect.detail, effect.retryInMs);
          break;
        case 'release':
          this.#close(effect.device);
          break;
        case 'grace':
          node.graces = [...node.graces, effect.device];
          break;
        case 'grant-timer':
          node.hasGrantTimer = true;
          break;
        case 'attest':
          this.#asked.push(effect.request);
          break;
        case 'timer':
          node.timer = effect.stage;
          break;
        case 'open':
          node.opening = openSum(this.setup.suite, clone(effect.job));
          break;
        case 'stage':
          break;
        case 'result': {
          const { lanes, survivorSet, devices } = effect.result;
          const members = decodeBitmap(survivorSet, devices, 'U3');
          node.summed = members.map((index) => node.seats[index] ?? -1);
          node.outcome = 'result';
          this.#checkSum(lanes);
          this.#step({ kind: 'kept', auditHead: null });
          this.#end();
          break;
        }
        case 'abort':
          node.outcome = `abort ${effect.code}`;
          this.#end();
          break;
        default:
          unknownEffect(effect);
      }
    }
    return this;
  }

  /** An opened sum is exactly the plain sum over U3, with its noise, lane by lane. */
  #checkSum(lanes: readonly number[]): void {
    const { summed } = this.#node;
    const { inputs, noise } = this.setup;
    const put = (device: number, lane: number): number =>
      (inputs[device]?.[lane] ?? Number.NaN) + (noise[device]?.[lane] ?? 0);
    const plain = lanes.map((_, lane) =>
      summed.reduce((sum, device) => sum + put(device, lane), 0),
    );
    if (lanes.some((value, lane) => value !== plain[lane])) {
      this.fault(`the opened sum is ${lanes.join()}, the plain sum over U3 is ${plain.join()}`);
    }
  }

  /** A round that is over lets everybody go who is still connected. */
  #end(): void {
    for (const connection of [...this.#connections.keys()]) {
      if (this.#connections.get(connection) === 'admitted') this.#close(connection);
    }
    this.#node.timer = undefined;
    this.#node.graces = [];
    this.#node.hasGrantTimer = false;
  }

  #send(connection: number, bytes: Uint8Array): void {
    if (this.#connections.has(connection)) this.#sent.push({ connection, bytes: bytes.slice() });
  }

  #drop(connection: number, code: DropCode, detail: string, retryInMs = -1): void {
    this.#send(connection, dropped.encode({ code, detail, retryInMs }));
    this.#close(connection);
  }

  #close(connection: number): void {
    if (this.#connections.delete(connection)) this.#closed.push(connection);
  }

  #challenge(connection: number): Uint8Array {
    return new CountedRng('explore/challenge', connection).rng(32);
  }
}

/**
 * Sorts what is a sum or a statistic, where the order of arrival has no effect: otherwise every order in
 * which four masked inputs can come would be another state for ever.
 */
function inAnyOrder(state: CoordinatorState): void {
  if (!('cohort' in state)) return;
  state.cohort.drops.sort((a, b) => a.index - b.index);
  sortKeys(state.cohort.indexOf);
  if ('commitments' in state) sortKeys(state.commitments);
  if ('reveals' in state) {
    sortKeys(state.reveals.selfSeeds);
    sortKeys(state.reveals.pairSecrets);
  }
  if (state.stage !== 'recovering') return;
  for (const shares of [...state.selfShares.values(), ...state.keyShares.values()]) {
    shares.sort((a, b) => a.x - b.x);
  }
}

function sortKeys<T>(map: Map<number, T>): void {
  const entries = [...map].sort(([a], [b]) => a - b);
  map.clear();
  for (const [key, value] of entries) map.set(key, value);
}

/** Frames that belong to a connection: nobody has a reason to send one twice. */
const OPENINGS: ReadonlySet<unknown> = new Set(
  [challenge, hello, resume, resumed].map(({ type }) => type),
);

export function isOpening(bytes: Uint8Array): boolean {
  return OPENINGS.has(decodeFrame(bytes)[0]);
}
