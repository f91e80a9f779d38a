/** @onlysum/crypto: suites, Shamir, Merkle, the labelled encoding, and the errors all packages use. */
export type { Brand } from './brand.js';
export { concatBytes, equalBytes, parseHex, toHex, utf8, wipe } from './bytes.js';
export { runDerive, wipeResults } from './derive.js';
export type { DeriveOp, DeriveResult } from './derive.js';
export { encodeLabelled, encodeLabelledList } from './encoding.js';
export type { Field } from './encoding.js';
export {
  InternalError,
  OnlysumError,
  PeerError,
  RoundError,
  UsageError,
  WireError,
  describe,
  invalidField,
  printable,
} from './errors.js';
export type { ErrorDetails } from './errors.js';
export type { SignedStream } from './kernel.js';
export { LABELS } from './labels.js';
export type { Label } from './labels.js';
export { merklePath, merkleRoot, merkleTree, merkleVerify } from './merkle.js';
export type { MerkleClaim, MerkleTree } from './merkle.js';
export { portableSuite } from './portable.js';
export { ed25519KeyProblem, x25519KeyProblem } from './public-keys.js';
export { decodeSecret } from './shamir-decode.js';
export type { DecodedSecret } from './shamir-decode.js';
export { recoverSecret, shareIndex, splitSecret } from './shamir.js';
export type { HeldShare, ShareIndex } from './shamir.js';
export { SUITE_ID } from './suite.js';
export type { Rng, Suite } from './suite.js';
export { systemRng } from './system-rng.js';
export { unsafeSeededRng } from './unsafe-seeded-rng.js';
export { webCryptoDerive } from './web-crypto.js';
export type { DeriveRunner, PlatformCrypto } from './web-crypto.js';
