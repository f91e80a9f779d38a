/**
 * The client: what a host program holds. Knows: which part does what, and that one submission runs at a
 * time. Doesn't know: any step of it. Invariant: `record` never throws, and nothing outside the
 * manifest is ever kept.
 */
import { describe, OnlysumError, RoundError, UsageError } from '@onlysum/crypto';
import type { RecordedValue } from '@onlysum/metrics';
import { checkManifestFloor, checkValidity, checkVersion } from '@onlysum/task';
import { type Task, verifySignedManifest, windowAt } from '@onlysum/task';
import { startBackground } from './background.js';
import { Consent } from './consent.js';
import type { Credential } from './credential.js';
import { type EnrolOptions, enrolWith, isEnrolled } from './enrolment.js';
import { takeRegistrar } from './key-change.js';
import { type CheckedOptions, checkDuration, checkOptions, type ClientOptions } from './options.js';
import { makePreview, type Preview } from './preview.js';
import { type ClientRecord, type LedgerEntry, own, type SubmitReceipt } from './record.js';
import { Recorder } from './recorder.js';
import {
  renewAhead,
  type SubmissionLimits,
  type SubmissionPorts,
  submitOnce,
} from './submission.js';
import { duration } from './submit-error.js';
import { startTimer } from './timers.js';

export interface SubmitOptions {
  /** Aborting ends the submission; what has been masked into a sum cannot be taken back. */
  readonly signal?: AbortSignal;
  /** Most time in all. Default: until a minute after the present window ends. */
  readonly timeoutMs?: number;
  /**
   * Most tries, with random waits between them that grow to 15 s. Default: as many as there is time for;
   * without `timeoutMs` none begins after the present window.
   */
  readonly attempts?: number;
}

export interface Client {
  /** The verified task. */
  readonly task: Task;
  /** Whether this device is enrolled, as last seen in the store; also before the registrar's key changed. */
  readonly isEnrolled: boolean;
  /**
   * Enrols this device, once. The same code, or a token of the same licence, again does nothing.
   *
   * @param credential - a code from the operator, which works once; or `{ token }`, a licence token (JWT)
   *   of an issuer that the registrar trusts.
   * @throws {UsageError} `already-enrolled` by another one, which only `replace` gives up; if the
   *   registrar refuses it (`code-invalid`, `code-used`, `token-invalid`, `token-expired`,
   *   `licence-exhausted`); {@link RoundError} `registrar-unavailable`: try again with the same.
   */
  enrol(credential: Credential, options?: EnrolOptions): Promise<void>;
  /**
   * Records a value of a metric. Counts and sums add up until they are sent, of others the last value
   * counts. Values go into the window in which they are submitted; of a group that is not given nothing
   * is kept, which `onProblem` is told once a metric (`consent-missing`). Never throws: what is wrong
   * goes to `onProblem` and is not recorded.
   */
  record(metric: string, value: RecordedValue): void;
  /** What would be sent now. */
  preview(): Preview;
  /**
   * Gives a group or takes it back, at once for everything that has not left: its recorded values are
   * forgotten, and a round that has not sent its input starts again without them.
   *
   * @throws {UsageError} `group-unknown`, `group-essential`.
   */
  setConsent(group: string, isGiven: boolean): void;
  /**
   * Takes part in a round of the present window; keeps a Node process alive until it is done.
   *
   * @returns the receipt; `included` says whether the sum has this device's values.
   * @throws {SubmitError} with what happened, whether trying again can help, and when;
   *   {@link UsageError} `not-enrolled`, `submit-running`, `client-closed`, `task-not-valid`.
   */
  submit(options?: SubmitOptions): Promise<SubmitReceipt>;
  /** Submits once in each window, at a random time, without keeping a process alive. */
  start(): void;
  /** Ends the background mode, and a submission that it has under way. */
  stop(): void;
  /** What was sent, the newest last. */
  receipts(): Promise<readonly LedgerEntry[]>;
  /** Ends everything under way and closes the store. */
  close(): Promise<void>;
}

