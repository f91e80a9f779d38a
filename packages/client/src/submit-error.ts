/** Why a submission ended without a receipt, whether it will be retried, and what to do. */
import { type OnlysumError, RoundError } from '@onlysum/crypto';

export interface SubmitFailure {
  readonly cause: OnlysumError;
  /** Rounds and registrar calls that were tried. */
  readonly attempts: number;
  /** From the first try to the end. */
  readonly triedMs: number;
  /** Whether a masked input has left, so that the window is spent. */
  readonly contributed: boolean;
  /** Start of the next window that is open to this device, Unix ms, if this one is not. */
  readonly nextWindowMs: number | undefined;
}

/** `code` is that of its cause; `retryable` says whether calling `submit` again can help. */
export class SubmitError extends RoundError {
  readonly attempts: number;
  readonly triedMs: number;
  readonly contributed: boolean;
  readonly nextWindowMs: number | undefined;

  constructor(failure: SubmitFailure) {
    const { cause, attempts, triedMs, contributed, nextWindowMs } = failure;
    const retryable = nextWindowMs !== undefined || cause.retryable;
    super(cause.code, `${cause.message} [${whatNext(failure)}]`, { cause, retryable });
    this.attempts = attempts;
    this.triedMs = triedMs;
    this.contributed = contributed;
    this.nextWindowMs = nextWindowMs;
  }
}

/** In seconds, for a person. */
export function duration(ms: number): string {
  const s = Math.max(0, ms) / 1000;
  return `${s < 10 ? Number(s.toFixed(1)) : Math.round(s)} s`;
}

function whatNext(failure: SubmitFailure): string {
  const { cause, attempts, triedMs, contributed, nextWindowMs } = failure;
  const tried = attempts === 1 ? 'tried once' : `tried ${attempts} times in ${duration(triedMs)}`;
  const kept = 'recorded values are kept';
  if (nextWindowMs !== undefined) {
    const next = `call submit again from ${new Date(nextWindowMs).toISOString()} on`;
    return contributed
      ? `a masked input left, so this window is spent; ${next} with what is recorded since`
      : `${tried}, not retried in this window; ${kept}; ${next}`;
  }
  return cause.retryable
    ? `${tried}; ${kept}; call submit again later`
    : `${tried}, not retried; ${kept}`;
}
