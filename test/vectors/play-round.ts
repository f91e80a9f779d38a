/**
 * One whole round of four devices with the shipped machines, in a fixed order, without a network or a
 * clock: device 1 is gone before its masked input, device 3 falls silent after it.
 * Knows: what is played and what everybody drew. Doesn't know: how it is written down.
 */
import { DEFAULT_UPLOAD_CREDITS } from '@onlysum/protocol';
import { type Rng, type Suite, runDerive, toHex, unsafeSeededRng } from '@onlysum/crypto';
import { type Task, signManifest, verifySignedManifest, windowAt } from '@onlysum/task';
import {
  type AuditedRole,
  type SignedAuditHead,
  signAuditHead,
} from '../../packages/protocol/src/audit-head.js';
import {
  admit,
  checkHello,
  makeChallenge,
} from '../../packages/protocol/src/coordinator/admission.js';
import { startRound, stepCoordinator } from '../../packages/protocol/src/coordinator/machine.js';
import { type OpenJob, openSum } from '../../packages/protocol/src/coordinator/open-sum.js';
import type {
  CoordinatorEffect,
  CoordinatorEvent,
  RoundParams,
  RoundResult,
} from '../../packages/protocol/src/coordinator/types.js';
import { DEFAULT_DURATIONS } from '../../packages/protocol/src/coordinator/types.js';
import { startDevice, stepDevice } from '../../packages/protocol/src/device/machine.js';
import type {
  DeviceEvent,
  DeviceOutcome,
  DeviceParams,
  DeviceState,
} from '../../packages/protocol/src/device/types.js';
import { maskedInput } from '../../packages/protocol/src/messages/from-device.js';
import {
  enrol,
  enrolChecks,
  enrolmentStatement,
  makeCodes,
} from '../../packages/protocol/src/registrar/enrolment.js';
import { MemoryLedger } from '../../packages/protocol/src/registrar/ledger.js';
import { answerRequest, checkRequest } from '../../packages/protocol/src/registrar/machine.js';
import type {
  RegistrarRequest,
  RegistrarResponse,
  UnsignedRequest,
} from '../../packages/protocol/src/registrar/requests.js';
import { requestSigning } from '../../packages/protocol/src/registrar/requests.js';
import { newIncarnation } from '../../packages/protocol/src/registrar/window.js';
import { patterned } from './json.js';
import {
  DROPOUT,
  FLOOR,
  INPUTS,
  NOW_MS,
  SILENT,
  type Seeds,
  roundManifest,
} from './round-setup.js';

export interface PlayedDevice {
  readonly params: DeviceParams;
  readonly code: string;
  readonly proof: Uint8Array;
  readonly challenge: Uint8Array;
  /** What the device's machine drew, in order: nonce, c, s, b, coefficients for b, for s. */
  readonly draws: readonly Uint8Array[];
  readonly outcome: DeviceOutcome | undefined;
}

export interface Carried {
  readonly device: number;
  readonly direction: 'up' | 'down';
  readonly bytes: Uint8Array;
}

export interface Asked {
  readonly request: RegistrarRequest;
  readonly response: RegistrarResponse;
}

export interface PlayedRound {
  readonly seeds: Seeds;
  readonly task: Task;
  readonly signedManifest: ReturnType<typeof signManifest>;
  readonly params: RoundParams;
  readonly devices: readonly PlayedDevice[];
  readonly asked: readonly Asked[];
  readonly transcript: readonly Carried[];
  readonly job: OpenJob;
  readonly result: RoundResult;
}

export function playRound(suite: Suite): PlayedRound {
  return new Play(suite).run();
}

interface ActiveDevice {
  state: DeviceState;
  readonly params: DeviceParams;
  readonly code: string;
  readonly proof: Uint8Array;
  readonly draws: Uint8Array[];
  readonly rng: Rng;
  challenge: Uint8Array;
  isJoined: boolean;
  alive: boolean;
  outcome: DeviceOutcome | undefined;
}

class Play {
  readonly #serverRng = unsafeSeededRng('onlysum/1 vectors/server');
  readonly #ledger = new MemoryLedger();
  readonly #seeds: Seeds;
  readonly #signedManifest;
  readonly #task: Task;
  readonly #devices: ActiveDevice[];
  readonly #params: RoundParams;
  readonly #queue: (() => void)[] = [];
  readonly #asked: Asked[] = [];
  readonly #transcript: Carried[] = [];
  #coordinator;
  #job: OpenJob | undefined;
  #result: RoundResult | undefined;

