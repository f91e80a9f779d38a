/**
 * Pairwise and self masks: keys, tags, commitments, and streams added into lanes.
 * Knows: rings, streams, the sign rule. Doesn't know: who dropped, shares, messages.
 * Invariant: over a full cohort all pair masks cancel (masking.test.ts).
 */
import { LABELS, type Suite, encodeLabelled, wipe } from '@onlysum/crypto';
import { KEY_BYTES, PAIR_TAG_BYTES } from './sizes.js';

/**
 * Key of the one message from `from` to `to`. Each direction has its own key, so that the zero nonce
 * is used once. Protocol §5.3.
 *
 * @param agreement - X25519(c_from, c_to), borrowed.
 */
export function channelKey(
  suite: Suite,
  agreement: Uint8Array,
  context: Uint8Array,
  from: { readonly index: number; readonly c: Uint8Array },
  to: { readonly index: number; readonly c: Uint8Array },
): Uint8Array {
  const info = encodeLabelled(LABELS.channelKey, from.index, to.index, from.c, to.c);
  return suite.hkdfSha256(agreement, context, info, KEY_BYTES);
}

/** An end of a pair, as the pair secret sees it. */
export interface PairEnd {
  readonly index: number;
  readonly s: Uint8Array;
}

/**
 * p of a pair; the same from both ends. Both keys and both indices are in it, so a copied key gives
 * another secret. Protocol §5.3.
 *
 * @param agreement - X25519(s_i, s_j), borrowed.
 */
export function pairSecret(
  suite: Suite,
  agreement: Uint8Array,
  context: Uint8Array,
  a: PairEnd,
  b: PairEnd,
): Uint8Array {
  const [lo, hi] = a.index < b.index ? [a, b] : [b, a];
  const info = encodeLabelled(LABELS.pairSecret, lo.index, hi.index, lo.s, hi.s);
  return suite.hkdfSha256(agreement, context, info, KEY_BYTES);
}

/** @returns 16 bytes; equal tags of both ends show that they hold the same p. */
export function pairTag(suite: Suite, p: Uint8Array): Uint8Array {
  return suite.sha256(encodeLabelled(LABELS.pairTag, p)).subarray(0, PAIR_TAG_BYTES);
}

/** @returns 32 bytes that bind a device to its self-mask seed b. Hiding, since b is 32 random bytes. */
export function selfCommitment(
  suite: Suite,
  context2: Uint8Array,
  index: number,
  b: Uint8Array,
): Uint8Array {
  return suite.sha256(encodeLabelled(LABELS.selfCommitment, context2, index, b));
}

/** Adds (device) or removes (coordinator, `sign` reversed) the self mask of `index`. */
export function maskSelf(
  suite: Suite,
  lanes: Uint32Array,
  sign: 1 | -1,
  context2: Uint8Array,
  index: number,
  b: Uint8Array,
): void {
  const info = encodeLabelled(LABELS.selfStream, index);
  addStream(suite, lanes, sign, suite.hkdfSha256(b, context2, info, KEY_BYTES));
}

/**
 * Adds the pair mask as `self` adds it: plus if `self` is the lower index, minus if it is the higher.
 *
 * @param sign - 1 to mask, −1 to take that mask off again.
 */
export function maskPair(
  suite: Suite,
  lanes: Uint32Array,
  sign: 1 | -1,
  context2: Uint8Array,
  self: number,
  other: number,
  p: Uint8Array,
): void {
  const info = encodeLabelled(LABELS.pairStream, Math.min(self, other), Math.max(self, other));
  const signed = self < other ? sign : (-sign as 1 | -1);
  addStream(suite, lanes, signed, suite.hkdfSha256(p, context2, info, KEY_BYTES));
}

/** Lane j takes ± the j-th little-endian 32-bit word of the stream. Wipes `key`. */
function addStream(suite: Suite, lanes: Uint32Array, sign: 1 | -1, key: Uint8Array): void {
  const stream = suite.stream(key, lanes.length * 4);
  const view = new DataView(stream.buffer, stream.byteOffset, stream.byteLength);
  for (let j = 0; j < lanes.length; j++) {
    lanes[j] = (lanes[j] ?? 0) + sign * view.getUint32(j * 4, true);
  }
  wipe(key, stream);
}
