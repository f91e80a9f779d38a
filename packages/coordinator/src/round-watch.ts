/**
 * What happens to rounds, told to whoever counts it. Knows: stages and how long they last.
 * Doesn't know: what is made of it. Invariant: nothing told names a device, an address or a round.
 */
import type { AbortCode, CoordinatorStage, DropCode } from '@onlysum/protocol';
import type { Task } from '@onlysum/task';

export interface RoundObserver {
  /** The roster is attested. */
  onCohort(task: Task, devices: number): void;
  onStageEnd(task: Task, stage: CoordinatorStage, elapsedMs: number): void;
  /** A device was sent away, or is gone, in this stage. */
  onDrop(task: Task, stage: CoordinatorStage, code: DropCode): void;
  /** WebSocket payload of one connection, when the round is done with it. */
  onBytes(task: Task, bytesIn: number, bytesOut: number): void;
  onOpened(task: Task, opened: OpenedRound): void;
  onRoundEnd(task: Task, outcome: RoundOutcome): void;
}

export interface DoorObserver {
  /** A device left, or was sent away, before it had a place in a round. */
  onTurnedAway(code: DropCode): void;
}

export interface OpenedRound {
  readonly devices: number;
  readonly survivors: number;
  /** From the attested survivors to the opened sum. */
  readonly unmaskingMs: number;
}

export type RoundOutcome = 'opened' | AbortCode | 'internal';

export interface StageTimes {
  /** Since the round and its present stage began. */
  readonly ageMs: number;
  readonly stageMs: number;
}

/** One round's. */
export class RoundWatch {
  readonly #task: Task;
  readonly #observer: RoundObserver;
  readonly #startedMs = performance.now();
  #stage: CoordinatorStage = 'gathering';
  #stageStartedMs = this.#startedMs;
  #unmaskingMs = this.#startedMs;

  constructor(task: Task, observer: RoundObserver) {
    this.#task = task;
    this.#observer = observer;
  }

  /** @param devices - of the stage that begins. */
  stage(stage: CoordinatorStage, devices: number): void {
    // The first one begins with the round.
    if (stage === this.#stage) return;
    this.#endStage();
    this.#stage = stage;
    if (stage === 'sharing') this.#observer.onCohort(this.#task, devices);
    if (stage === 'unmasking') this.#unmaskingMs = this.#stageStartedMs;
  }

  drop(code: DropCode): void {
    this.#observer.onDrop(this.#task, this.#stage, code);
  }

  bytes(bytesIn: number, bytesOut: number): void {
    this.#observer.onBytes(this.#task, bytesIn, bytesOut);
  }

  opened(devices: number, survivors: number): void {
    const unmaskingMs = performance.now() - this.#unmaskingMs;
    this.#observer.onOpened(this.#task, { devices, survivors, unmaskingMs });
  }

  end(outcome: RoundOutcome): void {
    this.#endStage();
    this.#observer.onRoundEnd(this.#task, outcome);
  }

  times(): StageTimes {
    const nowMs = performance.now();
    return {
      ageMs: Math.round(nowMs - this.#startedMs),
      stageMs: Math.round(nowMs - this.#stageStartedMs),
    };
  }

  #endStage(): void {
    const nowMs = performance.now();
    this.#observer.onStageEnd(this.#task, this.#stage, nowMs - this.#stageStartedMs);
    this.#stageStartedMs = nowMs;
  }
}
