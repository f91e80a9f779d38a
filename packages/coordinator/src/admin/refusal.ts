/**
 * Why a request of the admin API is not answered, in the one form of its errors.
 * Knows: HTTP statuses, codes of docs/errors.md. Doesn't know: routes.
 * Invariant: what is told of a bug of ours is that there was one.
 */
import { type ErrorDetails, OnlysumError, UsageError } from '@onlysum/crypto';
import type { ContentfulStatusCode } from 'hono/utils/http-status';

export class Refusal extends UsageError {
  readonly status: ContentfulStatusCode;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: string,
    status: ContentfulStatusCode,
    message: string,
    details: ErrorDetails & { readonly headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(code, message, details);
    this.status = status;
    this.headers = details.headers ?? {};
  }
}

export interface ErrorBody {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly retryable: boolean;
    readonly field?: string;
    readonly expected?: string;
    readonly got?: string;
  };
}

export function refuse(
  code: string,
  status: ContentfulStatusCode,
  message: string,
  details: ConstructorParameters<typeof Refusal>[3] = {},
): Refusal {
  return new Refusal(code, status, message, details);
}

/** @param error - anything that was thrown. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof OnlysumError) {
    const { code, message, field, expected, got } = error;
    const known = STATUSES[code];
    const details = {
      ...(field === undefined ? {} : { field }),
      ...(expected === undefined ? {} : { expected }),
      ...(got === undefined ? {} : { got }),
    };
    if (known !== undefined) {
      return new Refusal(code, known, message, { ...details, retryable: known === 503 });
    }
  }
  return refuse('internal', 500, 'the coordinator failed; its log says more');
}

export function errorBody(refusal: Refusal): ErrorBody {
  const { code, message, retryable, field, expected, got } = refusal;
  return {
    error: {
      ...{ code, message, retryable },
      ...(field === undefined ? {} : { field }),
      ...(expected === undefined ? {} : { expected }),
      ...(got === undefined ? {} : { got }),
    },
  };
}

/** Codes of what lies below, by what they mean to a client; any other is a bug of ours. */
const STATUSES: Readonly<Record<string, ContentfulStatusCode>> = {
  'argument-invalid': 400,
  'record-missing': 404,
  'store-conflict': 409,
  'seal-key-missing': 409,
  'reseal-running': 409,
  'seal-key-unknown': 503,
  'store-unavailable': 503,
  'store-closed': 503,
};
