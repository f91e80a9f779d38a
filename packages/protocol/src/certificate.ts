/**
 * A certificate: the registrar's word that a pseudonym may take part in one epoch. Protocol §5.0.
 * Knows: its bytes and its epoch. Doesn't know: revocation, which only the registrar can tell.
 */
import { type DeriveOp, LABELS, encodeLabelled } from '@onlysum/crypto';
import { KEY_BYTES, SIGNATURE_BYTES } from './sizes.js';
import { type FieldParser, bytesField, integerField, tupleField } from './wire/codec.js';

export interface Certificate {
  /** ⌊time / epochLengthMs⌋. */
  readonly epoch: number;
  readonly epochLengthMs: number;
  /** Ed25519 public key. */
  readonly pseudonym: Uint8Array;
  /** Ed25519, by the registrar. */
  readonly signature: Uint8Array;
}

export const certificateField: FieldParser<Certificate> = tupleField({
  epoch: integerField(0, Number.MAX_SAFE_INTEGER),
  epochLengthMs: integerField(1, Number.MAX_SAFE_INTEGER),
  pseudonym: bytesField(KEY_BYTES),
  signature: bytesField(SIGNATURE_BYTES),
});

/** The bytes the registrar signs. */
export function certificateStatement(
  registrarKey: Uint8Array,
  certificate: Omit<Certificate, 'signature'>,
): Uint8Array {
  const { epoch, epochLengthMs, pseudonym } = certificate;
  return encodeLabelled(LABELS.certificate, registrarKey, epoch, epochLengthMs, pseudonym);
}

/** The check of a certificate's signature, to be run as a `derive` operation. */
export function certificateCheck(registrarKey: Uint8Array, certificate: Certificate): DeriveOp {
  return {
    op: 'ed25519-verify',
    publicKey: registrarKey,
    message: certificateStatement(registrarKey, certificate),
    signature: certificate.signature,
  };
}
