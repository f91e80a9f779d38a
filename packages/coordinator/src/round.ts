/**
 * Hosting one coordinator machine: its timer, its devices' connections, its questions to the registrar,
 * its heavy job. Protocol §5. Knows: how effects are carried out. Doesn't know: which stage follows.
 * Invariant: events reach the machine one at a time, and nothing reaches it after its last effect. No device
 * is told that the sum is open before it is kept.
 */
import { OnlysumError, type Rng, type Suite, toHex } from '@onlysum/crypto';
import {
  type Certificate,
  type CoordinatorEffect,
  type CoordinatorEvent,
  type CoordinatorStage,
  type CoordinatorState,
  type DeviceId,
  type Drop,
  type DropCode,
  type MachineContext,
  type RoundParams,
  type RoundRecord,
  type RoundResult,
  type StopCode,
  type UnsignedRequest,
  startRound,
  stepCoordinator,
} from '@onlysum/protocol';
import type { Logger } from 'pino';
import type { LiveRound } from './admin/route.js';
import { type AnswerCheck, answerCheck } from './answer-check.js';
import type { Connection } from './connection.js';
import { errorFields } from './log.js';
import type { SumOpener } from './open-sum-pool.js';
import {
  countDrops,
  type PublishedResult,
  publishedResult,
  type RoundCost,
  type RoundSum,
  roundSum,
} from './published-result.js';
import type { RegistrarLink } from './registrar-link.js';
import {
  type RoundObserver,
  type RoundOutcome,
  RoundWatch,
  type StageTimes,
} from './round-watch.js';
import { refused } from './registrar-link.js';
import type { AbortedEnd, Kept } from './round-ledger.js';
import { stageAnswers } from './stage-answers.js';

/** What rounds share. */
export interface RoundHost {
  readonly suite: Suite;
  readonly rng: Rng;
  readonly now: () => number;
  readonly log: Logger;
  readonly link: RegistrarLink;
  readonly opener: SumOpener;
  readonly observer: RoundObserver;
  readonly helloTimeoutMs: number;
  /** Whether the registrar still stands by the announcement of this round. */
  isCurrent(params: RoundParams): boolean;
  /** The registrar refused something: what it announced may be out of date. */
  onRefused(params: RoundParams): void;
  /** Makes a sum durable, before anybody is told that it is open. Never rejects. */
  keep(sum: RoundSum, record: RoundRecord | undefined): Promise<Kept>;
  /** @param record - of the round, if its parameters ask for it. */
  onResult(result: PublishedResult, record: RoundRecord | undefined): void;
  /** The round takes no more devices. */
  onClosedCohort(round: Round): void;
  /** The registrar refused some, and too few are left: it takes devices again. */
  onReopenedCohort(round: Round): void;
  /** @param aborted - why and how far it came, unless it opened. */
  onEnd(round: Round, aborted: AbortedEnd | undefined): void;
}

type RoundFields = Readonly<
  Record<'task' | 'round', string> & Record<'version' | 'window', number>
>;

export interface RoundStatus extends StageTimes, Omit<RoundFields, 'round'> {
  readonly stage: CoordinatorStage;
  /** Connected to it now. */
  readonly devices: number;
}

/** Messages of a few kilobytes each. */
const MADE_TOGETHER = 64;

export class Round {
  readonly params: RoundParams;
  readonly id: string;
  readonly #host: RoundHost;
  readonly #log: Logger;
  /** Fields of every line of the log that is about this round. */
  readonly #about: RoundFields;
  readonly #check: AnswerCheck;
  readonly #watch: RoundWatch;
  readonly #members = new Map<DeviceId, Connection>();
  readonly #queue: CoordinatorEvent[] = [];
  #isStepping = false;
  #state: CoordinatorState;
  /** Of the stage. */
  #timer: NodeJS.Timeout | undefined;
  /** When it goes off, by performance.now(). */
  #deadlineMs: number | undefined;
  #grantTimer: NodeJS.Timeout | undefined;
  /** Of lost connections. */
  readonly #timers = new Set<NodeJS.Timeout>();
  #bytesIn = 0;
  #bytesOut = 0;
  readonly #startedMs = performance.now();
  readonly #cpuAtStart = process.cpuUsage();
  #rosterMs = this.#startedMs;
  /** Devices of the cohort, and losses, as of the last step. */
  #devices = 0;
  #drops: readonly Drop[] = [];

