/** Why a submission ended without a receipt, whether it will be retried, and what to do. */
import { type OnlysumError, RoundError } from '@onlysum/crypto';

export interface SubmitFailure {
  readonly cause: OnlysumError;
  /** Rounds and registrar calls that were tried. */
  readonly attempts: number;
  /** Whether a masked input has left, so that the window is spent. */
  readonly contributed: boolean;
  /** Start of the next window that is open to this device, Unix ms, if this one is not. */
  readonly nextWindowMs: number | undefined;
}

/** `code` is that of its cause; `retryable` says whether calling `submit` again can help. */
export class SubmitError extends RoundError {
  readonly attempts: number;
  readonly contributed: boolean;
  readonly nextWindowMs: number | undefined;

  constructor(failure: SubmitFailure) {
    const { cause, attempts, contributed, nextWindowMs } = failure;
    const retryable = nextWindowMs !== undefined || cause.retryable;
    super(cause.code, `${cause.message} [${whatNext(failure)}]`, { cause, retryable });
    this.attempts = attempts;
    this.contributed = contributed;
    this.nextWindowMs = nextWindowMs;
  }
}

function whatNext({ cause, attempts, contributed, nextWindowMs }: SubmitFailure): string {
  const tried = attempts === 1 ? 'tried once' : `tried ${attempts} times`;
  const kept = 'recorded values are kept';
  if (nextWindowMs !== undefined) {
    const next = `call submit again from ${new Date(nextWindowMs).toISOString()} on`;
    return contributed
      ? `a masked input left, so this window is spent; ${next} with what is recorded since`
      : `not retried in this window; ${kept}; ${next}`;
  }
  return cause.retryable
    ? `${tried}; ${kept}; call submit again later`
    : `${tried}, not retried; ${kept}`;
}