  constructor(private readonly suite: Suite) {
    const rng = unsafeSeededRng('onlysum/1 vectors/keys');
    this.#seeds = { publisher: rng(32), registrar: rng(32), coordinator: rng(32) };
    const manifest = roundManifest(suite, this.#seeds);
    this.#signedManifest = signManifest(suite, manifest, this.#seeds.publisher);
    this.#task = verifySignedManifest(suite, this.#signedManifest);
    newIncarnation(this.#ledger, this.#context());
    this.#devices = INPUTS.map((_, i) => this.#enrol(i));
    const window = windowAt(this.#task.manifest, NOW_MS);
    const answer = this.#ask({ kind: 'window', taskId: this.#task.taskId, window: window.index });
    if (answer.kind !== 'window') throw new RangeError(`no announcement: ${answer.kind}`);
    const { announcement } = answer;
    const round = this.#serverRng(16);
    this.#params = {
      task: this.#task,
      window,
      announcement,
      round,
      durations: DEFAULT_DURATIONS,
      uploadCredits: DEFAULT_UPLOAD_CREDITS,
      unmasking: 'direct',
    };
    this.#coordinator = startRound(this.#params, NOW_MS)[0];
  }

  run(): PlayedRound {
    this.#devices.forEach((device, i) => {
      const { bytes, challenge } = makeChallenge(this.#context());
      device.challenge = challenge;
      this.#down(i, bytes);
    });
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) next();
    const [job, result] = [this.#job, this.#result];
    if (job === undefined || result === undefined) throw new RangeError('the round did not open');
    return {
      seeds: this.#seeds,
      task: this.#task,
      signedManifest: this.#signedManifest,
      params: this.#params,
      devices: this.#devices,
      asked: this.#asked,
      transcript: this.#transcript,
      job,
      result,
    };
  }

  #context(rng: Rng = this.#serverRng) {
    return { suite: this.suite, rng, nowMs: NOW_MS };
  }

  #registrar() {
    return {
      seed: this.#seeds.registrar,
      publicKey: this.#task.registrarKey,
      epochLengthMs: this.#task.manifest.epoch.lengthMs,
      tasks: new Map([[toHex(this.#task.taskId), this.#task]]),
    };
  }

  #enrol(i: number): ActiveDevice {
    const { suite } = this;
    const source = unsafeSeededRng(`onlysum/1 vectors/device/${i}`);
    const pseudonymSeed = source(32);
    const pseudonym = suite.ed25519PublicKey(pseudonymSeed);
    const registrar = this.#registrar();
    const [code = ''] = makeCodes(this.#ledger, 1, 1000, this.#context());
    const statement = enrolmentStatement(registrar.publicKey, code, pseudonym);
    const proof = suite.ed25519Sign(pseudonymSeed, statement);
    const request = { code, pseudonym, proof };
    const results = runDerive(suite, enrolChecks(request, registrar));
    const certificate = enrol(this.#ledger, request, results, registrar, this.#context());
    const draws: Uint8Array[] = [];
    return {
      state: startDevice(),
      params: { task: this.#task, floor: FLOOR, pseudonymSeed, certificate, incarnation: 0 },
      code,
      proof,
      draws,
      // The machine wipes what it drew: the copy is for the vectors.
      rng: (length) => {
        const drawn = source(length);
        draws.push(drawn.slice());
        return drawn;
      },
      challenge: new Uint8Array(0),
      isJoined: false,
      alive: true,
      outcome: undefined,
    };
  }

  #device(i: number): ActiveDevice {
    const device = this.#devices[i];
    if (device === undefined) throw new RangeError(`no device ${i}`);
    return device;
  }

  #stepDevice(i: number, event: DeviceEvent): void {
    const device = this.#device(i);
    const context = this.#context(device.rng);
    const [state, effects] = stepDevice(device.state, event, device.params, context);
    device.state = state;
    for (const effect of effects) {
      if (effect.kind === 'send') this.#up(i, effect.bytes);
      if (effect.kind === 'derive') {
        this.#stepDevice(i, { kind: 'derived', results: runDerive(this.suite, effect.batch) });
      }
      if (effect.kind === 'need-input') {
        this.#stepDevice(i, { kind: 'input', lanes: Uint32Array.from(INPUTS[i] ?? []) });
      }
      if (effect.kind === 'persist')
        this.#stepDevice(i, { kind: 'persisted', outcome: 'reserved' });
      if (effect.kind === 'finish') device.outcome = effect.outcome;
    }
  }

  #down(i: number, bytes: Uint8Array): void {
    if (!this.#device(i).alive) return;
    this.#transcript.push({ device: i, direction: 'down', bytes });
    this.#queue.push(() => this.#stepDevice(i, { kind: 'message', bytes }));
  }

  #up(i: number, bytes: Uint8Array): void {
    const device = this.#device(i);
    const isMaskedInput = device.state.phase === 'masked' && bytes[1] === maskedInput.type;
    if (isMaskedInput && i === DROPOUT) return this.#hangUp(i);
    this.#transcript.push({ device: i, direction: 'up', bytes });
    this.#queue.push(() => this.#arrive(i, bytes));
    if (isMaskedInput && i === SILENT) this.#hangUp(i);
  }

  #hangUp(i: number): void {
    this.#device(i).alive = false;
    this.#queue.push(() =>
      this.#stepCoordinator({ kind: 'left', device: i, code: 'connection-lost' }),
    );
  }

