/**
 * Errors on the registrar's wire: `{ error: { code, message, field?, expected?, got?, retryable } }`.
 * Invariant: what is not a caller's fault says nothing of what is inside.
 */
import { OnlysumError, UsageError, WireError } from '@onlysum/crypto';
import type { ContentfulStatusCode } from 'hono/utils/http-status';

export interface ErrorBody {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly field?: string;
    readonly expected?: string;
    readonly got?: string;
    readonly retryable: boolean;
  };
}

/** An error that stands for a status of its own. */
export class HttpError extends OnlysumError {
  readonly status: ContentfulStatusCode;

  constructor(status: ContentfulStatusCode, error: OnlysumError) {
    super(error.code, error.message, detailsOf(error));
    this.status = status;
  }
}

/** Those of the caller's errors that are not just a bad request. */
const STATUS: Readonly<Record<string, ContentfulStatusCode>> = {
  'code-invalid': 403,
  'token-invalid': 403,
  'token-expired': 403,
  'proof-invalid': 403,
  revoked: 403,
  'pseudonym-unknown': 404,
  'task-unknown': 404,
  'code-used': 409,
  'licence-exhausted': 409,
  'already-renewed': 409,
  'pseudonym-taken': 409,
};

export function statusOf(error: unknown): ContentfulStatusCode {
  if (error instanceof HttpError) return error.status;
  if (isStoreAway(error)) return 503;
  if (!isCallersFault(error)) return 500;
  return STATUS[error.code] ?? 400;
}

export function errorBody(error: unknown): ErrorBody {
  if (isStoreAway(error)) {
    const message = 'the registrar cannot reach its store at the moment; try again later';
    return { error: { code: error.code, message, retryable: true } };
  }
  if (!(error instanceof HttpError) && !isCallersFault(error)) {
    const message = 'the registrar failed; its log says why. Try again later';
    return { error: { code: 'internal', message, retryable: true } };
  }
  const { code, message } = error;
  return { error: { code, message, ...detailsOf(error), retryable: error.retryable } };
}

/** Not why: that is in the log. */
function isStoreAway(error: unknown): error is UsageError {
  return error instanceof UsageError && error.code === 'store-unavailable';
}

function isCallersFault(error: unknown): error is OnlysumError {
  const isCaller = error instanceof UsageError || error instanceof WireError;
  // A store that is closed or gone is an error of whoever runs the registrar.
  return isCaller && !error.code.startsWith('store-');
}

function detailsOf({ field, expected, got, retryable }: OnlysumError) {
  return {
    ...(field === undefined ? {} : { field }),
    ...(expected === undefined ? {} : { expected }),
    ...(got === undefined ? {} : { got }),
    retryable,
  };
}
