/**
 * What a coordinator counts of its work, for /metrics and /healthz. Knows: counters and their labels.
 * Doesn't know: HTTP. Invariant: every label has a bounded set of values, and none names a device, an
 * address or a round; each instance has a registry of its own.
 */
import type {
  CoordinatorStage,
  DropCode,
  RegistrarResponse,
  UnsignedRequest,
} from '@onlysum/protocol';
import type { Task } from '@onlysum/task';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { ReasonTally } from './reason-tally.js';
import type { DoorObserver, OpenedRound, RoundObserver, RoundOutcome } from './round-watch.js';

const PREFIX = 'onlysum_coordinator_';
/** From a stage on one machine to the longest that stages last by default, and beyond. */
const STAGE_SECONDS = [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300];
const ANSWER_SECONDS = [0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10];
/** From the smallest cohort that there can be to the largest that was tried. */
const COHORT_DEVICES = [3, 10, 30, 100, 300, 1000, 3000, 10_000];
const RESPONSE_RATES = [0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99, 1];

/** What is measured when it is asked for. */
export interface PresentState {
  readonly connections: number;
  readonly unsavedResults: number;
  readonly unopenableResults: number;
  readonly rounds: readonly { readonly task: string; readonly stage: string }[];
}

export class Observations implements RoundObserver, DoorObserver {
  readonly drops = new ReasonTally();
  readonly aborts = new ReasonTally();
  readonly #now: () => number;
  readonly #registry = new Registry();
  readonly #rounds = this.#counter('rounds_total', 'Rounds that ended, by outcome.', [
    'task',
    'outcome',
  ]);
  readonly #stages = this.#histogram(
    'stage_duration_seconds',
    'How long stages of rounds lasted.',
    ['task', 'stage'],
    STAGE_SECONDS,
  );
  readonly #cohorts = this.#histogram(
    'cohort_devices',
    'Devices of attested rosters.',
    ['task'],
    COHORT_DEVICES,
  );
  readonly #responses = this.#histogram(
    'response_ratio',
    'Survivors per device of the roster, of opened rounds.',
    ['task'],
    RESPONSE_RATES,
  );
  readonly #unmaskings = this.#histogram(
    'unmasking_duration_seconds',
    'From the attested survivors to the opened sum.',
    ['task'],
    STAGE_SECONDS,
  );
  readonly #dropped = this.#counter('drops_total', 'Devices sent away or lost.', [
    'task',
    'stage',
    'code',
  ]);
  readonly #turnedAway = this.#counter(
    'turned_away_total',
    'Devices sent away or lost before they had a place in a round.',
    ['code'],
  );
  readonly #bytes = this.#counter(
    'round_bytes_total',
    'WebSocket payload of connections of rounds.',
    ['task', 'direction'],
  );
  readonly #answers = this.#histogram(
    'registrar_answer_seconds',
    "How long the registrar's answers took, repetitions included, by kind and outcome.",
    ['kind', 'outcome'],
    ANSWER_SECONDS,
  );

  /** @param now - Unix time in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  onCohort(task: Task, devices: number): void {
    this.#cohorts.observe({ task: nameOf(task) }, devices);
  }

  onStageEnd(task: Task, stage: CoordinatorStage, elapsedMs: number): void {
    this.#stages.observe({ task: nameOf(task), stage }, elapsedMs / 1000);
  }

  onDrop(task: Task, stage: CoordinatorStage, code: DropCode): void {
    this.#dropped.inc({ task: nameOf(task), stage, code });
    this.drops.add(code, this.#now(), stage);
  }

  onTurnedAway(code: DropCode): void {
    this.#turnedAway.inc({ code });
    this.drops.add(code, this.#now());
  }

  onBytes(task: Task, bytesIn: number, bytesOut: number): void {
    this.#bytes.inc({ task: nameOf(task), direction: 'in' }, bytesIn);
    this.#bytes.inc({ task: nameOf(task), direction: 'out' }, bytesOut);
  }

  onOpened(task: Task, { devices, survivors, unmaskingMs }: OpenedRound): void {
    this.#responses.observe({ task: nameOf(task) }, survivors / devices);
    this.#unmaskings.observe({ task: nameOf(task) }, unmaskingMs / 1000);
  }

  onRoundEnd(task: Task, outcome: RoundOutcome): void {
    this.#rounds.inc({ task: nameOf(task), outcome });
    if (outcome !== 'opened') this.aborts.add(outcome, this.#now());
  }

  /** The registrar's own code is not a label: a peer chooses it. */
  readonly onAnswer = (
    kind: UnsignedRequest['kind'],
    response: RegistrarResponse,
    elapsedMs: number,
  ): void => {
    this.#answers.observe({ kind, outcome: outcomeOf(response) }, elapsedMs / 1000);
  };

  /**
   * @param state - asked whenever the registry is.
   * @returns the registry, with what the process itself costs.
   */
  expose(state: () => PresentState): Registry {
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry });
    this.#gauge('connections', 'Open connections of devices.', () => state().connections);
    this.#gauge('unsaved_results', 'Results that could not be written.', () => {
      return state().unsavedResults;
    });
    this.#gauge('unopenable_results', 'Results that no key here opens.', () => {
      return state().unopenableResults;
    });
    const running = new Gauge({
      name: `${PREFIX}rounds`,
      help: 'Rounds that have not ended, by stage.',
      labelNames: ['task', 'stage'] as const,
      registers,
      collect: () => {
        running.reset();
        for (const { task, stage } of state().rounds) running.inc({ task, stage });
      },
    });
    return this.#registry;
  }

  close(): void {
    this.#registry.clear();
  }

  #counter<L extends string>(name: string, help: string, labelNames: readonly L[]): Counter<L> {
    return new Counter({ name: PREFIX + name, help, labelNames, registers: [this.#registry] });
  }

  #histogram<L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
    buckets: number[],
  ): Histogram<L> {
    const registers = [this.#registry];
    return new Histogram({ name: PREFIX + name, help, labelNames, buckets, registers });
  }

  #gauge(name: string, help: string, value: () => number): void {
    const gauge: Gauge = new Gauge({
      name: PREFIX + name,
      help,
      registers: [this.#registry],
      collect: () => gauge.set(value()),
    });
  }
}

function nameOf({ manifest }: Task): string {
  return manifest.name;
}

function outcomeOf(response: RegistrarResponse): string {
  if (response.kind !== 'refused') return 'attested';
  return response.code === 'registrar-unavailable' ? 'unavailable' : 'refused';
}
