/**
 * Failures of the client in the words of the command: what to type next, not what to call.
 * Knows: commands and flags. Doesn't know: how a submission goes.
 */
import { SubmitError } from '@onlysum/client';
import { OnlysumError, RoundError, UsageError } from '@onlysum/crypto';

/** @param store - path of the device's record. @returns the error to report. */
export function inCommandTerms(error: unknown, store: string): unknown {
  if (error instanceof SubmitError) {
    const { code, cause, retryable } = error;
    const why = cause instanceof OnlysumError ? inCommandTerms(cause, store) : cause;
    const message = why instanceof Error ? why.message : error.message;
    return new RoundError(code, `${message} [${whatNext(error)}]`, { retryable, cause: error });
  }
  if (!(error instanceof UsageError)) return error;
  if (error.code === 'not-enrolled' && error.message.includes('enrol(')) {
    return new UsageError(
      'not-enrolled',
      `the device of ${store} is not enrolled: run 'onlysum device enrol CODE' once, with a code of the registrar's operator`,
      { field: '--store', cause: error },
    );
  }
  if (error.code === 'already-enrolled') {
    return new UsageError(
      'already-enrolled',
      `the device of ${store} is enrolled by another code already: for another device give another --store, ` +
        'to give this enrolment up give --replace',
      { field: '--replace', cause: error },
    );
  }
  return error;
}

/** Values live as long as the command: nothing is kept for a next one. */
function whatNext({
  attempts,
  triedMs,
  contributed,
  nextWindowMs,
  retryable,
}: SubmitError): string {
  const tried =
    attempts === 1 ? 'tried once' : `tried ${attempts} times in ${Math.ceil(triedMs / 1000)} s`;
  const next = nextWindowMs === undefined ? '' : ` from ${new Date(nextWindowMs).toISOString()} on`;
  if (contributed) {
    const spent = 'a masked input left, so this window is spent';
    return next === '' ? spent : `${spent}: submit again${next}`;
  }
  return retryable ? `${tried}: run the same command again${next}` : `${tried}, not retried`;
}
