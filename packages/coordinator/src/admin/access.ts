/**
 * Whether a request may do what it asks for. Knows: tokens, permissions, scopes. Doesn't know: HTTP bodies.
 * Invariant: who it is comes before what there is: without a token that holds and has the permission,
 * nothing is said of tasks or parameters.
 */
import { OnlysumError, type Suite } from '@onlysum/crypto';
import { checkToken, isGranted, requireScope, tokenId, type TokenRecord } from '@onlysum/service';
import type { CoordinatorStore } from '../store/coordinator-store.js';
import { Refusal, refuse } from './refusal.js';
import type { Route } from './route.js';

/**
 * @param tokens - where its record is looked up.
 * @throws {Refusal} 401 `token-missing`, `token-invalid`, `token-expired`, `token-revoked`.
 */
export async function authenticate(
  tokens: Pick<CoordinatorStore, 'token'>,
  suite: Suite,
  authorization: string | undefined,
  nowMs: number,
): Promise<TokenRecord> {
  const [, presented] = /^Bearer +([\x21-\x7e]{1,200})$/i.exec(authorization ?? '') ?? [];
  if (presented === undefined) {
    const message = 'Authorization: expected `Bearer onlysum_…`, got no token';
    throw refuse('token-missing', 401, message, { headers: CHALLENGE });
  }
  try {
    const record = await tokens.token(tokenId(presented));
    return checkToken(suite, presented, record, nowMs);
  } catch (error) {
    if (!(error instanceof OnlysumError) || !TOKEN_CODES.has(error.code)) throw error;
    throw new Refusal(error.code, 401, error.message, { headers: CHALLENGE });
  }
}

/** @returns the id of a token that was held once, for the audit log; the secret was right. */
export function endedToken(
  { code }: Refusal,
  authorization: string | undefined,
): string | undefined {
  if (code !== 'token-expired' && code !== 'token-revoked') return undefined;
  return tokenId(authorization?.replace(/^Bearer +/i, '') ?? '');
}

/** @throws {Refusal} 403 `permission-denied`. */
export function requirePermission({ role }: TokenRecord, { permissions }: Route): void {
  if (typeof permissions === 'string') return;
  if (permissions.some((permission) => isGranted(role, permission))) return;
  const expected = `a role with ${permissions.join(' or ')}`;
  throw refuse('permission-denied', 403, `access: expected ${expected}, got the role ${role}`, {
    ...{ field: 'access', expected, got: `the role ${role}` },
  });
}

/** @param task - its name; undefined for what concerns all. @throws {Refusal} 403 `scope-denied`. */
export function requireTask(token: TokenRecord, { permissions }: Route, task?: string): void {
  if (typeof permissions === 'string') return;
  const granted = permissions.find((permission) => isGranted(token.role, permission));
  if (granted === undefined) return;
  try {
    requireScope(token, granted, task);
  } catch (error) {
    if (!(error instanceof OnlysumError) || error.code !== 'access-denied') throw error;
    const { message, expected, got } = error;
    throw refuse('scope-denied', 403, message, {
      field: 'access',
      ...(expected === undefined ? {} : { expected }),
      ...(got === undefined ? {} : { got }),
    });
  }
}

const TOKEN_CODES: ReadonlySet<string> = new Set([
  'token-invalid',
  'token-expired',
  'token-revoked',
]);
const CHALLENGE = { 'WWW-Authenticate': 'Bearer' };
