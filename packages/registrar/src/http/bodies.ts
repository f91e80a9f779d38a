/** The JSON bodies of the registrar's API: what comes in is parsed strictly, bytes are lower-case hex. */
import { UsageError, parseHex, toHex } from '@onlysum/crypto';
import type { Announcement, Certificate } from '@onlysum/protocol';
import * as v from 'valibot';
import type { CodeEnrolment, Enrolment, Recertification, Renewal } from '../certifying.js';
import type { RevocationList } from '../revocations.js';

/** The key under which a certificate is wanted; without it, the present one. */
const wanted = { registrar: v.optional(v.string()) };

const codeBody = v.strictObject({
  code: v.string(),
  pseudonym: v.string(),
  proof: v.string(),
  ...wanted,
});

const tokenBody = v.strictObject({
  token: v.string(),
  pseudonym: v.string(),
  proof: v.string(),
  ...wanted,
});

const recertifyBody = v.strictObject({
  from: v.string(),
  pseudonym: v.string(),
  proof: v.string(),
  ...wanted,
});

const renewBody = v.strictObject({
  ...wanted,
  previous: v.string(),
  pseudonym: v.string(),
  epoch: v.number(),
  authorisation: v.string(),
  proof: v.string(),
});

/** @throws {UsageError} `body-invalid`, `hex-invalid`. */
export function parseEnrolBody(text: string): Enrolment {
  const body = parseJson(text);
  if (isObject(body) && 'token' in body) {
    const { token, pseudonym, proof, registrar } = parseBody(tokenBody, body);
    return { token, ...possession(pseudonym, proof), ...wantedKey(registrar) };
  }
  const { code, pseudonym, proof, registrar } = parseBody(codeBody, body);
  return { code, ...possession(pseudonym, proof), ...wantedKey(registrar) };
}

/** @throws {UsageError} `body-invalid`, `hex-invalid`. */
export function parseRenewBody(text: string): Renewal {
  const { previous, pseudonym, epoch, authorisation, proof, registrar } = parseBody(
    renewBody,
    parseJson(text),
  );
  return {
    previous: parseHex('previous', previous, 32),
    epoch,
    authorisation: parseHex('authorisation', authorisation, 64),
    ...possession(pseudonym, proof),
    ...wantedKey(registrar),
  };
}

/** @throws {UsageError} `body-invalid`, `hex-invalid`. */
export function parseRecertifyBody(text: string): Recertification {
  const { from, pseudonym, proof, registrar } = parseBody(recertifyBody, parseJson(text));
  return {
    from: parseHex('from', from, 32),
    ...possession(pseudonym, proof),
    ...wantedKey(registrar),
  };
}

function possession(pseudonym: string, proof: string): Pick<CodeEnrolment, 'pseudonym' | 'proof'> {
  return {
    pseudonym: parseHex('pseudonym', pseudonym, 32),
    proof: parseHex('proof', proof, 64),
  };
}

/** @param registrar - hex. @throws {UsageError} `hex-invalid`. */
export function wantedKey(registrar: string | undefined): { readonly registrar?: Uint8Array } {
  return registrar === undefined ? {} : { registrar: parseHex('registrar', registrar, 32) };
}

export function certificateJson({ epoch, epochLengthMs, pseudonym, signature }: Certificate) {
  return { epoch, epochLengthMs, pseudonym: toHex(pseudonym), signature: toHex(signature) };
}

export function announcementJson({ value, signature, ...announced }: Announcement) {
  return { ...announced, value: toHex(value), signature: toHex(signature) };
}

export function revocationsJson({ signature, ...list }: RevocationList) {
  return { ...list, signature: toHex(signature) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new UsageError('body-invalid', 'body: expected JSON', {
      field: 'body',
      expected: 'JSON',
      got: `${text.length} characters that are none`,
    });
  }
}

function parseBody<S extends v.GenericSchema>(schema: S, body: unknown): v.InferOutput<S> {
  // Valibot would take an array for an object that lacks its fields.
  const parsed = v.safeParse(schema, isObject(body) ? body : null);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const field = v.getDotPath(issue) ?? 'body';
  // The kind only: the value may be a code.
  const [expected, got] = [expectedOf(issue), kindOf(field === 'body' ? body : issue.input)];
  throw new UsageError('body-invalid', `${field}: expected ${expected}, got ${got}`, {
    field,
    expected,
    got,
  });
}

function isObject(body: unknown): body is object {
  return typeof body === 'object' && body !== null && !Array.isArray(body);
}

function expectedOf(issue: v.BaseIssue<unknown>): string {
  if (issue.type !== 'strict_object') return issue.expected ?? 'another value';
  if (v.getDotPath(issue) === null) return 'an object';
  return issue.expected === 'never' ? 'no such field' : 'this field';
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  return Array.isArray(value) ? 'an array' : typeof value;
}
