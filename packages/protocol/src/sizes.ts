/** Sizes in bytes that the wire, the hashes and the suites agree on. Protocol §2. */
export const KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;
export const DIGEST_BYTES = 32;
export const ROUND_ID_BYTES = 16;
export const NONCE_BYTES = 16;
export const CHALLENGE_BYTES = 32;
/** One Shamir share: 16 symbols of 16 bits. */
export const SHARE_BYTES = 32;
/** A sealed share of b and share of s: two shares and the tag of the AEAD. */
export const BOX_BYTES = 2 * SHARE_BYTES + 16;
/** The tag by which both ends show that they derived the same pair secret. */
export const PAIR_TAG_BYTES = 16;
/** A leaf's entry for a neighbour: u32 index, c, s. */
export const NEIGHBOUR_BYTES = 4 + 2 * KEY_BYTES;
/** A revealed share: u32 index of the dealer, share. */
export const SHARE_RECORD_BYTES = 4 + SHARE_BYTES;
