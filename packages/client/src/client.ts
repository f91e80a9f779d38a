/**
 * The client: what a host program holds. Knows: which part does what. Doesn't know: any step of it.
 * Invariant: `record` never throws, and nothing outside the manifest is ever kept.
 */
import { describe, OnlysumError, UsageError } from '@onlysum/crypto';
import type { RecordedValue } from '@onlysum/metrics';
import { checkManifestFloor, checkValidity, checkVersion } from '@onlysum/task';
import { type Task, verifySignedManifest, windowAt } from '@onlysum/task';
import { startBackground } from './background.js';
import { type ClientConsent, Consent } from './consent.js';
import type { Credential } from './credential.js';
import { type EnrolmentPorts, type EnrolOptions, enrolWith, isEnrolled } from './enrolment.js';
import { takeRegistrar } from './key-change.js';
import { eraseEnrolment, type LeaveOptions } from './leave.js';
import type { AnyMetrics, MetricTypes } from './metric-types.js';
import { type CheckedOptions, checkDuration, checkOptions, type ClientOptions } from './options.js';
import { makePreview, type Preview } from './preview.js';
import { chargeOf, privacyStatus, type PrivacyStatus } from './privacy-budget.js';
import { withoutExpired } from './receipt.js';
import { type ClientRecord, type LedgerEntry, own, type SubmitReceipt } from './record.js';
import { Recorder } from './recorder.js';
import { RunningSubmission } from './running-submission.js';
import {
  renewAhead,
  type SubmissionLimits,
  type SubmissionPorts,
  submitOnce,
} from './submission.js';
import { slotsIn } from './window-slots.js';

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

/** @typeParam Metrics - the values of each metric by its name; see {@link createClient}. */
export interface Client<Metrics extends MetricTypes<Metrics> = AnyMetrics> {
  /** The verified task. */
  readonly task: Task;
  /** Which groups the user gives. */
  readonly consent: ClientConsent;
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
  record<K extends keyof Metrics & string>(metric: K, value: Metrics[K]): void;
  /** What would be sent now. */
  preview(): Preview;
  /**
   * Takes part in a round of the present window; keeps a Node process alive until it is done.
   *
   * @returns the receipt; `included` says whether the sum has this device's values.
   * @throws {SubmitError} with what happened, whether trying again can help, and when;
   *   {@link UsageError} `not-enrolled`, `submit-running`, `client-closed`, `task-not-valid`.
   */
  submit(options?: SubmitOptions): Promise<SubmitReceipt>;
  /**
   * Submits once in each window, when the devices of its pool meet, without keeping a process alive.
   * If the registrar does not say when that is, at a random time.
   */
  start(): void;
  /** Ends the background mode, and a submission that it has under way. */
  stop(): void;
  /**
   * What is spent and left of this task's privacy budget, as of the present window.
   *
   * @returns undefined for a task without noise.
   */
  privacy(): Promise<PrivacyStatus | undefined>;
  /** What was sent, the newest last. */
  receipts(): Promise<readonly LedgerEntry[]>;
  /**
   * Leaves the task, which is how essential groups are declined: ends everything under way, forgets what
   * was recorded, erases this device's keys at the task's registrar from the store, and closes the
   * client. The ledger stays for the user to read, as does what keeps a device from contributing twice.
   *
   * Keys belong to a registrar. If another task of the same registrar uses this store and goes on, say
   * `keepEnrolment: true`; otherwise it has to enrol again. The registrar is not told.
   *
   * @throws {UsageError} `client-closed`; {@link RoundError} `store-failed` if the keys may still be
   *   there: make a client again, and leave again.
   */
  leave(options?: LeaveOptions): Promise<void>;
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
 * @typeParam Metrics - an interface of the values by metric, e.g. `{ startup_ms: number }`: `record` then
 *   takes these names and values only. Without it, any name and value is left to the check at run time.
 * @throws {UsageError} if the manifest is not signed by `publisherKey`, falls below the floor, is not
 *   valid now, or is older than one this device has taken (`manifest-signature`, `publisher-mismatch`,
 *   `below-floor`, `task-not-valid`, `manifest-rollback`, …); if an option is wrong; if the record
 *   cannot be read (`record-corrupt`).
 */
export async function createClient<Metrics extends MetricTypes<Metrics> = AnyMetrics>(
  options: ClientOptions,
): Promise<Client<Metrics>> {
  const checked = checkOptions(options);
  const { suite, floor, store, now } = checked;
  const task = verifySignedManifest(suite, checked.manifest, checked.publisherKey);
  checkManifestFloor(task.manifest, floor);
  checkValidity(task.manifest, windowAt(task.manifest, now()));
  const client = new TaskClient(task, checked);
  const record = await store.update((before) => {
    const after = takeRegistrar(takeVersion(withoutExpired(before, now()), task), task);
    return [after, after];
  });
  client.isEnrolled = isEnrolled(record, task.manifest.registrar);
  return client;
}

/** A round that began in a window may end a little after it. */
const AFTER_WINDOW_MS = 60_000;

class TaskClient implements Client {
  readonly task: Task;
  readonly consent: Consent;
  isEnrolled = false;
  readonly #options: CheckedOptions;
  readonly #recorder: Recorder;
  #isClosed = false;
  /** Metrics of which the host was told that their group is not given. */
  readonly #withheld = new Set<string>();
  readonly #running = new RunningSubmission();
  #endBackground: (() => void) | undefined;

