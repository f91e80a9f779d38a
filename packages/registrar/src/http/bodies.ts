/** The JSON bodies of the registrar's API: what comes in is parsed strictly, bytes are lower-case hex. */
import { UsageError, parseHex, toHex } from '@onlysum/crypto';
import type { Announcement, Certificate, EnrolRequest, RenewRequest } from '@onlysum/protocol';
import * as v from 'valibot';
import type { RevocationList } from '../revocations.js';

const enrolBody = v.strictObject({ code: v.string(), pseudonym: v.string(), proof: v.string() });

const renewBody = v.strictObject({
  previous: v.string(),
  pseudonym: v.string(),
  epoch: v.number(),
  authorisation: v.string(),
  proof: v.string(),
});

/** @throws {UsageError} `body-invalid`, `hex-invalid`. */
export function parseEnrolBody(text: string): EnrolRequest {
  const { code, pseudonym, proof } = parseBody(enrolBody, text);
  return {
    code,
    pseudonym: parseHex('pseudonym', pseudonym, 32),
    proof: parseHex('proof', proof, 64),
  };
}

/** @throws {UsageError} `body-invalid`, `hex-invalid`. */
export function parseRenewBody(text: string): RenewRequest {
  const { previous, pseudonym, epoch, authorisation, proof } = parseBody(renewBody, text);
  return {
    previous: parseHex('previous', previous, 32),
    pseudonym: parseHex('pseudonym', pseudonym, 32),
    epoch,
    authorisation: parseHex('authorisation', authorisation, 64),
    proof: parseHex('proof', proof, 64),
  };
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

function parseBody<S extends v.GenericSchema>(schema: S, text: string): v.InferOutput<S> {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new UsageError('body-invalid', 'body: expected JSON', {
      field: 'body',
      expected: 'JSON',
      got: `${text.length} characters that are none`,
    });
  }
  // Valibot would take an array for an object that lacks its fields.
  const parsed = v.safeParse(schema, Array.isArray(body) ? null : body);
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
