/**
 * Pairwise and self masks: keys, tags, commitments, and what they add to lanes.
 * Knows: stream keys, the sign rule. Doesn't know: who dropped, shares, messages.
 * Invariant: over a full cohort all pair masks cancel (masking.test.ts).
 */
import { LABELS, type SignedStream, type Suite, encodeLabelled, wipe } from '@onlysum/crypto';
import { KEY_BYTES, PAIR_TAG_BYTES } from './sizes.js';

/** An end of a pair, as the channel keys see it. */
interface ChannelEnd {
  readonly index: number;
  readonly c: Uint8Array;
}

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
  from: ChannelEnd,
  to: ChannelEnd,
): Uint8Array {
  return suite.hkdfSha256(agreement, context, channelKeyInfo(from, to), KEY_BYTES);
}

/** What names the channel from `from` to `to` in its key. */
export function channelKeyInfo(from: ChannelEnd, to: ChannelEnd): Uint8Array {
  return encodeLabelled(LABELS.channelKey, from.index, to.index, from.c, to.c);
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
  return suite.hkdfSha256(agreement, context, pairSecretInfo(a, b), KEY_BYTES);
}

/** What names the pair in its secret; the same from both ends. */
export function pairSecretInfo(a: PairEnd, b: PairEnd): Uint8Array {
  const [lo, hi] = a.index < b.index ? [a, b] : [b, a];
  return encodeLabelled(LABELS.pairSecret, lo.index, hi.index, lo.s, hi.s);
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

/** The self mask of `index`, as the device adds it. */
export function selfMask(
  suite: Suite,
  context2: Uint8Array,
  index: number,
  b: Uint8Array,
): SignedStream {
  const info = encodeLabelled(LABELS.selfStream, index);
  return { key: suite.hkdfSha256(b, context2, info, KEY_BYTES), sign: 1 };
}

/** The pair mask, as `self` adds it: plus if `self` is the lower index, minus if it is the higher. */
export function pairMask(
  suite: Suite,
  context2: Uint8Array,
  self: number,
  other: number,
  p: Uint8Array,
): SignedStream {
  const info = encodeLabelled(LABELS.pairStream, Math.min(self, other), Math.max(self, other));
  return { key: suite.hkdfSha256(p, context2, info, KEY_BYTES), sign: self < other ? 1 : -1 };
}

/** Puts masks on. Many at once cost least. Wipes their keys. */
export function addMasks(suite: Suite, lanes: Uint32Array, masks: readonly SignedStream[]): void {
  suite.addStreams(lanes, masks);
  for (const { key } of masks) wipe(key);
}

/** Takes masks off that a device put on. Wipes their keys. */
export function removeMasks(
  suite: Suite,
  lanes: Uint32Array,
  masks: readonly SignedStream[],
): void {
  const opposite = masks.map(({ key, sign }) => ({ key, sign: sign === 1 ? -1 : 1 }) as const);
  addMasks(suite, lanes, opposite);
}
