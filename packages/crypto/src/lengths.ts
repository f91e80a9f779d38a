/**
 * The checks of lengths that both suites make first, so that they refuse the same calls alike.
 * A wrong length of a peer's key is the peer's fault; of anything else, the caller's.
 */
import { UsageError, WireError, invalidField } from './errors.js';
import { isLowOrderU } from './public-keys.js';

/** The most that RFC 5869 can expand: 255 hashes. */
const HKDF_MAX_BYTES = 255 * 32;
/** The most that node:crypto makes in one call. */
const STREAM_MAX_BYTES = 2 ** 31 - 1;

/** @param field - the parameter's name. */
export function checkSecretLength(field: string, secret: Uint8Array): void {
  if (secret.length === 32) return;
  throw invalidField(UsageError, 'secret-length', field, '32 bytes', secret);
}

export function checkAgreementKey(publicKey: Uint8Array): void {
  if (publicKey.length !== 32) {
    throw invalidField(WireError, 'key-length', 'publicKey', '32 bytes', publicKey);
  }
  if (isLowOrderU(publicKey)) {
    const expected = 'a point that is not of low order';
    throw new WireError('key-low-order', `publicKey: expected ${expected}`, {
      field: 'publicKey',
      expected,
    });
  }
}

export function checkHkdfLength(length: number): void {
  checkLength(length, 1, HKDF_MAX_BYTES);
}

export function checkStreamLength(length: number): void {
  checkLength(length, 0, STREAM_MAX_BYTES);
}

function checkLength(length: number, least: number, most: number): void {
  if (Number.isInteger(length) && length >= least && length <= most) return;
  const expected = `${least} to ${most} bytes`;
  throw invalidField(UsageError, 'length-invalid', 'length', expected, length);
}
