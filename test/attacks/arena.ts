/**
 * Where attacks take place: an honest registrar over its real machine, honest devices on theirs, and
 * everything else (coordinator, colluding devices, network, clock) in the hands of the attacker.
 */
import type {
  Announcement,
  Certificate,
  DeviceEffect,
  DeviceEvent,
  DeviceParams,
  DeviceState,
  Receipt,
  RegistrarParams,
  RegistrarRequest,
  RegistrarResponse,
  Reservation,
  ReservationOutcome,
  SyntheticTask,
  UnsignedRequest,
} from './surface.js';
import type { Task } from './surface.js';
import { Stopped } from './attack.js';
import type { Build } from './weakened-build.js';

export interface ArenaOptions {
  /** Honest devices, enrolled before any window opens. */
  readonly honest: number;
  /** Enrolled devices of the attacker. */
  readonly colluders?: number;
  readonly cohort: { readonly min: number; readonly max: number };
  /** γ and δ per mille, γ_p per million. */
  readonly corrupt?: number;
  readonly dropout?: number;
  readonly population?: number;
  readonly minSurvivors?: number;
  readonly attempts?: number;
  readonly minHonest?: number;
}

/** An enrolled device: its pseudonym, and for an honest one what it has to report. */
export interface Identity {
  readonly pseudonymSeed: Uint8Array;
  readonly certificate: Certificate;
  readonly input: Uint32Array;
  /** Its durable record; without one every reservation is granted. */
  reserve?: (reservation: Reservation) => ReservationOutcome;
  /** The highest incarnation it has contributed in, by that record. */
  incarnation?: () => number;
}

export interface Codec<T> {
  readonly type: number;
  readonly name: string;
  parse(raw: readonly unknown[]): T;
}

const EPOCH_MS = 24 * 3_600_000;
/** One flag, a count, and two lanes that fill their width. */
const BOUNDS = [1, 1000, 65_535, 4_000_000];

export class Arena {
  readonly build: Build;
  readonly suite: Build['nativeSuite'];
  readonly synthetic: SyntheticTask;
  readonly honest: readonly Identity[];
  readonly colluders: readonly Identity[];
  readonly registrar: RegistrarParams;
  readonly rng: (length: number) => Uint8Array;
  readonly tasks: Map<string, Task>;
  readonly floor: DeviceParams['floor'];
  ledger;
  /** The clock of registrar and devices. */
  nowMs = 100 * EPOCH_MS + 10 * 3_600_000 + 600_000;

  constructor(build: Build, options: ArenaOptions) {
    const { honest, colluders = 0, cohort, corrupt = 10, dropout = 0, population = 0 } = options;
    this.build = build;
    this.suite = build.nativeSuite;
    this.rng = build.unsafeSeededRng(JSON.stringify(options));
    this.synthetic = build.syntheticTask(
      {
        cohort: { ...cohort, target: cohort.max },
        assumptions: { corrupt, dropout, population },
        minSurvivors: options.minSurvivors ?? 2,
        attempts: options.attempts ?? 3,
        bounds: BOUNDS,
      },
      this.suite,
      this.rng,
    );
    const { task, registrarSeed } = this.synthetic;
    this.floor = {
      minHonest: options.minHonest ?? 2,
      maxDevices: 1000,
      minCorrupt: 1,
      minPopulation: 0,
    };
    this.tasks = new Map([[build.toHex(task.taskId), task]]);
    this.ledger = new build.MemoryLedger();
    this.registrar = {
      seed: registrarSeed,
      publicKey: task.registrarKey,
      epochLengthMs: EPOCH_MS,
      tasks: this.tasks,
    };
    build.newIncarnation(this.ledger, this.context());
    this.honest = Array.from({ length: honest }, () => this.enrol());
    this.colluders = Array.from({ length: colluders }, () => this.enrol());
  }

  get task(): Task {
    return this.synthetic.task;
  }

  context(rng = this.rng) {
    return { suite: this.suite, rng, nowMs: this.nowMs };
  }

  /** @param pseudonymSeed - of the attacker's choice, or fresh. */
  enrol(pseudonymSeed = this.rng(32)): Identity {
    const { build, suite, registrar } = this;
    const pseudonym = suite.ed25519PublicKey(pseudonymSeed);
    const [code = ''] = build.makeCodes(this.ledger, 1, 1000, this.context());
    const statement = build.enrolmentStatement(registrar.publicKey, code, pseudonym);
    const request = { code, pseudonym, proof: suite.ed25519Sign(pseudonymSeed, statement) };
    const results = build.runDerive(suite, build.enrolChecks(request, registrar));
    const certificate = build.enrol(this.ledger, request, results, registrar, this.context());
    return { pseudonymSeed, certificate, input: this.randomInput() };
  }

  /** A task of the same publisher, registrar and coordinator, with other settings. */
  twin(changes: Partial<Task['manifest']>): Task {
    const manifest = { ...this.task.manifest, ...changes };
    const taskId = this.suite.sha256(new TextEncoder().encode(JSON.stringify(manifest)));
    const task = { ...this.task, manifest, taskId };
    this.tasks.set(this.build.toHex(taskId), task);
    return task;
  }

