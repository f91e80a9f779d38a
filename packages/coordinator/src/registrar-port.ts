/**
 * The edge to the registrar: signed request bytes in, answer bytes out. An embedded registrar is one;
 * {@link httpRegistrar} is the other. Knows: transport. Doesn't know: what the bytes say; every answer
 * is checked by its signature, so the transport need not be trusted.
 */
import { OnlysumError, RoundError, UsageError, invalidField, printable } from '@onlysum/crypto';

export interface RegistrarPort {
  /**
   * @returns the answer, a refusal included.
   * @throws an {@link OnlysumError} that is not `retryable` if asking again is of no use; anything else
   *   is tried again.
   */
  attest(requestBytes: Uint8Array, signal: AbortSignal): Promise<Uint8Array>;
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
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/**
 * @param url - base URL of a registrar, https:// unless it is on this machine.
 * @throws {UsageError} `argument-invalid`.
 */
export function httpRegistrar(url: string, options: HttpRegistrarOptions = {}): RegistrarPort {
  const { timeoutMs = DEFAULT_TIMEOUT_MS, responseBytes = DEFAULT_RESPONSE_BYTES } = options;
  const endpoint = `${checkUrl(url).href.replace(/\/$/, '')}/v1/attest`;
  return {
    attest: async (requestBytes, signal) => {
      const response = await fetch(endpoint, {
        method: 'POST',
        headers: { 'content-type': 'application/octet-stream' },
        body: new Uint8Array(requestBytes),
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
        redirect: 'error',
      });
      const body = await readBody(response, responseBytes);
      if (response.ok) return body;
      throw httpError(response.status, body);
    },
  };
}

async function readBody(response: Response, mostBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    length += part.length;
    if (length > mostBytes) {
      throw new RoundError(
        'registrar-answer',
        `the registrar's answer is longer than ${mostBytes} bytes`,
      );
    }
    parts.push(part);
  }
  return new Uint8Array(Buffer.concat(parts, length));
}

/** 429 and 5xx pass; any other status says that this request will never do. */
function httpError(status: number, body: Uint8Array): OnlysumError {
  const retryable = status === 429 || status >= 500;
  const text = printable(Buffer.from(body.subarray(0, 200)).toString('utf8'));
  const said = text.replace(/ +/g, ' ').trim();
  return new RoundError('registrar-answer', `the registrar answered HTTP ${status}: ${said}`, {
    retryable,
  });
}

function checkUrl(url: string): URL {
  const expected = 'an https:// URL, or http:// of this machine';
  if (!URL.canParse(url)) throw invalidField(UsageError, 'argument-invalid', 'url', expected, url);
  const parsed = new URL(url);
  const { protocol, hostname, username, password, search, hash } = parsed;
  const isSafe = protocol === 'https:' || (protocol === 'http:' && LOOPBACK.has(hostname));
  if (!isSafe || `${username}${password}${search}${hash}` !== '') {
    throw invalidField(UsageError, 'argument-invalid', 'url', expected, `${protocol}//${hostname}`);
  }
  return parsed;
}
