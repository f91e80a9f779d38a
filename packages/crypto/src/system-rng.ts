/** The one source of real randomness: `crypto.getRandomValues` of the platform. */
import { randomBytes } from '@noble/hashes/utils.js';
import type { Rng } from './suite.js';

/** The most bytes that `getRandomValues` gives in one call. Web Cryptography API, section 10.1.1. */
const QUOTA_BYTES = 65536;

/** CSPRNG of the platform. @param length - bytes, any number. @throws if the platform has none. */
export const systemRng: Rng = (length) => {
  if (length <= QUOTA_BYTES) return randomBytes(length);
  const out = new Uint8Array(length);
  for (let at = 0; at < length; at += QUOTA_BYTES) {
    out.set(randomBytes(Math.min(QUOTA_BYTES, length - at)), at);
  }
  return out;
};
