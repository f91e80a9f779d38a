/** An issuer of licence tokens, for tests. */
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import type { TokenAlgorithm, TokenIssuer } from '../src/index.js';
import { START_MS } from './fleet.js';

export const ISSUER = 'https://licences.example.org';
export const AUDIENCE = 'onlysum-registrar';

export interface Issuer {
  readonly algorithm: TokenAlgorithm;
  readonly privateKey: CryptoKey;
  readonly configuration: TokenIssuer;
}

export async function makeIssuer(algorithm: TokenAlgorithm): Promise<Issuer> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm);
  const keys = { keys: [await exportJWK(publicKey)] };
  const configuration = { issuer: ISSUER, audience: AUDIENCE, keys, algorithms: [algorithm] };
  return { algorithm, privateKey, configuration };
}

/** Good for an hour. @param claims - instead of the usual ones; undefined leaves one out. */
export function tokenFor(
  { algorithm, privateKey }: Issuer,
  claims: Record<string, unknown> = {},
  nowMs = START_MS,
): Promise<string> {
  const iat = Math.floor(nowMs / 1000);
  const usual = { iss: ISSUER, aud: AUDIENCE, sub: 'licence-1', iat, exp: iat + 3600 };
  const all = Object.entries({ ...usual, ...claims }).filter(([, value]) => value !== undefined);
  return new SignJWT(Object.fromEntries(all))
    .setProtectedHeader({ alg: algorithm })
    .sign(privateKey);
}
