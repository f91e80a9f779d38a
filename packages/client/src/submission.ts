/**
 * From recorded values to a receipt: certificate, round, and again after a failure that can pass.
 * Knows: what may be retried and when. Doesn't know: sockets, files, schedules.
 * Invariant: values are dropped only after the record says that they were sent, and after that no
 * second round is joined in the window.
 */
import { InternalError, OnlysumError, RoundError, toHex, wipe } from '@onlysum/crypto';
import { encodeLanes } from '@onlysum/metrics';
import type { DeviceStage, Reservation, ReservationOutcome } from '@onlysum/protocol';
import {
  checkValidity,
  checkVersion,
  isWithinBudget,
  type PolicyFloor,
  type Window,
  windowAt,
} from '@onlysum/task';
import type { Consent } from './consent.js';
import type { Derive } from './derive.js';
import { drawNoiseInSlices } from './draw-noise-in-slices.js';
import { type EnrolmentPorts, isEnrolled, type Pseudonym, pseudonymFor } from './enrolment.js';
import { backoffMs } from './jitter.js';
import { type Charge, chargeOf, firstWindowMs, spentWith } from './privacy-budget.js';
import { fileReceipt, keepUntilMs, submitReceipt } from './receipt.js';
import {
  type ClientRecord,
  type LedgerEntry,
  own,
  registrarOf,
  type SentEntry,
  type SubmitReceipt,
} from './record.js';
import type { Recorder } from './recorder.js';
import { freeFromMs, reserve } from './reservation.js';
import { type RoundEnd, runRound } from './round.js';
import { SubmitError } from './submit-error.js';
import { sleep } from './timers.js';
import type { Transport } from './transport.js';

export interface SubmissionPorts extends EnrolmentPorts {
  readonly floor: PolicyFloor;
  readonly transport: Transport;
  readonly derive: Derive;
  readonly now: () => number;
  readonly consent: Consent;
  readonly recorder: Recorder;
  readonly offerTimeoutMs: number;
  readonly holdsProcess: boolean;
  /** Aborts with an {@link OnlysumError}. */
  readonly signal: AbortSignal;
  readonly onStage: (stage: DeviceStage | 'retrying', detail: string | undefined) => void;
  readonly onProblem: (error: OnlysumError) => void;
}

export interface SubmissionLimits {
  /** Most tries; undefined for as many as there is time for. */
  readonly attempts: number | undefined;
  /** Whether the last try must begin in the window of the first one. */
  readonly staysInWindow: boolean;
}

/**
 * Tries until there is a receipt, or the limits or the signal end it.
 *
 * @throws {SubmitError} when a round or the registrar failed; {@link UsageError} when nothing was
 *   tried (`not-enrolled`, `task-not-valid`, `manifest-rollback`, `record-corrupt`).
 */
export async function submitOnce(
  ports: SubmissionPorts,
  { attempts = Number.POSITIVE_INFINITY, staysInWindow }: SubmissionLimits,
): Promise<SubmitReceipt> {
  const startedMs = ports.now();
  const untilMs = staysInWindow
    ? windowAt(ports.task.manifest, startedMs).endMs
    : Number.POSITIVE_INFINITY;
  let failure: OnlysumError | undefined;
  for (let attempt = 1; ; attempt++) {
    const progress = () => ({ attempts: attempt, triedMs: ports.now() - startedMs });
    const window = await openWindow(ports, progress);
    const tried = await tryRound(ports, window);
    if ('receipt' in tried) return tried.receipt;
    const { error, contributed, retryInMs } = tried;
    const end = (cause: OnlysumError, nextWindowMs?: number): SubmitError =>
      new SubmitError({
        cause,
        ...progress(),
        contributed,
        nextWindowMs: contributed ? window.endMs : nextWindowMs,
      });
    // Whoever lost the race for the window learns when it may come again.
    if (LOST_RACES.includes(error.code)) {
      await openWindow(ports, progress);
      throw end(error);
    }
    if (ports.signal.aborted) throw end(ending(error, failure));
    if (contributed || !error.retryable || attempt >= attempts) throw end(error);
    const waitMs = Math.max(backoffMs(attempt, ports.rng), retryInMs ?? 0);
    if (ports.now() + waitMs >= untilMs) throw end(error, untilMs);
    ports.onStage('retrying', `${error.message}; again in ${Math.ceil(waitMs / 1000)} s`);
    await sleep(waitMs, ports.holdsProcess, ports.signal).catch((reason: OnlysumError) => {
      throw end(ending(reason, error));
    });
    failure = error;
  }
}