  constructor(params: RoundParams, host: RoundHost) {
    this.params = params;
    this.id = toHex(params.round);
    this.#host = host;
    const { manifest } = params.task;
    this.#about = {
      task: manifest.name,
      version: manifest.version,
      window: params.window.index,
      round: this.id,
    };
    this.#log = host.log.child(this.#about);
    this.#watch = new RoundWatch(params.task, host.observer);
    this.#check = answerCheck(host.suite, params.task);
    const [state, effects] = startRound(params, host.now());
    this.#state = state;
    this.#carryOut(effects);
  }

  get stage(): CoordinatorState['stage'] {
    return this.#state.stage;
  }

  /** Devices connected to this round. */
  get size(): number {
    return this.#members.size;
  }

  /** What operators see of it while it runs. */
  live(): LiveRound {
    const { task, window, closesAt } = this.params;
    const { name, cohort } = task.manifest;
    const isGathering = this.stage === 'gathering';
    const devices = isGathering ? this.size : this.#devices;
    return {
      taskId: toHex(task.taskId),
      task: name,
      window: window.index,
      round: this.id,
      stage: this.stage,
      devices,
      ...stageAnswers(this.#state),
      target: closesAt ?? cohort.target,
      missing: isGathering ? Math.max(0, cohort.min - devices) : 0,
      closesInMs:
        this.#deadlineMs === undefined
          ? null
          : Math.max(0, Math.round(this.#deadlineMs - performance.now())),
    };
  }

  /** What may be told to anyone: no device, no address, no round id. */
  status(): RoundStatus {
    const { task, version, window } = this.#about;
    return { task, version, window, stage: this.stage, devices: this.size, ...this.#watch.times() };
  }

  /** Only while the cohort gathers. The round listens to the connection from now on. */
  join(connection: Connection, certificate: Certificate): void {
    this.#adopt(connection);
    connection.expect('AdvertiseKeys', this.#host.helloTimeoutMs);
    this.#step({ kind: 'join', device: connection.id, certificate });
  }

  /** A device on a new connection claims the place it had. */
  resume(connection: Connection, token: Uint8Array): void {
    this.#adopt(connection);
    this.#step({ kind: 'resume', device: connection.id, token });
  }

  #adopt(connection: Connection): void {
    const device = connection.id;
    this.#members.set(device, connection);
    connection.describeAs(this.#about);
    connection.listen({
      onMessage: (bytes) => this.#step({ kind: 'message', device, bytes }),
      onGone: (code) => this.#onGone(connection, code),
    });
  }

  /** Ends the round; its devices are told the code and why. A sum that is being kept stays. */
  stop(detail: string, code: StopCode = 'shutting-down'): void {
    this.#step({ kind: 'stop', detail, code });
  }

  #onGone(connection: Connection, code: DropCode): void {
    const { id: device } = connection;
    if (!this.#members.has(device)) return;
    this.#retire(connection);
    this.#watch.drop(code);
    this.#step({ kind: 'left', device, code });
  }

  /** Carrying out effects can cause events (a full socket is a lost device), so events wait in line. */
  #step(event: CoordinatorEvent): void {
    this.#queue.push(event);
    if (this.#isStepping) return;
    this.#isStepping = true;
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
        this.#stepOne(next);
      }
    } finally {
      this.#isStepping = false;
    }
  }

  #stepOne(event: CoordinatorEvent): void {
    if (this.#state.stage === 'finished') return;
    if (event.kind === 'join' && this.#state.stage !== 'gathering') {
      this.#members
        .get(event.device)
        ?.drop('cohort-full', 'the cohort closed: join the next round');
      return;
    }
    const wasGathering = this.#state.stage === 'gathering';
    try {
      const context = this.#context();
      const [state, effects] = stepCoordinator(this.#state, event, this.params, context);
      this.#look(state);
      this.#state = state;
      if (wasGathering && state.stage !== 'gathering') {
        this.#rosterMs = performance.now();
        this.#host.onClosedCohort(this);
      }
      if (!wasGathering && state.stage === 'gathering') this.#host.onReopenedCohort(this);
      this.#carryOut(effects);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** What the last state forgets. */
  #look(state: CoordinatorState): void {
    if ('candidates' in state) {
      this.#devices = 'size' in state.candidates ? state.candidates.size : state.candidates.length;
    } else if ('cohort' in state) {
      this.#devices = state.cohort.facts.n;
      this.#drops = state.cohort.drops;
    }
  }

  /** The last words to the devices wait until the sum is durable. */
  async #keep(result: RoundResult): Promise<void> {
    const sum = roundSum(this.params.task, result, this.#cost(), this.#host.now());
    const kept = await this.#host.keep(sum, result.record);
    if (kept.kind === 'kept') {
      this.#step(kept);
      this.#finish(result, sum);
      return;
    }
    const isStopped = kept.code === 'task-stopped';
    const code = isStopped ? 'task-stopped' : 'not-kept';
    const detail = isStopped
      ? 'the operator stopped this task: the sum is thrown away'
      : `${kept.code}: whether the sum is kept is not known`;
    this.#step({ kind: 'not-kept', code, detail });
  }

  /**
   * Messages are made some at a time and then sent together: a peer on the same machine, or a network card,
   * that is awake takes the next one for less than one that has to be woken for each.
   */
  #carryOut(effects: readonly CoordinatorEffect[]): void {
    for (let from = 0; from < effects.length; from += MADE_TOGETHER) {
      const made = effects.slice(from, from + MADE_TOGETHER).map((effect) => {
        if (effect.kind !== 'send' || this.#members.get(effect.device)?.isIdle !== true)
          return effect;
        return { ...effect };
      });
      for (const effect of made) this.#carryOutOne(effect);
    }
  }

  #carryOutOne(effect: CoordinatorEffect): void {
    switch (effect.kind) {
      case 'send':
        this.#members.get(effect.device)?.send(effect);
        return;
      case 'drop': {
        const connection = this.#members.get(effect.device);
        this.#members.delete(effect.device);
        if (connection === undefined) return;
        this.#watch.drop(effect.code);
        connection.drop(effect.code, effect.detail, effect.retryInMs);
        this.#retire(connection);
        return;
      }
      case 'release': {
        const connection = this.#members.get(effect.device);
        this.#members.delete(effect.device);
        connection?.release();
        if (connection !== undefined) this.#retire(connection);
        return;
      }
      case 'attest':
        void this.#attest(effect.request);
        return;
      case 'timer':
        clearTimeout(this.#timer);
        this.#deadlineMs = performance.now() + effect.inMs;
        this.#timer = setTimeout(
          () => this.#step({ kind: 'deadline', stage: effect.stage }),
          effect.inMs,
        );
        return;
      case 'grace': {
        const { device } = effect;
        this.#later(effect.inMs, () => this.#step({ kind: 'grace-over', device }));
        return;
      }
      case 'grant-timer':
        clearTimeout(this.#grantTimer);
        this.#grantTimer = setTimeout(() => this.#step({ kind: 'grants-overdue' }), effect.inMs);
        return;
      case 'open':
        void this.#open(effect.job);
        return;
      case 'stage':
        this.#deadlineMs = undefined;
        this.#log.info({ stage: effect.stage, devices: effect.devices }, 'stage begins');
        this.#watch.stage(effect.stage, effect.devices);
        return;
      case 'result':
        void this.#keep(effect.result).catch((error: unknown) => this.#fail(error));
        return;
      case 'abort':
        this.#log.warn({ code: effect.code, detail: effect.detail }, 'round aborted');
        this.#end(effect, effect.code);
        return;
    }
  }

  #later(inMs: number, run: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      run();
    }, inMs);
    this.#timers.add(timer);
  }

  async #attest(request: UnsignedRequest): Promise<void> {
    const { link } = this.#host;
    const { attestMs } = this.params.durations;
    if (request.kind === 'roster' && !this.#host.isCurrent(this.params)) {
      const detail = 'the registrar began a new incarnation: join again';
      this.#step({ kind: 'answered', response: refused('window-not-open', detail) });
      return;
    }
    const isAttested = this.#check(request);
    const response = await link.ask(request, isAttested, attestMs, this.#about);
    if (response.kind === 'refused') {
      const { code, detail, members } = response;
      this.#log.warn(
        { asked: request.kind, code, detail, refusedDevices: members.length },
        'the registrar refused',
      );
      this.#host.onRefused(this.params);
    }
    // Nobody waits for the answer to a close.
    if (request.kind !== 'close') this.#step({ kind: 'answered', response });
  }

  async #open(job: Extract<CoordinatorEffect, { kind: 'open' }>['job']): Promise<void> {
    try {
      const outcome = await this.#host.opener.open(job);
      if (this.#state.stage === 'opening') this.#step({ kind: 'opened', outcome });
    } catch (error) {
      this.#fail(error);
    }
  }

  #finish(result: RoundResult, sum: RoundSum): void {
    const { devices, survivors, silentAfterMasked } = sum;
    this.#log.info({ devices, survivors, silentAfterMasked }, 'sum opened');
    if (result.inconsistent.length > 0) {
      const { inconsistent: inconsistentShares, atFault } = result;
      this.#log.warn({ inconsistentShares, atFault }, 'wrong shares were corrected');
    }
    this.#watch.opened(devices, survivors);
    this.#host.onResult(publishedResult(this.params.task, sum), result.record);
    this.#end(undefined, 'opened');
  }

  #cost(): RoundCost {
    const { user, system } = process.cpuUsage(this.#cpuAtStart);
    const here = [...this.#members.values()];
    return {
      bytesIn: here.reduce((sum, { bytesIn }) => sum + bytesIn, this.#bytesIn),
      bytesOut: here.reduce((sum, { bytesOut }) => sum + bytesOut, this.#bytesOut),
      gatherMs: Math.round(this.#rosterMs - this.#startedMs),
      roundMs: Math.round(performance.now() - this.#rosterMs),
      cpuMs: Math.round((user + system) / 1000),
    };
  }

  /** A bug of ours ends this round and no other. */
  #fail(error: unknown): void {
    if (this.#state.stage === 'finished') return;
    this.#state = { stage: 'finished' };
    this.#log.error(errorFields(error), 'round failed');
    const code = error instanceof OnlysumError ? error.code : 'internal';
    const detail = 'the coordinator failed; its log says more';
    this.#sendAway('round-aborted', `${code}: ${detail}`);
    this.#end({ code, detail }, 'internal');
  }

  #sendAway(code: DropCode, detail: string): void {
    for (const connection of [...this.#members.values()]) {
      this.#watch.drop(code);
      this.#retire(connection);
      connection.drop(code, detail);
    }
  }

  #end(
    aborted: { readonly code: string; readonly detail: string } | undefined,
    outcome: RoundOutcome,
  ): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#grantTimer);
    for (const timer of this.#timers) clearTimeout(timer);
    for (const connection of [...this.#members.values()]) {
      this.#retire(connection);
      connection.release();
    }
    this.#watch.end(outcome);
    this.#host.onEnd(
      this,
      aborted && {
        code: aborted.code,
        detail: aborted.detail,
        devices: this.#devices,
        drops: countDrops(this.#drops),
        cost: this.#cost(),
      },
    );
  }

  #retire(connection: Connection): void {
    this.#members.delete(connection.id);
    this.#bytesIn += connection.bytesIn;
    this.#bytesOut += connection.bytesOut;
    this.#watch.bytes(connection.bytesIn, connection.bytesOut);
  }

  #context(): MachineContext {
    const { suite, rng, now } = this.#host;
    return { suite, rng, nowMs: now() };
  }
}
