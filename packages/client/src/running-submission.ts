/**
 * The one submission that may run at a time, and what can end it early: its caller's signal, its time, the
 * client.
 * Knows: signals, timers. Doesn't know: what a submission does.
 * Invariant: one that has ended leaves neither timer nor listener behind.
 */
import { type OnlysumError, RoundError, UsageError } from '@onlysum/crypto';
import { duration } from './submit-error.js';
import { startTimer } from './timers.js';

export interface SubmissionBounds {
  readonly signal: AbortSignal | undefined;
  /** Most time in all. */
  readonly timeoutMs: number;
  /** Whether a Node process stays alive for it: not in background mode. */
  readonly holdsProcess: boolean;
}

interface Running {
  readonly holdsProcess: boolean;
  readonly abort: (error: OnlysumError) => void;
  readonly done: Promise<unknown>;
}

export class RunningSubmission {
  #running: Running | undefined;

  /**
   * @param submit - `ending` aborts with an {@link OnlysumError}.
   * @throws {UsageError} `submit-running`; else as `submit`.
   */
  async run<T>(bounds: SubmissionBounds, submit: (ending: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#running !== undefined) {
      throw new UsageError('submit-running', 'submit: one is under way: wait for it', {
        retryable: true,
      });
    }
    const controller = new AbortController();
    const abort = (error: OnlysumError): void => controller.abort(error);
    const work = submit(controller.signal);
    const done = Promise.allSettled([work]);
    this.#running = { holdsProcess: bounds.holdsProcess, abort, done };
    const release = abortOn(bounds, abort);
    return work.finally(() => {
      release();
      this.#running = undefined;
    });
  }

  /** Resolves when none is under way any more. */
  async abort(why: string): Promise<void> {
    this.#running?.abort(aborted(why));
    await this.#running?.done;
  }

  /** If it is one that holds no process. */
  abortInBackground(why: string): void {
    if (this.#running?.holdsProcess === false) this.#running.abort(aborted(why));
  }
}

/** @returns a function that lets go of signal and timer. */
function abortOn(
  { signal, timeoutMs, holdsProcess }: SubmissionBounds,
  abort: (error: OnlysumError) => void,
): () => void {
  const onAbort = (): void => abort(aborted('its signal was aborted', signal?.reason));
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted === true) onAbort();
  const message = `submit: not done within ${duration(timeoutMs)}`;
  const cancel = startTimer(timeoutMs, holdsProcess, () =>
    abort(new RoundError('submit-timeout', message, { retryable: true })),
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
