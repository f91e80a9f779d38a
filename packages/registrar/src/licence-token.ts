/**
 * Licence tokens: JWTs (RFC 7519) by issuers that the operator trusts, verified by `jose`.
 * Knows: forms, issuers' keys, times. Doesn't know: how many devices a licence has enrolled.
 * Invariant: asymmetric signatures only, from keys of the configuration: a token chooses nothing but which
 * of its issuer's keys. No error tells more of a token than which claim is wrong.
 */
import { UsageError, describe, invalidField } from '@onlysum/crypto';
import type { Licence } from '@onlysum/protocol';
import {
  type JSONWebKeySet,
  type JWTPayload,
  type JWTVerifyOptions,
  calculateJwkThumbprint,
  createLocalJWKSet,
  decodeJwt,
  errors,
  jwtVerify,
} from 'jose';
import { checkInteger } from './options.js';

/** RFC 8037, RFC 7518 §3. */
export const TOKEN_ALGORITHMS = ['EdDSA', 'ES256', 'RS256', 'PS256'] as const;
export type TokenAlgorithm = (typeof TOKEN_ALGORITHMS)[number];

export interface TokenIssuer {
  /** What `iss` must be. */
  readonly issuer: string;
  /** What `aud` must name: this registrar, and no other service that takes the issuer's tokens. */
  readonly audience: string;
  /** The issuer's public keys, a JWK Set. */
  readonly keys: JSONWebKeySet;
  readonly algorithms: readonly TokenAlgorithm[];
}

export interface TokenLimits {
  /** Most devices that a token's `onlysum_devices` may ask for. */
  readonly devices: number;
  /** Oldest token that is taken, by its `iat`. */
  readonly maxAgeMs: number;
  /** By how much clocks may differ. */
  readonly clockToleranceMs: number;
}

/** A token is sent in a body; one with an RS256 signature and a few claims has 700. */
export const MOST_TOKEN_CHARACTERS = 8192;
/** How many devices a licence may enrol; 1 where it is missing. */
const DEVICES_CLAIM = 'onlysum_devices';

const DEFAULT_LIMITS: TokenLimits = {
  devices: 10,
  // As long as a code lives by default.
  maxAgeMs: 7 * 86_400_000,
  clockToleranceMs: 30_000,
};
/** Beyond these a limit limits nothing. */
const MOST_LIMITS: TokenLimits = {
  devices: 1000,
  maxAgeMs: 3660 * 86_400_000,
  clockToleranceMs: 300_000,
};
const MOST_KEYS = 32;

/** @throws {UsageError} `argument-invalid` that names the limit. */
export function completeTokenLimits(given: Partial<TokenLimits> = {}): TokenLimits {
  const limits = { ...DEFAULT_LIMITS, ...given };
  for (const name of Object.keys(MOST_LIMITS) as (keyof TokenLimits)[]) {
    const least = name === 'clockToleranceMs' ? 0 : 1;
    checkInteger(`tokenLimits.${name}`, limits[name], least, MOST_LIMITS[name]);
  }
  return limits;
}

/**
 * Which keys an issuer has, by their thumbprints (RFC 7638, SHA-256, base64url).
 *
 * @throws {UsageError} `argument-invalid` for a key that lacks what its kind must have.
 */
export function issuerKeyPrints(field: string, { keys }: TokenIssuer): Promise<string[]> {
  return Promise.all(
    keys.keys.map(async (key, i) => {
      try {
        return await calculateJwkThumbprint(key);
      } catch {
        throw invalid(`${field}.keys.keys[${i}]`, 'a whole public key', 'a part of one');
      }
    }),
  );
}

/** @throws {UsageError} `token-invalid`, `token-expired`. */
export type TokenVerifier = (token: string, nowMs: number) => Promise<Licence>;

/** @throws {UsageError} `argument-invalid` that names the issuer's field. */
export function makeTokenVerifier(
  issuers: readonly TokenIssuer[],
  given?: Partial<TokenLimits>,
): TokenVerifier {
  const limits = completeTokenLimits(given);
  issuers.forEach((issuer, i) => checkIssuer(`tokenIssuers[${i}]`, issuer));
  const byName = new Map(issuers.map((issuer) => [issuer.issuer, issuer]));
  if (byName.size < issuers.length) {
    throw invalid('tokenIssuers', 'each issuer once', 'one twice');
  }
  return async (token, nowMs) => {
    const issuer = byName.get(issuerOf(token));
    if (issuer === undefined) throw tokenInvalid('an issuer that this registrar trusts');
    try {
      return licenceOf(await verify(token, issuer, limits, nowMs), limits);
    } catch (error) {
      throw inOurTerms(error);
    }
  };
}

