/**
 * The registrar's announcement of a window: how many are enrolled, how many pools, and the value that
 * assigns them. Signed once per task and window. Protocol §2.4.
 */
import { type DeriveOp, LABELS, encodeLabelled } from '@onlysum/crypto';
import { KEY_BYTES, SIGNATURE_BYTES } from './sizes.js';
import { type FieldParser, bytesField, integerField, tupleField } from './wire/codec.js';

export interface Announcement {
  readonly window: number;
  readonly incarnation: number;
  /** N: pseudonyms enrolled for the epoch when the window was frozen. */
  readonly enrolled: number;
  /** L: enrolments of any epoch that are not revoked; what γ_p is a fraction of. */
  readonly population: number;
  /** P. */
  readonly pools: number;
  /** 32 random bytes, drawn after the enrolled set was frozen. */
  readonly value: Uint8Array;
  readonly signature: Uint8Array;
}

export const announcementField: FieldParser<Announcement> = tupleField({
  window: integerField(0, Number.MAX_SAFE_INTEGER),
  incarnation: integerField(0, Number.MAX_SAFE_INTEGER),
  enrolled: integerField(0, Number.MAX_SAFE_INTEGER),
  population: integerField(0, Number.MAX_SAFE_INTEGER),
  pools: integerField(1, 0xffff_ffff),
  value: bytesField(KEY_BYTES),
  signature: bytesField(SIGNATURE_BYTES),
});

/** The bytes the registrar signs. */
export function announcementStatement(
  taskId: Uint8Array,
  announcement: Omit<Announcement, 'signature'>,
): Uint8Array {
  const { window, incarnation, enrolled, population, pools, value } = announcement;
  return encodeLabelled(
    LABELS.window,
    taskId,
    window,
    incarnation,
    enrolled,
    population,
    pools,
    value,
  );
}

export function announcementCheck(
  registrarKey: Uint8Array,
  taskId: Uint8Array,
  announcement: Announcement,
): DeriveOp {
  return {
    op: 'ed25519-verify',
    publicKey: registrarKey,
    message: announcementStatement(taskId, announcement),
    signature: announcement.signature,
  };
}
