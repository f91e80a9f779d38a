/**
 * The registrar's HTTP interface, as a device uses it. Knows: JSON, status codes, time limits.
 * Doesn't know: what is enrolled, what is stored.
 */
import {
  describe,
  parseHex,
  printable,
  RoundError,
  toHex,
  UsageError,
  WireError,
} from '@onlysum/crypto';
import type { Announcement, Certificate, EnrolRequest, RenewRequest } from '@onlysum/protocol';
import { REGISTRAR_URL_FORM, registrarBase } from '@onlysum/task';
import * as v from 'valibot';

export interface FetchInit {
  readonly method: 'GET' | 'POST';
  readonly headers: Record<string, string>;
  /** Of a POST. */
  readonly body?: string;
  readonly signal: AbortSignal;
  readonly redirect: 'error';
  /** Whether the open request keeps a Node process from exiting. Only `nodeFetch` knows it. */
  readonly holdsProcess: boolean;
}

/** The part of `fetch` that is used; the platform's own fits. */
export type FetchLike = (
  url: string,
  init: FetchInit,
) => Promise<{ readonly status: number; text(): Promise<string> }>;

export interface RegistrarCall {
  readonly fetch: FetchLike;
  readonly url: string;
  readonly holdsProcess: boolean;
  readonly signal?: AbortSignal;
}

/** An answer takes milliseconds; a registrar that needs longer is not well. */
const REQUEST_TIMEOUT_MS = 10_000;

/** @returns the URL without a slash at its end. @throws {UsageError} `argument-invalid`. */
export function checkRegistrarUrl(value: unknown): string {
  const base = registrarBase(value);
  if (base !== undefined) return base;
  // A URL with a user may hold a password.
  const got =
    typeof value === 'string' && value.includes('@') ? 'one with a user' : describe(value);
  throw new UsageError(
    'argument-invalid',
    `registrarUrl: expected ${REGISTRAR_URL_FORM}, got ${got}`,
    { field: 'registrarUrl', expected: REGISTRAR_URL_FORM, got },
  );
}

export function postEnrol(call: RegistrarCall, request: EnrolRequest): Promise<Certificate> {
  return post(call, '/v1/enrol', {
    code: request.code,
    pseudonym: toHex(request.pseudonym),
    proof: toHex(request.proof),
  });
}

export function postRenew(call: RegistrarCall, request: RenewRequest): Promise<Certificate> {
  return post(call, '/v1/renew', {
    previous: toHex(request.previous),
    pseudonym: toHex(request.pseudonym),
    epoch: request.epoch,
    authorisation: toHex(request.authorisation),
    proof: toHex(request.proof),
  });
}

/**
 * The present window of a task, as the registrar announces it to anybody. Its signature is not checked.
 *
 * @param taskId - 32 bytes.
 */
export async function fetchAnnouncement(
  call: RegistrarCall,
  taskId: Uint8Array,
): Promise<Announcement> {
  const { status, text } = await exchange(call, `/v1/tasks/${toHex(taskId)}/window`);
  const answer = parseJson(text);
  if (status >= 200 && status < 300) return parseAnnouncement(answer, call.url);
  throw refusal(answer, status, call.url);
}

async function post(call: RegistrarCall, path: string, body: unknown): Promise<Certificate> {
  const { status, text } = await exchange(call, path, JSON.stringify(body));
  const answer = parseJson(text);
  if (status >= 200 && status < 300) return parseCertificate(answer, call.url);
  throw refusal(answer, status, call.url);
}

async function exchange(
  call: RegistrarCall,
  path: string,
  body?: string,
): Promise<{ status: number; text: string }> {
  const timeout = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
  const signal = call.signal === undefined ? timeout : AbortSignal.any([call.signal, timeout]);
  try {
    const response = await call.fetch(call.url + path, {
      ...(body === undefined
        ? { method: 'GET', headers: {} }
        : { method: 'POST', headers: { 'content-type': 'application/json' }, body }),
      signal,
      redirect: 'error',
      holdsProcess: call.holdsProcess,
    });
    return { status: response.status, text: await response.text() };
  } catch (error) {
    if (call.signal?.aborted === true) throw call.signal.reason as Error;
    const why = timeout.aborted ? `no answer within ${REQUEST_TIMEOUT_MS} ms` : reasonOf(error);
    throw unavailable(call.url, why, error);
  }
}

const certificateSchema = v.object({
  epoch: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  epochLengthMs: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  pseudonym: v.string(),
  signature: v.string(),
});

function parseCertificate(answer: unknown, url: string): Certificate {
  const { pseudonym, signature, ...certificate } = parseAnswer(certificateSchema, answer, url);
  return withBytes(url, () => ({
    ...certificate,
    pseudonym: parseHex('pseudonym', pseudonym, 32),
    signature: parseHex('signature', signature, 64),
  }));
}

const wholeNumber = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const announcementSchema = v.object({
  window: wholeNumber,
  incarnation: wholeNumber,
  enrolled: wholeNumber,
  population: wholeNumber,
  pools: v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(0xffff_ffff)),
  value: v.string(),
  signature: v.string(),
});

function parseAnnouncement(answer: unknown, url: string): Announcement {
  const { value, signature, ...announced } = parseAnswer(announcementSchema, answer, url);
  return withBytes(url, () => ({
    ...announced,
    value: parseHex('value', value, 32),
    signature: parseHex('signature', signature, 64),
  }));
}

function parseAnswer<S extends v.GenericSchema>(
  schema: S,
  answer: unknown,
  url: string,
): v.InferOutput<S> {
  const parsed = v.safeParse(schema, answer);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw unexpected(url, `${v.getDotPath(issue) ?? 'answer'}: ${issue.message}`);
}

function withBytes<T>(url: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw unexpected(url, reasonOf(error));
  }
}

const errorSchema = v.object({
  error: v.object({
    code: v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]{0,63}$/)),
    message: v.pipe(v.string(), v.maxLength(1000)),
    retryable: v.optional(v.boolean(), false),
  }),
});

/** Not found, method not allowed, upgrade required. */
const NO_SUCH_PATH = [404, 405, 426];

function refusal(answer: unknown, status: number, url: string): Error {
  const parsed = v.safeParse(errorSchema, answer);
  if (status >= 500 || status === 429) {
    const said = parsed.success ? `: ${parsed.output.error.message}` : '';
    return unavailable(url, `it answered ${status}${said}`, undefined);
  }
  if (!parsed.success) return unexpected(url, `status ${status} without an error in JSON`);
  const { code, message, retryable } = parsed.output.error;
  // Another server of ours speaks in the same form.
  if (NO_SUCH_PATH.includes(status) && code !== 'pseudonym-unknown') {
    return unexpected(url, `status ${status}: ${message}`);
  }
  return new UsageError(code, `the registrar at ${url} refused: ${printable(message)}`, {
    retryable,
  });
}

function unavailable(url: string, why: string, cause: unknown): RoundError {
  return new RoundError(
    'registrar-unavailable',
    `the registrar at ${url} cannot be used: ${printable(why)}`,
    {
      retryable: true,
      cause,
    },
  );
}

function unexpected(url: string, why: string): WireError {
  return new WireError(
    'registrar-answer',
    `${url}: this is no answer of a registrar (${printable(why)}): check registrarUrl`,
    { field: 'registrarUrl' },
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The platform's fetch says only "fetch failed"; why is in its cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
