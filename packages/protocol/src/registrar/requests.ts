/**
 * What the coordinator asks the registrar, and the answers. Protocol §5.2, §5.4, §5.5.
 * Every request is signed by the coordinator's key over a labelled encoding of its fields, never over
 * its MessagePack. Knows: bytes. Doesn't know: what is allowed.
 */
import { type DeriveOp, type Field, LABELS, WireError } from '@onlysum/crypto';
import { encodeLabelled, encodeLabelledList } from '@onlysum/crypto';
import { announcementField } from '../announcement.js';
import { optionalAuditHeadField } from '../audit-head.js';
import { MOST_DETAIL_CHARACTERS } from '../drop-reasons.js';
import { certificateField } from '../certificate.js';
import { DIGEST_BYTES, KEY_BYTES, ROUND_ID_BYTES, SIGNATURE_BYTES } from '../sizes.js';
import {
  type Codec,
  booleanField,
  bytesField,
  codec,
  decodeFrame,
  integerField,
  listField,
  recordsField,
  textField,
  tupleField,
} from '../wire/codec.js';

const MOST_DEVICES = 65_535;
/** A member is a certificate (4 values) and three byte strings, in two lists. */
const VALUES_PER_MEMBER = 10;

const taskId = bytesField(DIGEST_BYTES);
const round = bytesField(ROUND_ID_BYTES);
const window = integerField(0, Number.MAX_SAFE_INTEGER);
const signature = bytesField(SIGNATURE_BYTES);
const bitmap = recordsField(1, Math.ceil(MOST_DEVICES / 8));

/** Opens a window: freezes who is enrolled and draws the pools. */
export const windowRequest = codec(64, 'WindowRequest', { taskId, window, signature });
export type WindowRequest = ReturnType<typeof windowRequest.parse>;

export const rosterMemberField = tupleField({
  certificate: certificateField,
  c: bytesField(KEY_BYTES),
  s: bytesField(KEY_BYTES),
  signature,
});
/** A device's advertisement as the coordinator passes it on. */
export type RosterMember = ReturnType<typeof rosterMemberField>;

export const rosterRequest = codec(65, 'RosterRequest', {
  taskId,
  window,
  round,
  /** How long the roster stays open unless it is closed before. */
  lifetimeMs: integerField(1, 24 * 3_600_000),
  members: listField(rosterMemberField, MOST_DEVICES),
  signature,
});
export type RosterRequest = ReturnType<typeof rosterRequest.parse>;

/** U2. */
export const sharedSetRequest = codec(66, 'SharedSetRequest', {
  round,
  members: bitmap,
  signature,
});
/** U3. */
export const survivorSetRequest = codec(67, 'SurvivorSetRequest', {
  round,
  members: bitmap,
  signature,
});
export type SetRequest = ReturnType<typeof sharedSetRequest.parse>;

/** Nothing more of this roster will be asked: its devices are free to join another. */
export const closeRequest = codec(68, 'CloseRequest', { round, signature });
export type CloseRequest = ReturnType<typeof closeRequest.parse>;

export const windowResponse = codec(80, 'WindowResponse', { announcement: announcementField });
export type WindowResponse = ReturnType<typeof windowResponse.parse>;

export const rosterResponse = codec(81, 'RosterResponse', {
  incarnation: integerField(0, Number.MAX_SAFE_INTEGER),
  k: integerField(1, MOST_DEVICES),
  t: integerField(1, MOST_DEVICES),
  seed: bytesField(KEY_BYTES),
  root: bytesField(DIGEST_BYTES),
  signature,
});
export type RosterResponse = ReturnType<typeof rosterResponse.parse>;

export const setResponse = codec(82, 'SetResponse', {
  signature,
  /** Of U3: where the registrar's audit log stands, with the attestation in it. Null for U2. */
  auditHead: optionalAuditHeadField,
});
export type SetResponse = ReturnType<typeof setResponse.parse>;

export const closeResponse = codec(83, 'CloseResponse', { closed: booleanField });

/** A refusal. `members` names the devices at fault, so that the others can go on without them. */
export const refusalResponse = codec(84, 'RefusalResponse', {
  code: textField(64),
  detail: textField(MOST_DETAIL_CHARACTERS),
  members: listField(
    tupleField({ index: integerField(0, MOST_DEVICES), code: textField(64) }),
    MOST_DEVICES,
  ),
});
export type Refusal = ReturnType<typeof refusalResponse.parse>;

