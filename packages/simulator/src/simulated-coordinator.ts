/**
 * The shipped coordinator machine and what its host does around it: admission, timers, questions to the
 * registrar. Knows devices by the number of a connection.
 */
import { OnlysumError, runDerive, toHex } from '@onlysum/crypto';
import {
  type CoordinatorEffect,
  type CoordinatorEvent,
  type CoordinatorState,
  DEFAULT_DURATIONS,
  DEFAULT_UPLOAD_CREDITS,
  type RegistrarResponse,
  type RoundParams,
  type UnsignedRequest,
  admit,
  checkHello,
  decodeFrame,
  dropped,
  isDropCode,
  makeChallenge,
  openSum,
  resume,
  startRound,
  stepCoordinator,
} from '@onlysum/protocol';
import type { Announcement } from '@onlysum/protocol';
import type { Window } from '@onlysum/task';
import type { SimulatedRound } from './round-options.js';
import type { SimulatedRegistrar } from './simulated-registrar.js';
import type { World } from './world.js';

/** What the coordinator has of a device before it is in the round. */
interface Visitor {
  challenge?: Uint8Array;
  /** Hex of the Hello that was admitted: the same one again is ignored. */
  hello?: string;
}

export class SimulatedCoordinator {
  outcome: SimulatedRound['outcome'] = { kind: 'unfinished' };
  /** By roster index: the connection on which the device came; empty before there is a roster. */
  seatedConnections: readonly number[] = [];
  readonly #params: RoundParams;
  readonly #visitors = new Map<number, Visitor>();
  #state: CoordinatorState;
  #grantTimer = 0;

  /** @param send - to whoever has this connection, if anybody still has. */
  constructor(
    private readonly world: World,
    private readonly registrar: SimulatedRegistrar,
    { window, announcement }: { readonly window: Window; readonly announcement: Announcement },
    private readonly send: (connection: number, bytes: Uint8Array) => void,
  ) {
    const { synthetic, uploadCredits, unmasking, keepRecord = false } = world.options;
    this.#params = {
      task: synthetic.task,
      window,
      announcement,
      round: world.serverRng(16),
      durations: DEFAULT_DURATIONS,
      uploadCredits: uploadCredits ?? DEFAULT_UPLOAD_CREDITS,
      unmasking: unmasking ?? 'direct',
      keepRecord,
    };
    const [state, effects] = startRound(this.#params, world.schedule.nowMs);
    this.#state = state;
    for (const effect of effects) this.#perform(effect);
  }

  /** A device is there, for the first time or again. @returns what it is sent. */
  greet(device: number): Uint8Array {
    const { bytes, challenge } = this.world.work('coordinator', () =>
      makeChallenge(this.world.context()),
    );
    this.#visitor(device).challenge = challenge;
    return bytes;
  }

  /** What came on a connection of a device. */
  receive(device: number, connection: number, bytes: Uint8Array): void {
    const visitor = this.#visitor(device);
    if (visitor.hello === undefined) return this.#admit(visitor, connection, bytes);
    if (visitor.hello === toHex(bytes)) return;
    if (messageType(bytes) === resume.type) {
      const { token } = resume.parse(decodeFrame(bytes));
      return this.#step({ kind: 'resume', device: connection, token });
    }
    this.#step({ kind: 'message', device: connection, bytes });
  }

  /** A connection is gone. */
  lose(device: number, connection: number): void {
    if (this.#visitor(device).hello === undefined) return;
    this.#step({ kind: 'left', device: connection, code: 'connection-lost' });
  }

  #visitor(device: number): Visitor {
    const known = this.#visitors.get(device);
    if (known !== undefined) return known;
    const visitor: Visitor = {};
    this.#visitors.set(device, visitor);
    return visitor;
  }

  #admit(visitor: Visitor, connection: number, bytes: Uint8Array): void {
    const { challenge } = visitor;
    if (challenge === undefined || this.#state.stage !== 'gathering') return;
    const { task } = this.#params;
    const tasks = new Map([[toHex(task.taskId), task]]);
    try {
      const { certificate } = this.world.work('coordinator', () => {
        const check = checkHello(bytes, challenge, tasks, this.world.schedule.nowMs);
        admit(runDerive(this.world.options.suite, check.batch));
        return check.hello;
      });
      visitor.hello = toHex(bytes);
      this.#step({ kind: 'join', device: connection, certificate });
    } catch (error) {
      if (!(error instanceof OnlysumError) || !isDropCode(error.code)) throw error;
      const { code, message: detail } = error;
      this.send(connection, dropped.encode({ code, detail, retryInMs: -1 }));
    }
  }

  #step(event: CoordinatorEvent): void {
    const { world } = this;
    const [state, effects] = world.work('coordinator', () =>
      stepCoordinator(this.#state, event, this.#params, world.context()),
    );
    this.#state = state;
    world.stage = state.stage;
    if ('cohort' in state && this.seatedConnections.length === 0) {
      this.seatedConnections = state.cohort.places.map(({ device }) => device);
    }
    for (const effect of effects) this.#perform(effect);
  }

  #perform(effect: CoordinatorEffect): void {
    const { schedule } = this.world;
    switch (effect.kind) {
      case 'send':
        return this.send(effect.device, effect.bytes);
      case 'drop': {
        const { code, detail, retryInMs } = effect;
        return this.send(effect.device, dropped.encode({ code, detail, retryInMs }));
      }
      case 'grace': {
        const { device, inMs } = effect;
        return schedule.in(inMs, () => this.#step({ kind: 'grace-over', device }));
      }
      case 'attest':
        return this.#attest(effect.request);
      case 'timer': {
        const { stage, inMs } = effect;
        return schedule.in(inMs, () => this.#step({ kind: 'deadline', stage }));
      }
      case 'open': {
        const outcome = this.world.work('coordinator', () =>
          openSum(this.world.options.suite, effect.job),
        );
        return schedule.in(1, () => this.#step({ kind: 'opened', outcome }));
      }
      case 'result':
        this.outcome = { kind: 'result', result: effect.result };
        return this.#step({ kind: 'kept', auditHead: null });
      case 'abort':
        this.outcome = { kind: 'abort', code: effect.code, detail: effect.detail };
        return;
      case 'grant-timer': {
        const timer = ++this.#grantTimer;
        return schedule.in(effect.inMs, () => {
          if (timer === this.#grantTimer) this.#step({ kind: 'grants-overdue' });
        });
      }
      case 'release':
      case 'stage':
        return;
    }
  }

  /** As the coordinator's host does: one answer counts, and none in time is `registrar-unavailable`. */
  #attest(request: UnsignedRequest): void {
    const { schedule, network } = this.world;
    let isAnswered = request.kind === 'close';
    const answer = (response: RegistrarResponse): void => {
      if (isAnswered) return;
      isAnswered = true;
      this.#step({ kind: 'answered', response });
    };
    network.carry('registrar', () => {
      const response = this.registrar.ask(request);
      schedule.in(1, () => answer(response));
    });
    schedule.in(this.#params.durations.attestMs, () =>
      answer({
        kind: 'refused',
        code: 'registrar-unavailable',
        detail: 'no answer in time',
        members: [],
      }),
    );
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