/**
 * Makes a client for one task. Ten lines from import to receipt:
 *
 * ```ts
 * import { createClient, fileStore } from '@onlysum/client/node';
 * import { readFile } from 'node:fs/promises';
 * const manifest = JSON.parse(await readFile('manifest.signed.json', 'utf8'));
 * const store = fileStore('device');
 * const consent = ['performance']; // the optional groups that the user gave
 * const client = await createClient({ manifest, publisherKey, registrarUrl, store, consent });
 * if (!client.isEnrolled) await client.enrol(code);
 * client.record('startup_ms', 412);
 * const { included, survivors } = await client.submit();
 * console.log(included ? `one of ${survivors} in the sum` : 'not in the sum');
 * ```
 *
 * @throws {UsageError} if the manifest is not signed by `publisherKey`, falls below the floor, is not
 *   valid now, or is older than one this device has taken (`manifest-signature`, `publisher-mismatch`,
 *   `below-floor`, `task-not-valid`, `manifest-rollback`, …); if an option is wrong; if the record
 *   cannot be read (`record-corrupt`).
 */
export async function createClient(options: ClientOptions): Promise<Client> {
  const checked = checkOptions(options);
  const { suite, floor, store, now } = checked;
  const task = verifySignedManifest(suite, checked.manifest, checked.publisherKey);
  checkManifestFloor(task.manifest, floor);
  checkValidity(task.manifest, windowAt(task.manifest, now()));
  const consent = new Consent(task.manifest, checked.consent);
  const record = await store.update((before) => {
    const after = takeRegistrar(takeVersion(before, task), task);
    return [after, after];
  });
  return new TaskClient(task, checked, consent, isEnrolled(record, task.manifest.registrar));
}

/** A round that began in a window may end a little after it. */
const AFTER_WINDOW_MS = 60_000;

class TaskClient implements Client {
  readonly task: Task;
  readonly #options: CheckedOptions;
  readonly #consent: Consent;
  readonly #recorder: Recorder;
  #isEnrolled: boolean;
  #isClosed = false;
  /** Metrics of which the host was told that their group is not given. */
  readonly #withheld = new Set<string>();
  #running: Running | undefined;
  #endBackground: (() => void) | undefined;

  constructor(task: Task, options: CheckedOptions, consent: Consent, isEnrolledNow: boolean) {
    this.task = task;
    this.#options = options;
    this.#consent = consent;
    this.#recorder = new Recorder(task.manifest, (group) => consent.isGiven(group));
    this.#isEnrolled = isEnrolledNow;
  }

  get isEnrolled(): boolean {
    return this.#isEnrolled;
  }

  async enrol(credential: Credential, options: EnrolOptions = {}): Promise<void> {
    this.#checkOpen();
    const { suite, rng, store } = this.#options;
    const ports = { task: this.task, store, suite, rng, call: this.#call(true) };
    await enrolWith(ports, credential, options);
    this.#isEnrolled = true;
  }

  record(metric: string, value: RecordedValue): void {
    try {
      const missing = this.#recorder.record(metric, value);
      if (missing !== undefined) this.#tellWithheld(metric, missing);
    } catch (error) {
      this.#options.onProblem(recordProblem(error));
    }
  }

  #tellWithheld(metric: string, group: string): void {
    if (this.#withheld.has(metric)) return;
    this.#withheld.add(metric);
    const what = `${metric} is of the optional group ${group}, which is not given: nothing is kept`;
    const remedy = `if the user agrees, name ${group} in the option consent or call setConsent('${group}', true)`;
    this.#options.onProblem(
      new UsageError('consent-missing', `record: ${what}; ${remedy}`, { field: 'metric' }),
    );
  }

  preview(): Preview {
    const window = windowAt(this.task.manifest, this.#options.now());
    return makePreview(this.task, this.#recorder.values(), this.#consent, window);
  }

  setConsent(group: string, isGiven: boolean): void {
    this.#consent.set(group, isGiven);
    if (!isGiven) this.#recorder.forget(group);
  }

  submit(options: SubmitOptions = {}): Promise<SubmitReceipt> {
    return this.#submit(options, true);
  }

  start(): void {
    this.#checkOpen();
    const { rng, now, onProblem } = this.#options;
    this.#endBackground ??= startBackground({
      manifest: this.task.manifest,
      rng,
      now,
      onProblem,
      submit: () => this.#submit({}, false),
    });
  }

