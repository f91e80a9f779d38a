/**
 * Submissions on their own schedule: in each window at the slots of the device's pool, or at a random time
 * if the registrar does not say when those are. Protocol §2.4.
 * Knows: when. Doesn't know: how. Invariant: submissions never overlap, and nothing here keeps a process
 * alive.
 */
import { OnlysumError, type Rng } from '@onlysum/crypto';
import { clockSkewMs, type PoolSlots } from '@onlysum/protocol';
import { type Manifest, type Window, windowAt } from '@onlysum/task';
import { uniform } from './jitter.js';
import { SubmitError } from './submit-error.js';
import { startTimer } from './timers.js';

export interface BackgroundPorts {
  readonly manifest: Manifest;
  readonly rng: Rng;
  readonly now: () => number;
  /** When this device's pool meets; undefined if that is not known. Never rejects. */
  readonly slotsIn: (window: Window) => Promise<PoolSlots | undefined>;
  /** Submits once. @param attempts - most tries; default: the window's. @throws {OnlysumError} */
  readonly submit: (attempts?: number) => Promise<unknown>;
  readonly onProblem: (error: OnlysumError) => void;
}

/** When to come, and whether the pool meets again later in the same window. */
export interface Visit {
  readonly atMs: number;
  readonly isLast: boolean;
}

/** A round that begins in the last tenth of a window may not end in it. */
const LAST_PART = 0.1;
/** Devices of a slot come within this time of it, so that they do not connect in one instant. */
const MOST_JITTER_MS = 5_000;
const JITTER_PART = 1 / 120;
/** What has not come about after so many tries may at the next slot, among others. */
const TRIES_AT_A_SLOT = 3;

/** @returns a function that ends the schedule; a submission under way is the caller's to abort. */
export function startBackground(ports: BackgroundPorts): () => void {
  const schedule = new Schedule(ports);
  void schedule.run();
  return () => schedule.stop();
}

class Schedule {
  readonly #ports: BackgroundPorts;
  #isStopped = false;
  #cancel = (): void => {};

  constructor(ports: BackgroundPorts) {
    this.#ports = ports;
  }

  async run(): Promise<void> {
    let fromMs = this.#ports.now();
    let triedIn: number | undefined;
    while (!this.#isStopped) {
      const visit = await this.#nextVisit(fromMs, triedIn);
      await this.#until(visit.atMs);
      triedIn = windowAt(this.#ports.manifest, visit.atMs).index;
      fromMs = await this.#submit(visit);
    }
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel();
  }

  async #nextVisit(fromMs: number, triedIn: number | undefined): Promise<Visit> {
    const { manifest, rng, now } = this.#ports;
    const window = windowAt(manifest, fromMs);
    const slots = await this.#slotsOf(window);
    if (slots === undefined) {
      return { atMs: submitAtMs(manifest, Math.max(fromMs, now()), rng), isLast: true };
    }
    const soonestMs = Math.max(fromMs, now());
    const visit = visitAt(slots, soonestMs, triedIn === window.index, manifest, rng);
    return visit ?? (await this.#nextVisit(Math.max(window.endMs, soonestMs), triedIn));
  }

  /** Asked for at a random time about the window's beginning, again where clocks may differ. */
  async #slotsOf(window: Window): Promise<PoolSlots | undefined> {
    const { manifest, rng, now, slotsIn } = this.#ports;
    const marginMs = clockSkewMs(manifest);
    if (now() < window.startMs) await this.#until(window.startMs + uniform(rng) * marginMs);
    const slots = this.#isStopped ? undefined : await slotsIn(window);
    if (slots !== undefined || now() >= window.startMs + marginMs) return slots;
    await this.#until(window.startMs + marginMs * (1 + uniform(rng)));
    return this.#isStopped ? undefined : slotsIn(window);
  }

  /** @returns from when on to come again. */
  async #submit({ atMs, isLast }: Visit): Promise<number> {
    const { manifest, now, submit, onProblem } = this.#ports;
    if (this.#isStopped) return now();
    // A round may end after its window: the next one is not to be left out for that.
    const { endMs } = windowAt(manifest, atMs);
    try {
      await submit(isLast ? undefined : TRIES_AT_A_SLOT);
      return endMs;
    } catch (error) {
      if (!this.#isStopped && !isExpected(error)) onProblem(error as OnlysumError);
      return comeBackMs(error, endMs, now());
    }
  }

  /** Never resolves once it is stopped. */
  #until(atMs: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.#isStopped) return;
      this.#cancel = startTimer(atMs - this.#ports.now(), false, resolve);
    });
  }
}

/**
 * The next slot; after the last one at once, and then, if it was tried before, at a random time.
 *
 * @param hasTried - in this window.
 * @returns undefined if the window is over for this device.
 */
export function visitAt(
  { opensMs, closesMs }: PoolSlots,
  fromMs: number,
  hasTried: boolean,
  manifest: Manifest,
  rng: Rng,
): Visit | undefined {
  const jitterMs = Math.min(MOST_JITTER_MS, manifest.window.lengthMs * JITTER_PART);
  const next = opensMs.findIndex((ms) => ms >= fromMs);
  const openMs = opensMs[next];
  if (openMs !== undefined) {
    return { atMs: openMs + uniform(rng) * jitterMs, isLast: next === opensMs.length - 1 };
  }
  const leftMs = closesMs - fromMs;
  if (leftMs <= 0) return undefined;
  const waitMs = uniform(rng) * (hasTried ? leftMs : Math.min(leftMs, jitterMs));
  return { atMs: fromMs + waitMs, isLast: true };
}

/** @returns a uniform time, Unix ms, in what is left of the window of `fromMs`, or in the next one. */
export function submitAtMs(manifest: Manifest, fromMs: number, rng: Rng): number {
  const { startMs, endMs } = windowAt(manifest, fromMs);
  const lengthMs = endMs - startMs;
  const lastMs = endMs - LAST_PART * lengthMs;
  const firstMs = fromMs < lastMs ? fromMs : endMs;
  const untilMs = fromMs < lastMs ? lastMs : lastMs + lengthMs;
  return firstMs + uniform(rng) * (untilMs - firstMs);
}

/** After a failure that can pass, once more in the same window; else in the next. */
function comeBackMs(error: unknown, endMs: number, nowMs: number): number {
  if (error instanceof SubmitError && error.nextWindowMs !== undefined) return error.nextWindowMs;
  const canPass = error instanceof OnlysumError && error.retryable;
  return canPass ? nowMs : endMs;
}

/** Another submission of this device was first, or is under way: as it should be. */
function isExpected(error: unknown): boolean {
  const codes = ['already-contributed', 'submit-running'];
  return error instanceof OnlysumError && codes.includes(error.code);
}