/** A request as the coordinator machine makes it; the host signs it. */
export type UnsignedRequest =
  | ({ readonly kind: 'window' } & Omit<WindowRequest, 'signature'>)
  | ({ readonly kind: 'roster' } & Omit<RosterRequest, 'signature'>)
  | ({ readonly kind: 'shared-set' } & Omit<SetRequest, 'signature'>)
  | ({ readonly kind: 'survivor-set' } & Omit<SetRequest, 'signature'>)
  | ({ readonly kind: 'close' } & Omit<CloseRequest, 'signature'>);

export type RegistrarRequest = UnsignedRequest & { readonly signature: Uint8Array };

/** The bytes the coordinator signs. */
export function requestStatement(request: UnsignedRequest): Uint8Array {
  switch (request.kind) {
    case 'window':
      return encodeLabelled(LABELS.windowRequest, request.taskId, request.window);
    case 'roster':
      return encodeLabelledList(LABELS.rosterRequest, [
        request.taskId,
        request.window,
        request.round,
        request.lifetimeMs,
        request.members.length,
        ...request.members.flatMap(memberFields),
      ]);
    case 'shared-set':
      return encodeLabelled(LABELS.sharedRequest, request.round, request.members);
    case 'survivor-set':
      return encodeLabelled(LABELS.survivorsRequest, request.round, request.members);
    case 'close':
      return encodeLabelled(LABELS.closeRequest, request.round);
  }
}

export function requestSigning(request: UnsignedRequest, coordinatorSeed: Uint8Array): DeriveOp {
  return { op: 'ed25519-sign', seed: coordinatorSeed, message: requestStatement(request) };
}

export function encodeRequest(request: RegistrarRequest): Uint8Array {
  // One codec per kind; the union loses the tie between the two.
  return (REQUESTS[request.kind] as Codec<unknown>).encode(request);
}

/** @throws {WireError} `wire-invalid` for anything but one of the five requests. */
export function parseRequest(bytes: Uint8Array): RegistrarRequest {
  const raw = decodeFrame(bytes, 16 + VALUES_PER_MEMBER * MOST_DEVICES);
  for (const [kind, { type, parse }] of Object.entries(REQUESTS)) {
    if (type === raw[0]) return { kind, ...parse(raw) } as RegistrarRequest;
  }
  throw new WireError('wire-invalid', `type: ${String(raw[0])} is no request to a registrar`, {
    field: 'type',
  });
}

const REQUESTS = {
  window: windowRequest,
  roster: rosterRequest,
  'shared-set': sharedSetRequest,
  'survivor-set': survivorSetRequest,
  close: closeRequest,
};

export type RegistrarResponse =
  | { readonly kind: 'window'; readonly announcement: WindowResponse['announcement'] }
  | ({ readonly kind: 'roster' } & RosterResponse)
  | ({ readonly kind: 'set' } & SetResponse)
  | { readonly kind: 'closed' }
  | ({ readonly kind: 'refused' } & Refusal);

/** @throws {WireError} `wire-invalid`. */
export function parseResponse(bytes: Uint8Array): RegistrarResponse {
  const raw = decodeFrame(bytes, 64 + 3 * MOST_DEVICES);
  switch (raw[0]) {
    case windowResponse.type:
      return { kind: 'window', ...windowResponse.parse(raw) };
    case rosterResponse.type:
      return { kind: 'roster', ...rosterResponse.parse(raw) };
    case setResponse.type:
      return { kind: 'set', ...setResponse.parse(raw) };
    case closeResponse.type:
      return { kind: 'closed' };
    case refusalResponse.type:
      return { kind: 'refused', ...refusalResponse.parse(raw) };
    default:
      throw new WireError('wire-invalid', `type: ${String(raw[0])} is no answer of a registrar`, {
        field: 'type',
      });
  }
}

export function encodeResponse(response: RegistrarResponse): Uint8Array {
  switch (response.kind) {
    case 'window':
      return windowResponse.encode(response);
    case 'roster':
      return rosterResponse.encode(response);
    case 'set':
      return setResponse.encode(response);
    case 'closed':
      return closeResponse.encode({ closed: true });
    case 'refused':
      return refusalResponse.encode(response);
  }
}

function memberFields({ certificate, c, s, signature: advertised }: RosterMember): Field[] {
  const { epoch, epochLengthMs, pseudonym, signature: signed } = certificate;
  return [epoch, epochLengthMs, pseudonym, signed, c, s, advertised];
}