/** Not verified: it says only whose keys to try. */
function issuerOf(token: string): string {
  if (token.length > MOST_TOKEN_CHARACTERS) {
    throw tokenInvalid(`at most ${MOST_TOKEN_CHARACTERS} characters`);
  }
  try {
    return decodeJwt(token).iss ?? '';
  } catch {
    throw tokenInvalid('a JWT');
  }
}

async function verify(
  token: string,
  { issuer, audience, keys, algorithms }: TokenIssuer,
  { maxAgeMs, clockToleranceMs }: TokenLimits,
  nowMs: number,
): Promise<JWTPayload> {
  const options: JWTVerifyOptions = {
    issuer,
    audience,
    algorithms: [...algorithms],
    currentDate: new Date(nowMs),
    maxTokenAge: Math.ceil(maxAgeMs / 1000),
    clockTolerance: Math.ceil(clockToleranceMs / 1000),
    requiredClaims: ['sub', 'iat', 'exp'],
  };
  try {
    return (await jwtVerify(token, createLocalJWKSet(keys), options)).payload;
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    // The token names no key, and the issuer has several of its kind.
    for await (const key of error) {
      try {
        return (await jwtVerify(token, key, options)).payload;
      } catch (reason) {
        if (!(reason instanceof errors.JWSSignatureVerificationFailed)) throw reason;
      }
    }
    throw new errors.JWSSignatureVerificationFailed();
  }
}

function licenceOf(payload: JWTPayload, limits: TokenLimits): Licence {
  const { iss: issuer, sub: subject } = payload;
  if (typeof issuer !== 'string' || typeof subject !== 'string' || subject === '') {
    throw tokenInvalid('the claim sub');
  }
  const claimed = payload[DEVICES_CLAIM];
  const devices = claimed === undefined ? 1 : claimed;
  if (Number.isSafeInteger(devices) && Number(devices) >= 1 && Number(devices) <= limits.devices) {
    return { issuer, subject, devices: Number(devices) };
  }
  throw tokenInvalid(`the claim ${DEVICES_CLAIM} to be an integer from 1 to ${limits.devices}`);
}

function inOurTerms(error: unknown): unknown {
  if (error instanceof errors.JWTExpired) {
    return new UsageError('token-expired', 'token: expired, or too old: get a fresh one', {
      field: 'token',
    });
  }
  if (error instanceof errors.JWTClaimValidationFailed) {
    return tokenInvalid(`the claim ${error.claim} as this registrar's operator set it`);
  }
  if (!(error instanceof errors.JOSEError)) return error;
  return tokenInvalid('a signature by a key of its issuer, with an algorithm that is allowed');
}

function tokenInvalid(expected: string): UsageError {
  const message = `token: expected ${expected}, got another`;
  return new UsageError('token-invalid', message, { field: 'token', expected });
}

function checkIssuer(field: string, { issuer, audience, keys, algorithms }: TokenIssuer): void {
  for (const [name, value] of Object.entries({ issuer, audience })) {
    if (typeof value !== 'string' || value === '') {
      throw invalid(`${field}.${name}`, 'a text', value);
    }
  }
  const isKnown = (name: string) => (TOKEN_ALGORITHMS as readonly string[]).includes(name);
  if (!Array.isArray(algorithms) || algorithms.length === 0 || !algorithms.every(isKnown)) {
    throw invalid(`${field}.algorithms`, `some of ${TOKEN_ALGORITHMS.join(', ')}`, algorithms);
  }
  const list: unknown = (keys as Partial<JSONWebKeySet> | undefined)?.keys;
  if (!Array.isArray(list) || list.length === 0 || list.length > MOST_KEYS) {
    throw noKeySet(`${field}.keys`, keys, list);
  }
  list.forEach((key: unknown, i) => checkPublic(`${field}.keys.keys[${i}]`, key));
}

/** A secret or private key in a configuration is a mistake, and a shared secret would be no signature. */
function checkPublic(field: string, key: unknown): void {
  const isObject = typeof key === 'object' && key !== null;
  const { kty, d, k } = (isObject ? key : {}) as Record<string, unknown>;
  const isPublic = ['OKP', 'EC', 'RSA'].includes(String(kty)) && d === undefined && k === undefined;
  if (!isPublic) throw invalid(field, 'a public key (OKP, EC or RSA)', 'another');
}

/** No text of the file is shown: it may be a secret. */
function noKeySet(field: string, file: unknown, list: unknown): UsageError {
  const shown = (value: unknown) => (typeof value === 'string' ? 'a text' : describe(value));
  const expected = `a JWK Set of 1 to ${MOST_KEYS} keys`;
  const got = list === undefined ? `${shown(file)} without "keys"` : `"keys" with ${shown(list)}`;
  const message = `${field}: expected ${expected}, got ${got}`;
  return new UsageError('argument-invalid', message, { field, expected, got });
}

function invalid(field: string, expected: string, got: unknown): UsageError {
  return invalidField(UsageError, 'argument-invalid', field, expected, got);
}
