/**
 * By what a device is enrolled: a one-time code, or a licence token. Protocol §2.5.
 * Knows: forms, what a proof covers. Doesn't know: records, HTTP.
 * Invariant: what is kept of it is a hash; a token is read for its names only, and never believed.
 */
import {
  encodeLabelled,
  invalidField,
  LABELS,
  type Suite,
  toHex,
  UsageError,
} from '@onlysum/crypto';
import {
  codeHash,
  enrolmentStatement,
  licensedEnrolmentStatement,
  licenceTokenHash,
} from '@onlysum/protocol';
import type { EnrolBody } from './registrar-http.js';

/** A code as the operator gave it, or a JWT of an issuer that the registrar trusts. */
export type Credential = string | { readonly token: string };

export interface CheckedCredential {
  /** Hex: the hash of the code; of a token that of its licence, so that a fresh token is no other. */
  readonly id: string;
  /** @param seed - of the pseudonym; borrowed. */
  readonly prove: (registrarKey: Uint8Array, seed: Uint8Array) => EnrolBody;
}

const MOST_TOKEN_CHARACTERS = 8192;

/** @throws {UsageError} `argument-invalid`. */
export function checkCredential(suite: Suite, given: unknown): CheckedCredential {
  const isObject = typeof given === 'object' && given !== null;
  return isObject
    ? checkToken(suite, 'token' in given ? given.token : undefined)
    : checkCode(suite, given);
}

function checkCode(suite: Suite, text: unknown): CheckedCredential {
  const code = typeof text === 'string' ? text.trim() : '';
  if (!/^[!-~]{1,200}$/.test(code)) throw notOne('code', 'an enrolment code', text);
  return {
    id: toHex(codeHash(suite, code)),
    prove: (registrarKey, seed) => {
      const pseudonym = suite.ed25519PublicKey(seed);
      const statement = enrolmentStatement(registrarKey, code, pseudonym);
      return { code, registrarKey, pseudonym, proof: suite.ed25519Sign(seed, statement) };
    },
  };
}

function checkToken(suite: Suite, text: unknown): CheckedCredential {
  const token = typeof text === 'string' ? text.trim() : '';
  const names = token.length <= MOST_TOKEN_CHARACTERS ? namesIn(token) : undefined;
  if (names === undefined) throw notOne('token', 'a JWT with the claims iss and sub', text);
  return {
    id: toHex(suite.sha256(encodeLabelled(LABELS.licence, names.iss, names.sub))),
    prove: (registrarKey, seed) => {
      const pseudonym = suite.ed25519PublicKey(seed);
      const tokenHash = licenceTokenHash(suite, token);
      const statement = licensedEnrolmentStatement(registrarKey, tokenHash, pseudonym);
      return { token, registrarKey, pseudonym, proof: suite.ed25519Sign(seed, statement) };
    },
  };
}

/** @returns undefined if it is no JWT. */
function namesIn(token: string): { readonly iss: string; readonly sub: string } | undefined {
  const [, payload] = /^[\w-]+\.([\w-]+)\.[\w-]+$/.exec(token) ?? [];
  if (payload === undefined) return undefined;
  try {
    const binary = atob(payload.replace(/-/g, '+').replace(/_/g, '/'));
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
    const claims: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    const { iss, sub } = (claims ?? {}) as Record<string, unknown>;
    return typeof iss === 'string' && typeof sub === 'string' ? { iss, sub } : undefined;
  } catch {
    return undefined;
  }
}

/** What came may be a secret: only its kind and length are told. */
function notOne(field: string, expected: string, came: unknown): UsageError {
  const got = typeof came === 'string' ? `a string of ${came.length} characters` : typeof came;
  return invalidField(UsageError, 'argument-invalid', field, expected, got);
}