  /** @throws {UsageError} `group-unknown`. */
  constructor(task: Task, options: CheckedOptions) {
    const { manifest } = task;
    this.task = task;
    this.#options = options;
    this.#recorder = new Recorder(manifest, (group) => this.consent.isGiven(group));
    this.consent = new Consent(manifest, options.consent, (group) => this.#recorder.forget(group));
  }

  async enrol(credential: Credential, options: EnrolOptions = {}): Promise<void> {
    this.#checkOpen();
    await enrolWith(this.#enrolmentPorts(true), credential, options);
    this.isEnrolled = true;
  }

  record(metric: string, value: RecordedValue): void {
    try {
      this.#checkOpen();
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
    const remedy = `if the user agrees, name ${group} in the option consent or call consent.set('${group}', true)`;
    this.#options.onProblem(
      new UsageError('consent-missing', `record: ${what}; ${remedy}`, { field: 'metric' }),
    );
  }

  preview(): Preview {
    const window = windowAt(this.task.manifest, this.#options.now());
    return makePreview(this.task, this.#recorder.values(), this.consent, window);
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
      slotsIn: (window) => slotsIn({ ...this.#options, ...this.#enrolmentPorts(false) }, window),
      submit: (attempts) => this.#submit(attempts === undefined ? {} : { attempts }, false),
    });
  }

  stop(): void {
    this.#endBackground?.();
    this.#endBackground = undefined;
    this.#running.abortInBackground('stop() was called');
  }

  async privacy(): Promise<PrivacyStatus | undefined> {
    this.#checkOpen();
    const window = windowAt(this.task.manifest, this.#options.now());
    const charge = chargeOf(this.task, window);
    if (charge === undefined) return undefined;
    const { privacySpent } = await this.#options.store.read();
    return privacyStatus(own(privacySpent, this.task.manifest.publisher) ?? [], charge, window);
  }

  async receipts(): Promise<readonly LedgerEntry[]> {
    this.#checkOpen();
    return (await this.#options.store.read()).receipts;
  }

  async leave({ keepEnrolment = false }: LeaveOptions = {}): Promise<void> {
    this.#checkOpen();
    const { store } = this.#options;
    const ended = this.#end('leave() was called');
    this.#recorder.forgetAll();
    await ended;
    try {
      if (!keepEnrolment) await eraseEnrolment(store, this.task.manifest.registrar);
      this.isEnrolled = false;
    } finally {
      await store.close();
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    await this.#end('close() was called');
    await this.#options.store.close();
  }

  async #end(why: string): Promise<void> {
    this.#isClosed = true;
    this.stop();
    await this.#running.abort(why);
  }

  async #submit(options: SubmitOptions, holdsProcess: boolean): Promise<SubmitReceipt> {
    this.#checkOpen();
    const { attempts, timeoutMs = this.#defaultTimeoutMs(), signal } = options;
    checkDuration('timeoutMs', timeoutMs);
    if (attempts !== undefined) checkAttempts(attempts);
    const limits = { attempts, staysInWindow: options.timeoutMs === undefined };
    return this.#running.run({ signal, timeoutMs, holdsProcess }, (ending) =>
      this.#work(this.#ports(ending, holdsProcess), limits),
    );
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
      consent: this.consent,
      recorder: this.#recorder,
      call: { ...this.#call(holdsProcess), signal },
      holdsProcess,
      signal,
      onStage: (stage, detail) => this.#options.onProgress({ stage, detail }),
    };
  }

  #enrolmentPorts(holdsProcess: boolean): EnrolmentPorts {
    const { suite, rng, store } = this.#options;
    return { task: this.task, store, suite, rng, call: this.#call(holdsProcess) };
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