  #arrive(i: number, bytes: Uint8Array): void {
    const device = this.#device(i);
    if (device.isJoined) return this.#stepCoordinator({ kind: 'message', device: i, bytes });
    const tasks = new Map([[toHex(this.#task.taskId), this.#task]]);
    const check = checkHello(bytes, device.challenge, tasks, NOW_MS);
    admit(runDerive(this.suite, check.batch));
    device.isJoined = true;
    const { certificate } = check.hello;
    this.#stepCoordinator({ kind: 'join', device: i, certificate });
  }

  #stepCoordinator(event: CoordinatorEvent): void {
    const context = this.#context();
    const [state, effects] = stepCoordinator(this.#coordinator, event, this.#params, context);
    this.#coordinator = state;
    for (const effect of effects) this.#perform(effect);
  }

  #perform(effect: CoordinatorEffect): void {
    switch (effect.kind) {
      case 'send':
        return this.#down(effect.device, effect.bytes);
      case 'attest': {
        const response = this.#ask(effect.request);
        this.#queue.push(() => this.#stepCoordinator({ kind: 'answered', response }));
        return;
      }
      case 'open': {
        this.#job = structuredClone(effect.job);
        const outcome = openSum(this.suite, effect.job);
        this.#queue.push(() => this.#stepCoordinator({ kind: 'opened', outcome }));
        return;
      }
      case 'result':
        this.#result = effect.result;
        this.#queue.push(() =>
          this.#stepCoordinator({ kind: 'kept', auditHead: this.#auditHead('coordinator') }),
        );
        return;
      case 'drop':
      case 'abort':
        throw new RangeError(`${effect.kind}: ${effect.code}: ${effect.detail}`);
      case 'grace': {
        const { device } = effect;
        this.#queue.push(() => this.#stepCoordinator({ kind: 'grace-over', device }));
        return;
      }
      case 'grant-timer':
      case 'release':
      case 'stage':
      case 'timer':
        return;
    }
  }

  /** Nobody here keeps a log: what is said of it is made up, and signed as it would be. */
  #auditHead(role: AuditedRole): SignedAuditHead {
    const sequence = role === 'coordinator' ? 41 : 57;
    const head = { sequence, digest: patterned(32, sequence) };
    return signAuditHead(this.suite, this.#seeds[role], role, this.#params.round, head);
  }

  #ask(unsigned: UnsignedRequest): RegistrarResponse {
    const { suite } = this;
    const [signature] = runDerive(suite, [requestSigning(unsigned, this.#seeds.coordinator)]);
    if (!(signature instanceof Uint8Array)) throw new RangeError('no signature');
    const request: RegistrarRequest = { ...unsigned, signature };
    const registrar = this.#registrar();
    const checks = checkRequest(this.#ledger, request, registrar);
    if ('kind' in checks) throw new RangeError(`refused: ${checks.detail}`);
    const results = runDerive(suite, [checks.own, ...checks.members()]);
    const context = this.#context();
    const answer = answerRequest(this.#ledger, request, checks, results, registrar, context);
    const response: RegistrarResponse =
      answer.kind === 'set' && unsigned.kind === 'survivor-set'
        ? { ...answer, auditHead: this.#auditHead('registrar') }
        : answer;
    this.#asked.push({ request, response });
    return response;
  }
}
