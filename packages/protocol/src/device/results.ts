/** Reads answers to `derive`. A host that answers wrongly is a bug of ours, never a peer's fault. */
import { type DeriveResult, InternalError } from '@onlysum/crypto';

export function signatureResult(result: DeriveResult): Uint8Array {
  return bytesResult(result, 'a signature');
}

export function publicKeyResult(result: DeriveResult): Uint8Array {
  return bytesResult(result, 'a public key');
}

export function isVerified(result: DeriveResult): boolean {
  if (typeof result !== 'boolean') throw unexpected('a verification', result);
  return result;
}

/** undefined: the peer's key has no agreement (low order). */
export function agreedKeys(result: DeriveResult): readonly Uint8Array[] | undefined {
  if (result === undefined || isList(result)) return result;
  throw unexpected('keys', result);
}

function bytesResult(result: DeriveResult, what: string): Uint8Array {
  if (!(result instanceof Uint8Array)) throw unexpected(what, result);
  return result;
}

function unexpected(what: string, result: DeriveResult): InternalError {
  return new InternalError('internal', `derive answered ${typeof result}, expected ${what}`);
}

function isList(result: DeriveResult): result is readonly Uint8Array[] {
  return Array.isArray(result);
}
