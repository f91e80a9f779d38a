/**
 * What a device sends, each message with its parser. Protocol §5. Lengths that depend on the round
 * (k, the vector) are bounded here and checked exactly by the phase that takes the message.
 */
import { DIGEST_BYTES, KEY_BYTES, NONCE_BYTES, PAIR_TAG_BYTES } from '../sizes.js';
import { BOX_BYTES, ROUND_ID_BYTES, SHARE_RECORD_BYTES, SIGNATURE_BYTES } from '../sizes.js';
import { bytesField, codec, integerField, recordsField, recordsView } from '../wire/codec.js';
import { certificateField } from '../certificate.js';

/** Version of this protocol. */
export const PROTOCOL_VERSION = 1;
/** The WebSocket subprotocol of that version. */
export const SUBPROTOCOL = 'onlysum.v1';
/** More than any graph needs: an index is a u16 plus one as a Shamir coordinate. */
const MOST_NEIGHBOURS = 65_534;
const MOST_VECTOR_BYTES = 16 * 1024 * 1024;

const round = bytesField(ROUND_ID_BYTES);

/** §5.0. The signature is over challenge, nonce, the coordinator's URL and the task. */
export const hello = codec(32, 'Hello', {
  version: integerField(PROTOCOL_VERSION, PROTOCOL_VERSION),
  taskId: bytesField(DIGEST_BYTES),
  nonce: bytesField(NONCE_BYTES),
  certificate: certificateField,
  signature: bytesField(SIGNATURE_BYTES),
});
export type Hello = ReturnType<typeof hello.parse>;

/** §5.1. Two fresh X25519 public keys. At most one per device and round. */
export const advertiseKeys = codec(33, 'AdvertiseKeys', {
  round,
  c: bytesField(KEY_BYTES),
  s: bytesField(KEY_BYTES),
  signature: bytesField(SIGNATURE_BYTES),
});
export type AdvertiseKeys = ReturnType<typeof advertiseKeys.parse>;

/** §5.3. A box and a tag for each neighbour, in the order of the leaf. */
export const shareKeys = codec(34, 'ShareKeys', {
  round,
  boxes: recordsView(BOX_BYTES, MOST_NEIGHBOURS),
  tags: recordsView(PAIR_TAG_BYTES, MOST_NEIGHBOURS),
});
export type ShareKeys = ReturnType<typeof shareKeys.parse>;

/** §5.4. The packed vector and a commitment to b. */
export const maskedInput = codec(35, 'MaskedInput', {
  round,
  vector: recordsView(1, MOST_VECTOR_BYTES),
  commitment: bytesField(DIGEST_BYTES),
});
export type MaskedInput = ReturnType<typeof maskedInput.parse>;

/** §5.4. The masked input is recorded and packed: may it be sent? */
export const uploadRequest = codec(39, 'UploadRequest', { round });
export type UploadRequest = ReturnType<typeof uploadRequest.parse>;

/** §5.9. On a new connection, in place of Hello: the round, and the token that was given last. */
export const resume = codec(38, 'Resume', { round, token: bytesField(KEY_BYTES) });
export type Resume = ReturnType<typeof resume.parse>;

/** §5.6. b, and p for each neighbour in U2 \ U3, ascending. */
export const unmasking = codec(36, 'Unmasking', {
  round,
  b: bytesField(KEY_BYTES),
  pairSecrets: recordsField(KEY_BYTES, MOST_NEIGHBOURS),
});
export type Unmasking = ReturnType<typeof unmasking.parse>;

/** §5.7. Shares of b for neighbours in R and of s for neighbours in S: (u32 dealer, share), ascending. */
export const revealShares = codec(37, 'RevealShares', {
  round,
  selfShares: recordsField(SHARE_RECORD_BYTES, MOST_NEIGHBOURS),
  keyShares: recordsField(SHARE_RECORD_BYTES, MOST_NEIGHBOURS),
});
export type RevealShares = ReturnType<typeof revealShares.parse>;
