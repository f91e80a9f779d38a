/**
 * What the coordinator sends, each message with its parser. Protocol §5. Durations are sent, never
 * clock times.
 */
import { announcementField } from '../announcement.js';
import { optionalAuditHeadField } from '../audit-head.js';
import { MOST_DETAIL_CHARACTERS } from '../drop-reasons.js';
import {
  BOX_BYTES,
  CHALLENGE_BYTES,
  DIGEST_BYTES,
  KEY_BYTES,
  NEIGHBOUR_BYTES,
  ROUND_ID_BYTES,
  SIGNATURE_BYTES,
} from '../sizes.js';
import {
  booleanField,
  bytesField,
  codec,
  integerField,
  listField,
  recordsField,
  textField,
} from '../wire/codec.js';

const MOST_DEVICES = 65_535;
const MOST_MILLISECONDS = 2 ** 41;

const round = bytesField(ROUND_ID_BYTES);
const deviceCount = integerField(0, MOST_DEVICES);
const milliseconds = integerField(0, MOST_MILLISECONDS);
const signature = bytesField(SIGNATURE_BYTES);
const bitmap = recordsField(1, Math.ceil(MOST_DEVICES / 8));

/** §5.0. Single use. */
export const challenge = codec(1, 'Challenge', { challenge: bytesField(CHALLENGE_BYTES) });
export type Challenge = ReturnType<typeof challenge.parse>;

/** §5.0. A round to join, and the registrar's word about its window. */
export const offer = codec(2, 'Offer', {
  round,
  /** Until the last stage of the round ends, at the latest. */
  remainingMs: milliseconds,
  announcement: announcementField,
  /** With it a device whose connection broke takes its place again. Secret; used once. */
  token: bytesField(KEY_BYTES),
});
export type Offer = ReturnType<typeof offer.parse>;

/** §5.2. The attested roster, this device's place in it, and the proof. */
export const roster = codec(3, 'Roster', {
  round,
  n: deviceCount,
  k: deviceCount,
  t: deviceCount,
  seed: bytesField(KEY_BYTES),
  root: bytesField(DIGEST_BYTES),
  signature,
  index: deviceCount,
  neighbours: recordsField(NEIGHBOUR_BYTES, MOST_DEVICES),
  path: listField(bytesField(DIGEST_BYTES), 16),
});
export type Roster = ReturnType<typeof roster.parse>;

/** §5.4. Attested U2, and the boxes of this device's neighbours in it, ascending. */
export const sharedSet = codec(4, 'SharedSet', {
  round,
  members: bitmap,
  signature,
  boxes: recordsField(BOX_BYTES, MOST_DEVICES),
});
export type SharedSet = ReturnType<typeof sharedSet.parse>;

/** §5.5. Attested U3. */
export const survivorSet = codec(5, 'SurvivorSet', { round, members: bitmap, signature });
export type SurvivorSet = ReturnType<typeof survivorSet.parse>;

/** §5.7. R ⊆ U3, whose b is wanted, and S ⊆ U2 \ U3, whose s is wanted. */
export const recover = codec(6, 'Recover', { round, silent: bitmap, dropped: bitmap });
export type Recover = ReturnType<typeof recover.parse>;

/** §5.8. The round is over, whether its sum was opened, and where the audit logs of both servers stand. */
export const closed = codec(7, 'Closed', {
  round,
  opened: booleanField,
  /** Once the sum was kept: what was recorded of this round is part of that log. */
  coordinatorHead: optionalAuditHeadField,
  /** Once U3 was attested. */
  registrarHead: optionalAuditHeadField,
});
export type Closed = ReturnType<typeof closed.parse>;

/** While a cohort gathers: how many are missing, and for how long it stays open. */
export const progress = codec(8, 'Progress', {
  missing: deviceCount,
  closesInMs: milliseconds,
  /** Takes the place of the offer's: a gathering that is extended moves the end of the round. */
  remainingMs: milliseconds,
});
export type Progress = ReturnType<typeof progress.parse>;

/** §5.9. The place is taken again; the message of the present stage follows. */
export const resumed = codec(10, 'Resumed', {
  round,
  stage: textField(32),
  /** Until the stage ends, at the latest. */
  remainingMs: milliseconds,
  /** SHA-256 of the last message that was accepted from this device; zeros if there is none. */
  accepted: bytesField(DIGEST_BYTES),
  /** Takes the place of the one that was used. */
  token: bytesField(KEY_BYTES),
});
export type Resumed = ReturnType<typeof resumed.parse>;

/** §5.4. A credit: send the masked input now. */
export const uploadGrant = codec(11, 'UploadGrant', { round });
export type UploadGrant = ReturnType<typeof uploadGrant.parse>;

/** The last word to a device that is sent away. `code` is a row of docs/errors.md. */
export const dropped = codec(9, 'Dropped', {
  code: textField(64),
  detail: textField(MOST_DETAIL_CHARACTERS),
  /** When trying again can help; −1 if it cannot. */
  retryInMs: integerField(-1, MOST_MILLISECONDS),
});
export type Dropped = ReturnType<typeof dropped.parse>;
