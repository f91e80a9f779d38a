/**
 * Errors, classed by who must act. Every `code` is stable and has a line of its own in docs/errors.md.
 * Knows: codes and messages. Doesn't know: which layer raised it. Invariant: no secret in a message.
 */

export interface ErrorDetails {
  /** The field, flag or parameter at fault, e.g. `cohort.min`. */
  readonly field?: string;
  /** What came, already shortened and free of secrets. */
  readonly got?: string;
  /** What was expected. */
  readonly expected?: string;
  /** Whether the same call may succeed later without a change by the caller. */
  readonly retryable?: boolean;
  readonly cause?: unknown;
}

/** Base of every error this project throws. Match on `code`, never on `message`. */
export class OnlysumError extends Error {
  readonly code: string;
  readonly field: string | undefined;
  readonly got: string | undefined;
  readonly expected: string | undefined;
  readonly retryable: boolean;

  constructor(code: string, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.code = code;
    this.field = details.field;
    this.got = details.got;
    this.expected = details.expected;
    this.retryable = details.retryable ?? false;
  }
}

/** The caller must fix the call, the file or the flag. */
export class UsageError extends OnlysumError {}
/** Bytes that came in are not what the format allows. */
export class WireError extends OnlysumError {}
/** One peer broke a rule: drop it, keep the round. */
export class PeerError extends OnlysumError {}
/** The round ends. */
export class RoundError extends OnlysumError {}
/** A bug of ours: please report it. */
export class InternalError extends OnlysumError {}

type ErrorClass<E extends OnlysumError> = new (
  code: string,
  message: string,
  details?: ErrorDetails,
) => E;

/**
 * The one way to say that a field is wrong: `cohort.min: expected an integer ≥ 2, got "x"`.
 *
 * @param got - what came; described by {@link describe}, so never pass a secret.
 */
export function invalidField<E extends OnlysumError>(
  Class: ErrorClass<E>,
  code: string,
  field: string,
  expected: string,
  got: unknown,
): E {
  const shown = describe(got);
  return new Class(code, `${field}: expected ${expected}, got ${shown}`, {
    field,
    expected,
    got: shown,
  });
}

/** A key in hex is shown whole: two that differ at their ends must look different. */
const SHOWN = 64;

/** A short description of any value for an error message; bytes are shown by length only. */
export function describe(value: unknown): string {
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === 'string') {
    return printable(
      JSON.stringify(value.length > SHOWN ? `${value.slice(0, SHOWN - 3)}...` : value),
    );
  }
  if (typeof value === 'object' && value !== null) return 'an object';
  if (typeof value === 'function') return 'a function';
  return typeof value === 'bigint' ? `${value}n` : String(value);
}

/**
 * Text of a peer's, made fit for a terminal or a log: it can neither move the cursor nor start a line nor
 * turn the order of what is read. Line breaks and tabs become one space; every other control, format,
 * private or unassigned character is removed. Letters, marks, signs and spaces of any script stay.
 */
export function printable(text: string): string {
  return text.replace(/[\t-\r\u0085\p{Zl}\p{Zp}]+/gu, ' ').replace(/\p{C}/gu, '');
}
