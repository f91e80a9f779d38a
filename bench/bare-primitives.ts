/**
 * What a device cannot avoid in one round, called without a protocol around it: 2k agreements, 2k boxes,
 * key derivations, k + 1 streams, the sharing of two secrets, signatures.
 */
import { type SignedStream, type Suite, splitSecret, systemRng } from '@onlysum/crypto';
import { BOX_BYTES } from '@onlysum/protocol';

export interface RoundSize {
  readonly k: number;
  readonly t: number;
  /** m. */
  readonly lanes: number;
}

/** Two keys for the channel of each neighbour, a pair secret, and its stream's key; one self stream. */
const derivations = (k: number): number => 4 * k + 1;
/** Label, two indices, two keys. */
const INFO_BYTES = 104;
/** Hello and AdvertiseKeys. */
const SIGNATURES = 2;
/** Announcement, roster, U2, U3. */
const VERIFICATIONS = 4;
const STATEMENT_BYTES = 200;
const TAG_BYTES = 16;

/** @returns does it once; everything that goes in is made before. */
export function barePrimitives(suite: Suite, { k, t, lanes }: RoundSize): () => void {
  const [secret, salt, info] = [systemRng(32), systemRng(32), systemRng(INFO_BYTES)];
  const publicKeys = Array.from({ length: 2 * k }, () => suite.x25519PublicKey(systemRng(32)));
  const xs = Array.from({ length: k }, (_, i) => 1 + i * 11);
  const statement = systemRng(STATEMENT_BYTES);
  const [seed, pseudonym] = [secret, suite.ed25519PublicKey(secret)];
  const signature = suite.ed25519Sign(seed, statement);
  const plaintext = systemRng(BOX_BYTES - TAG_BYTES);
  const boxes = Array.from({ length: k }, () => {
    const key = systemRng(32);
    return { key, box: suite.seal(key, plaintext) };
  });
  const streams = Array.from(
    { length: k + 1 },
    (_, i): SignedStream => ({ key: systemRng(32), sign: i % 2 === 0 ? 1 : -1 }),
  );
  const sum = new Uint32Array(lanes);
  return () => {
    for (let i = 0; i < 2; i++) suite.x25519PublicKey(secret);
    for (const ofOneSecret of [publicKeys.slice(0, k), publicKeys.slice(k)]) {
      const agree = suite.x25519With(secret);
      for (const publicKey of ofOneSecret) agree(publicKey);
    }
    for (let i = derivations(k); i > 0; i--) suite.hkdfSha256(secret, salt, info, 32);
    for (const { key } of boxes) suite.seal(key, plaintext);
    for (const { key, box } of boxes) suite.open(key, box);
    splitSecret(secret, t, xs, systemRng);
    splitSecret(secret, t, xs, systemRng);
    suite.addStreams(sum, streams);
    for (let i = 0; i < SIGNATURES; i++) suite.ed25519Sign(seed, statement);
    for (let i = 0; i < VERIFICATIONS; i++) suite.ed25519Verify(pseudonym, statement, signature);
  };
}