/** Another process of this device was first: what was open before the round is not any more. */
const LOST_RACES = ['already-contributed', 'privacy-budget-spent'];

/** When time is up, what stood in the way is the news. */
function ending(error: OnlysumError, failure: OnlysumError | undefined): OnlysumError {
  if (failure === undefined) return error;
  const { code, message, retryable } = error;
  return new RoundError(code, `${message}; the last try: ${failure.message}`, {
    retryable,
    cause: error,
  });
}

/** Renews for the next epoch while this one lasts: a late certificate waits a window. Protocol §2.4. */
export async function renewAhead(ports: SubmissionPorts): Promise<void> {
  const { manifest } = ports.task;
  if (!isEnrolled(await ports.store.read(), manifest.registrar)) return;
  const nowMs = ports.now();
  const { epoch } = windowAt(manifest, nowMs);
  const leftMs = (epoch + 1) * manifest.epoch.lengthMs - nowMs;
  if (leftMs > Math.max(manifest.window.lengthMs, manifest.epoch.lengthMs / 4)) return;
  wipe((await pseudonymFor(ports, epoch + 1)).seed);
}

/** The present window, if this device may still contribute to it, and its budget bears that. */
async function openWindow(
  ports: SubmissionPorts,
  progress: () => { readonly attempts: number; readonly triedMs: number },
): Promise<Window> {
  const { manifest } = ports.task;
  const window = windowAt(manifest, ports.now());
  checkValidity(manifest, window);
  const record = await ports.store.read();
  checkVersion(manifest, own(own(record.versions, manifest.publisher) ?? {}, manifest.name));
  const refused = (cause: OnlysumError, nextWindowMs: number | undefined): SubmitError =>
    new SubmitError({ cause, ...progress(), contributed: false, nextWindowMs });
  const freeMs = freeFromMs(record, manifest);
  if (window.startMs < freeMs) {
    throw refused(
      new RoundError(
        'already-contributed',
        'this device has already contributed to a metric of this task for the present window',
      ),
      firstWindowFrom(freeMs, manifest.window.lengthMs),
    );
  }
  const charge = chargeOf(ports.task, window);
  if (charge === undefined) return window;
  const entries = own(record.privacySpent, manifest.publisher) ?? [];
  const spent = spentWith(entries, charge);
  if (isWithinBudget(spent, charge.budget)) return window;
  const returnsMs = firstWindowMs(entries, charge);
  throw refused(budgetSpent(spent, charge, returnsMs), returnsMs);
}

function budgetSpent(spent: number, { budget }: Charge, returnsMs: number | undefined): RoundError {
  const period = budget.days === 1 ? 'the last day' : `the last ${budget.days} days`;
  const returns =
    returnsMs === undefined ? '' : `; enough of it returns at ${new Date(returnsMs).toISOString()}`;
  return new RoundError(
    'privacy-budget-spent',
    `this window would bring what ${period} cost this device to epsilon = ${Number(spent.toPrecision(4))}, ` +
      `of a budget of ${budget.epsilon}: nothing was sent${returns}`,
  );
}

/** Another task's windows may end inside one of this task's. */
function firstWindowFrom(ms: number, lengthMs: number): number {
  return Math.ceil(ms / lengthMs) * lengthMs;
}

type Tried =
  | { readonly receipt: SubmitReceipt }
  | {
      readonly error: OnlysumError;
      readonly contributed: boolean;
      readonly retryInMs: number | undefined;
    };

