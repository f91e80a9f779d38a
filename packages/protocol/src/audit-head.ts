/**
 * Where a server's audit log stood when it last spoke in a round, under that server's key. In the receipts of
 * thousands of devices it is a copy of the log that its owner cannot take back. Protocol §5.8.
 * Knows: statement and signature. Doesn't know: what the log says.
 */
import { encodeLabelled, LABELS, type Suite } from '@onlysum/crypto';
import { DIGEST_BYTES, SIGNATURE_BYTES } from './sizes.js';
import { bytesField, integerField, optionalField, tupleField } from './wire/codec.js';

/** Whose log it is, and by which key of the manifest it is signed. */
export type AuditedRole = 'coordinator' | 'registrar';

const auditHeadField = tupleField({
  /** Of the newest entry; 0 for an empty log. */
  sequence: integerField(0, Number.MAX_SAFE_INTEGER),
  /** Of that entry, and so of the whole log. */
  digest: bytesField(DIGEST_BYTES),
  signature: bytesField(SIGNATURE_BYTES),
});

export type SignedAuditHead = ReturnType<typeof auditHeadField>;

/** Null from a server that keeps no log. */
export const optionalAuditHeadField = optionalField(auditHeadField);

/** What each server said; null if it said nothing. */
export type AuditHeads = Readonly<Record<AuditedRole, SignedAuditHead | null>>;

/**
 * @param seed - Ed25519 seed of the server's key that the manifest names; borrowed.
 * @param round - 16 bytes: in which round it is said.
 */
export function signAuditHead(
  suite: Suite,
  seed: Uint8Array,
  role: AuditedRole,
  round: Uint8Array,
  head: Omit<SignedAuditHead, 'signature'>,
): SignedAuditHead {
  return { ...head, signature: suite.ed25519Sign(seed, auditHeadStatement(role, round, head)) };
}

/** @param publicKey - Ed25519, that the manifest names for this role. */
export function isSignedAuditHead(
  suite: Suite,
  publicKey: Uint8Array,
  role: AuditedRole,
  round: Uint8Array,
  head: SignedAuditHead,
): boolean {
  return suite.ed25519Verify(publicKey, auditHeadStatement(role, round, head), head.signature);
}

/** The bytes that the server signs. */
export function auditHeadStatement(
  role: AuditedRole,
  round: Uint8Array,
  { sequence, digest }: Omit<SignedAuditHead, 'signature'>,
): Uint8Array {
  return encodeLabelled(LABELS.auditHead, role, round, sequence, digest);
}
