/**
 * The edge to the registrar: signed request bytes in, answer bytes out. An embedded registrar is one;
 * {@link httpRegistrar} is the other. Knows: transport. Doesn't know: what the bytes say; every answer
 * is checked by its signature, so the transport need not be trusted.
 */
import { OnlysumError, RoundError, UsageError, describe, printable } from '@onlysum/crypto';
import { REGISTRAR_URL_FORM, registrarBase } from '@onlysum/task';

export interface RegistrarPort {
  /**
   * @returns the answer, a refusal included.
   * @throws an {@link OnlysumError} that is not `retryable` if asking again is of no use; anything else
   *   is tried again.
   */
  attest(requestBytes: Uint8Array, signal: AbortSignal): Promise<Uint8Array>;
  /**
   * Finds out whether a registrar is there; one in this process need not have it.
   *
   * @throws {OnlysumError} that says where it was looked for, and what came instead.
   */
  greet?(signal: AbortSignal): Promise<void>;
}

export interface HttpRegistrarOptions {
  /** Longest wait for one answer. */
  readonly timeoutMs?: number;
  /** Largest answer that is read. */
  readonly responseBytes?: number;
}

const DEFAULT_TIMEOUT_MS = 5_000;
/** A refusal that names each of 65,535 members takes less. */
const DEFAULT_RESPONSE_BYTES = 8 * 1024 * 1024;

/**
 * @param url - base URL of a registrar, https:// unless it is on this machine.
 * @throws {UsageError} `argument-invalid`.
 */
export function httpRegistrar(url: string, options: HttpRegistrarOptions = {}): RegistrarPort {
  const { timeoutMs = DEFAULT_TIMEOUT_MS, responseBytes = DEFAULT_RESPONSE_BYTES } = options;
  const base = checkBase(url);
  const ask = async (path: string, init: RequestInit, signal: AbortSignal) => {
    try {
      const signals = [signal, AbortSignal.timeout(timeoutMs)];
      const options = { ...init, signal: AbortSignal.any(signals), redirect: 'error' } as const;
      const response = await fetch(base + path, options);
      return { response, body: await readBody(base, response, responseBytes) };
    } catch (error) {
      throw error instanceof OnlysumError ? error : unreachable(base, error);
    }
  };
  return {
    attest: async (requestBytes, signal) => {
      const headers = { 'content-type': 'application/octet-stream' };
      const init = { method: 'POST', headers, body: new Uint8Array(requestBytes) };
      const { response, body } = await ask('/v1/attest', init, signal);
      if (response.ok) return body;
      throw httpError(base, response.status, body);
    },
    greet: async (signal) => {
      const { response, body } = await ask('/v1/key', {}, signal);
      if (!response.ok) throw httpError(base, response.status, body);
      if (!/"publicKey"/.test(Buffer.from(body).toString('latin1'))) {
        throw new RoundError('registrar-answer', `what answers at ${base} is no registrar`);
      }
    },
  };
}

function unreachable(base: string, error: unknown): RoundError {
  const got = reasonOf(error);
  const message = `the registrar at ${base} does not answer: ${got}`;
  return new RoundError('registrar-unavailable', message, { got, retryable: true, cause: error });
}

/** The platform's fetch says only "fetch failed"; why is in its cause: the system's code, if it has one. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (!(cause instanceof Error)) return error.message;
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
  return code || cause.message || error.message;
}

async function readBody(base: string, response: Response, mostBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    length += part.length;
    if (length > mostBytes) {
      throw new RoundError(
        'registrar-answer',
        `the answer of the registrar at ${base} is longer than ${mostBytes} bytes`,
      );
    }
    parts.push(part);
  }
  return new Uint8Array(Buffer.concat(parts, length));
}

/** 429 and 5xx pass; any other status says that this request will never do. */
function httpError(base: string, status: number, body: Uint8Array): OnlysumError {
  const retryable = status === 429 || status >= 500;
  const text = printable(Buffer.from(body.subarray(0, 200)).toString('utf8'));
  const said = text.replace(/ +/g, ' ').trim();
  const got = `HTTP ${status}: ${said}`;
  const message = `the registrar at ${base} answered ${got}`;
  return new RoundError('registrar-answer', message, { got, retryable });
}

function checkBase(url: unknown): string {
  const base = registrarBase(url);
  if (base !== undefined) return base;
  // A URL with a user may hold a password.
  const got = typeof url === 'string' && url.includes('@') ? 'one with a user' : describe(url);
  throw new UsageError('argument-invalid', `url: expected ${REGISTRAR_URL_FORM}, got ${got}`, {
    field: 'url',
    expected: REGISTRAR_URL_FORM,
    got,
  });
}