async function tryRound(ports: SubmissionPorts, window: Window): Promise<Tried> {
  let noise: Int32Array | undefined;
  let pseudonym: Pseudonym;
  try {
    ports.signal.throwIfAborted();
    noise = await drawNoiseInSlices({ ...ports, layout: ports.task.layout });
    pseudonym = await pseudonymFor(ports, window.epoch);
  } catch (error) {
    if (noise !== undefined) wipe(noise);
    if (!(error instanceof OnlysumError) || !error.retryable) throw error;
    return { error, contributed: false, retryInMs: undefined };
  }
  const sent = new SentInput(ports);
  try {
    const { task, store } = ports;
    const { incarnation } = registrarOf(await store.read(), task.manifest.registrar);
    const end = await runRound({
      ...ports,
      noise,
      params: {
        task,
        floor: ports.floor,
        pseudonymSeed: pseudonym.seed,
        certificate: pseudonym.certificate,
        incarnation,
      },
      takeInput: (at) => sent.take(at),
      reserve: (reservation, isWanted) => sent.reserve(reservation, isWanted),
    });
    return await conclude(ports, sent, end);
  } finally {
    wipe(pseudonym.seed);
    if (noise !== undefined) wipe(noise);
    ports.recorder.giveBack();
  }
}

async function conclude(
  { store, onProblem }: SubmissionPorts,
  { entry }: SentInput,
  { outcome, retryInMs }: RoundEnd,
): Promise<Tried> {
  if (outcome.kind === 'failed') {
    return { error: outcome.error, contributed: outcome.contributed, retryInMs };
  }
  if (entry === undefined) throw new InternalError('internal', 'a receipt came for no input');
  const receipt = submitReceipt(entry, outcome.receipt);
  // The round is over and counted: a ledger that cannot be written must not hide that.
  await store
    .update((record) => [fileReceipt(record, receipt), undefined])
    .catch((error: unknown) => onProblem(error as OnlysumError));
  return { receipt };
}

/** The input of one round, from the recorder to the durable record. */
class SentInput {
  readonly #ports: SubmissionPorts;
  #draft: Omit<SentEntry, 'round' | 'privacy'> | undefined;
  #charge: Charge | undefined;
  #withdrawals = 0;
  /** What was reserved, if it was. */
  entry: LedgerEntry | undefined;

  constructor(ports: SubmissionPorts) {
    this.#ports = ports;
  }

  take(window: Window): Uint32Array {
    const { task, recorder, consent, now } = this.#ports;
    const { name, version, publisher } = task.manifest;
    const values = recorder.take();
    this.#withdrawals = consent.withdrawals;
    const groups = consent.given();
    const sentAtMs = now();
    this.#charge = chargeOf(task, window);
    this.#draft = {
      kind: 'sent',
      task: { name, version, taskId: toHex(task.taskId), publisher },
      window: { ...window },
      sentAtMs,
      groups,
      values: Object.fromEntries(values),
      keepUntilMs: keepUntilMs(task.manifest, groups, sentAtMs),
    };
    return encodeLanes(task, values, (group) => consent.isGiven(group));
  }

  async reserve(
    reservation: Reservation,
    isWanted: () => boolean,
  ): Promise<ReservationOutcome | 'withdrawn'> {
    const { task, store, recorder, onProblem } = this.#ports;
    const { registrar } = task.manifest;
    try {
      const draft = this.#draft;
      if (draft === undefined) throw new InternalError('internal', 'a reservation for no input');
      const entry = { ...draft, round: toHex(reservation.round) };
      const outcome = await store.update((before): Change => {
        if (!isWanted() || !this.#isConsented()) return [before, 'withdrawn'];
        const change = reserve(before, reservation, registrar, this.#charge, entry);
        this.entry = change[0].receipts.at(-1);
        return change;
      });
      if (outcome !== 'reserved') return outcome;
      if (!this.#isConsented()) return await this.#takeBack(entry.round);
      recorder.drop();
      return outcome;
    } catch (error) {
      onProblem(error as OnlysumError);
      return 'failed';
    }
  }

  /** Consent went while the record was written. The window and its cost are spent, but nothing leaves. */
  async #takeBack(round: string): Promise<'withdrawn'> {
    await this.#ports.store.update((record) => [
      { ...record, receipts: record.receipts.filter((entry) => entry.round !== round) },
      undefined,
    ]);
    return 'withdrawn';
  }

  #isConsented(): boolean {
    return this.#withdrawals === this.#ports.consent.withdrawals;
  }
}

type Change = readonly [ClientRecord, ReservationOutcome | 'withdrawn'];
