/**
 * Who is signed in. Knows: the token, until when it holds. Doesn't know: pages.
 * Invariant: the token is in this module's memory and nowhere else: no storage, no address, no markup. A
 * browser writes session storage to disk to restore tabs, and any script of the origin could read it; the
 * price is that a reload asks again.
 */
import { signal } from '@preact/signals';
import type { Me, Permission } from './api/contract.js';
import { ApiError, type ApiRequest, requestApi } from './api/request.js';

/** Undefined when nobody is signed in. */
export const me = signal<Me | undefined>(undefined);
/** Why somebody is not signed in any more. */
export const farewell = signal('');

let token = '';
let expiry: ReturnType<typeof setTimeout> | undefined;

/** Timers hold no more. */
const MOST_TIMER_MS = 2 ** 31 - 1;

const REASONS: Readonly<Record<string, string>> = {
  'token-expired': 'Your token has expired. Sign in with a new one.',
  'token-revoked': 'Your token was revoked. Ask for a new one.',
  'token-invalid': 'The coordinator does not know this token.',
};

/** @throws {ApiError} if the token does not hold. */
export async function signIn(presented: string): Promise<void> {
  const response = await requestApi(presented, '/me').catch((error: unknown) => {
    throw error instanceof ApiError && error.status === 401 ? explained(error) : error;
  });
  const answer = (await response.json()) as Me;
  token = presented;
  farewell.value = '';
  me.value = answer;
  clearTimeout(expiry);
  const leftMs = Math.max(0, answer.expiresMs - Date.now());
  if (leftMs <= MOST_TIMER_MS) expiry = setTimeout(() => signOut(REASONS['token-expired']), leftMs);
}

export function signOut(reason = 'You have signed out.'): void {
  clearTimeout(expiry);
  token = '';
  me.value = undefined;
  farewell.value = reason;
}

export function may(permission: Permission): boolean {
  return me.value?.permissions.includes(permission) ?? false;
}

/** As whoever is signed in; a token that holds no more signs out. @throws {ApiError} */
export async function request(path: string, options: ApiRequest = {}): Promise<Response> {
  const used = token;
  try {
    return await requestApi(used, path, options);
  } catch (error) {
    // An answer that comes late must not end a session that has begun since.
    if (error instanceof ApiError && error.status === 401 && used === token && used !== '') {
      signOut(explained(error).message);
    }
    throw error;
  }
}

/** @throws {ApiError} */
export async function json<T>(path: string, options: ApiRequest = {}): Promise<T> {
  return (await (await request(path, options)).json()) as T;
}

function explained({ status, code, message }: ApiError): ApiError {
  return new ApiError(status, code, REASONS[code] ?? message);
}