  stop(): void {
    this.#endBackground?.();
    this.#endBackground = undefined;
    if (this.#running?.holdsProcess === false) this.#running.abort(aborted('stop() was called'));
  }

  async receipts(): Promise<readonly LedgerEntry[]> {
    this.#checkOpen();
    return (await this.#options.store.read()).receipts;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.stop();
    this.#running?.abort(aborted('close() was called'));
    await this.#running?.done;
    await this.#options.store.close();
  }

  async #submit(options: SubmitOptions, holdsProcess: boolean): Promise<SubmitReceipt> {
    this.#checkOpen();
    if (this.#running !== undefined) {
      throw new UsageError('submit-running', 'submit: one is under way: wait for it', {
        retryable: true,
      });
    }
    const { attempts, timeoutMs = this.#defaultTimeoutMs() } = options;
    checkDuration('timeoutMs', timeoutMs);
    if (attempts !== undefined) checkAttempts(attempts);
    const controller = new AbortController();
    const abort = (error: OnlysumError): void => controller.abort(error);
    const limits = { attempts, staysInWindow: options.timeoutMs === undefined };
    const work = this.#work(this.#ports(controller.signal, holdsProcess), limits);
    const done = Promise.allSettled([work]);
    this.#running = { holdsProcess, abort, done };
    const release = abortOn(options.signal, timeoutMs, holdsProcess, abort);
    return work.finally(() => {
      release();
      this.#running = undefined;
    });
  }

  async #work(ports: SubmissionPorts, limits: SubmissionLimits): Promise<SubmitReceipt> {
    try {
      return await submitOnce(ports, limits);
    } finally {
      if (!ports.signal.aborted) {
        await renewAhead(ports).catch((error: unknown) => ports.onProblem(error as OnlysumError));
      }
    }
  }

  #ports(signal: AbortSignal, holdsProcess: boolean): SubmissionPorts {
    return {
      ...this.#options,
      task: this.task,
      consent: this.#consent,
      recorder: this.#recorder,
      call: { ...this.#call(holdsProcess), signal },
      holdsProcess,
      signal,
      onStage: (stage, detail) => this.#options.onProgress({ stage, detail }),
    };
  }

  #call(holdsProcess: boolean) {
    const { fetch, registrarUrl: url } = this.#options;
    return { fetch, url, holdsProcess };
  }

  #defaultTimeoutMs(): number {
    const nowMs = this.#options.now();
    return windowAt(this.task.manifest, nowMs).endMs - nowMs + AFTER_WINDOW_MS;
  }

  #checkOpen(): void {
    if (this.#isClosed)
      throw new UsageError('client-closed', 'the client was closed: make another');
  }
}

interface Running {
  readonly holdsProcess: boolean;
  abort(error: OnlysumError): void;
  readonly done: Promise<unknown>;
}

/** @returns a function that lets go of signal and timer. */
function abortOn(
  signal: AbortSignal | undefined,
  timeoutMs: number,
  holdsProcess: boolean,
  abort: (error: OnlysumError) => void,
): () => void {
  const onAbort = (): void => abort(aborted('its signal was aborted', signal?.reason));
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted === true) onAbort();
  const cancel = startTimer(timeoutMs, holdsProcess, () =>
    abort(
      new RoundError('submit-timeout', `submit: not done within ${duration(timeoutMs)}`, {
        retryable: true,
      }),
    ),
  );
  return () => {
    cancel();
    signal?.removeEventListener('abort', onAbort);
  };
}

function aborted(why: string, cause?: unknown): RoundError {
  return new RoundError('submit-aborted', `submit: ended early: ${why}`, {
    retryable: true,
    cause,
  });
}

function checkAttempts(attempts: unknown): void {
  if (Number.isInteger(attempts) && (attempts as number) >= 1) return;
  const got = describe(attempts);
  throw new UsageError('argument-invalid', `attempts: expected an integer ≥ 1, got ${got}`, {
    field: 'attempts',
    expected: 'an integer ≥ 1',
    got,
  });
}

function takeVersion(record: ClientRecord, { manifest }: Task): ClientRecord {
  const { publisher, name, version } = manifest;
  const versions = own(record.versions, publisher) ?? {};
  checkVersion(manifest, own(versions, name));
  return {
    ...record,
    versions: { ...record.versions, [publisher]: { ...versions, [name]: version } },
  };
}

/** A hostile value (a proxy, say) may throw anything, even something that throws when looked at. */
function recordProblem(error: unknown): OnlysumError {
  try {
    if (error instanceof OnlysumError) return error;
  } catch {
    // Fall through.
  }
  return new UsageError('value-type', 'record: the value cannot be read', { field: 'value' });
}