  /** What is on the registrar's disk now. */
  backUp(): () => void {
    const entries = [...this.ledger.keys('')].map((key) => [key, this.ledger.read(key)] as const);
    return () => {
      this.ledger = new this.build.MemoryLedger();
      for (const [key, value] of entries) if (value !== undefined) this.ledger.put(key, value);
    };
  }

  /** @param seed - the coordinator is the attacker, so its signature is to be had for anything. */
  signed(unsigned: UnsignedRequest, seed = this.synthetic.coordinatorSeed): RegistrarRequest {
    const { build, suite } = this;
    const signing = build.requestSigning(unsigned, seed);
    const [signature] = build.runDerive(suite, [signing]);
    if (!(signature instanceof Uint8Array)) throw new RangeError('no signature');
    return { ...unsigned, signature };
  }

  /** @throws {Stopped} if the registrar refuses. */
  ask<K extends UnsignedRequest['kind']>(
    unsigned: UnsignedRequest & { readonly kind: K },
    seed?: Uint8Array,
  ): Exclude<RegistrarResponse, { kind: 'refused' }> {
    const response = this.#answer(this.signed(unsigned, seed));
    if (response.kind === 'refused') {
      const [member] = response.members;
      throw new Stopped(member?.code ?? response.code, response.detail);
    }
    return response;
  }

  /** Signs with the registrar's own key: for attacks in which the registrar helps. */
  asRegistrar(statement: Uint8Array): Uint8Array {
    return this.suite.ed25519Sign(this.synthetic.registrarSeed, statement);
  }

  announce(task = this.task): Announcement {
    const window = this.build.windowAt(task.manifest, this.nowMs).index;
    const answer = this.ask({ kind: 'window', taskId: task.taskId, window });
    if (answer.kind !== 'window') throw new RangeError(answer.kind);
    return answer.announcement;
  }

  #answer(request: RegistrarRequest): RegistrarResponse {
    const { build, suite, ledger, registrar } = this;
    const checks = build.checkRequest(ledger, request, registrar);
    if ('kind' in checks) return checks;
    const results = build.runDerive(suite, [checks.own, ...checks.members()]);
    try {
      return build.answerRequest(ledger, request, checks, results, registrar, this.context());
    } catch (error) {
      return build.refusal(error);
    }
  }

  randomInput(): Uint32Array {
    return Uint32Array.from(BOUNDS, (bound) => {
      const random = new DataView(this.rng(4).buffer).getUint32(0);
      return random % (bound + 1);
    });
  }
}

/** One honest device on one connection: the shipped machine, and what it sent. */
export class Machine {
  readonly identity: Identity;
  readonly sent: Uint8Array[] = [];
  receipt: Receipt | undefined;
  #error: { readonly code: string; readonly message: string } | undefined;
  #state: DeviceState;
  readonly #arena: Arena;
  readonly #params: DeviceParams;

  constructor(arena: Arena, identity: Identity, task = arena.task) {
    this.#arena = arena;
    this.identity = identity;
    this.#state = arena.build.startDevice();
    const { pseudonymSeed, certificate } = identity;
    this.#params = {
      task,
      floor: arena.floor,
      pseudonymSeed,
      certificate,
      incarnation: identity.incarnation?.() ?? 0,
    };
  }

  deliver(bytes: Uint8Array): this {
    this.#step({ kind: 'message', bytes });
    return this;
  }

  /** The last message of this kind that it sent. @throws {Stopped} if it sent none, and why. */
  take<T>(codec: Codec<T>): T {
    const { decodeFrame } = this.#arena.build;
    const raw = this.sent
      .map((bytes) => decodeFrame(bytes))
      .filter(([type]) => type === codec.type);
    const last = raw.at(-1);
    if (last !== undefined && this.#error === undefined) return codec.parse(last);
    const { code, message } = this.#error ?? { code: 'silent', message: `no ${codec.name} came` };
    throw new Stopped(code, message);
  }

  #step(event: DeviceEvent): void {
    const { build } = this.#arena;
    const [state, effects] = build.stepDevice(
      this.#state,
      event,
      this.#params,
      this.#arena.context(),
    );
    this.#state = state;
    for (const effect of effects) this.#perform(effect);
  }

  #perform(effect: DeviceEffect): void {
    const { build, suite } = this.#arena;
    switch (effect.kind) {
      case 'send':
        this.sent.push(effect.bytes);
        return this.#grant(effect.bytes);
      case 'derive':
        return this.#step({ kind: 'derived', results: build.runDerive(suite, effect.batch) });
      case 'need-input':
        return this.#step({ kind: 'input', lanes: this.identity.input.slice() });
      case 'persist': {
        const outcome = this.identity.reserve?.(effect.reservation) ?? 'reserved';
        return this.#step({ kind: 'persisted', outcome });
      }
      case 'finish':
        if (effect.outcome.kind === 'receipt') this.receipt = effect.outcome.receipt;
        else this.#error = effect.outcome.error;
        return;
      default:
        return;
    }
  }

  /** The attacker wants the masked input: whoever asks to upload it may. */
  #grant(bytes: Uint8Array): void {
    const { decodeFrame, uploadRequest, uploadGrant } = this.#arena.build;
    const [type, round] = decodeFrame(bytes);
    if (type !== uploadRequest.type || !(round instanceof Uint8Array)) return;
    this.deliver(uploadGrant.encode({ round }));
  }
}
