/** @onlysum/protocol: the secure sum. Machines, messages, masks; no I/O. */
export { type Announcement, announcementCheck } from './announcement.js';
export {
  type AuditedRole,
  type AuditHeads,
  isSignedAuditHead,
  signAuditHead,
  type SignedAuditHead,
} from './audit-head.js';
export { decodeBitmap, encodeBitmap } from './bitmap.js';
export { type Certificate, certificateCheck, certificateField } from './certificate.js';
export type { RosterFacts } from './context.js';
export { maskContext, rosterStatement, roundContext } from './context.js';
export { sharedSetStatement, survivorSetStatement } from './context.js';
export { admit, checkHello, makeChallenge } from './coordinator/admission.js';
export { startRound, stepCoordinator } from './coordinator/machine.js';
export {
  type MaskSources,
  type OpenPart,
  openPart,
  type PartOutcome,
  wipeRecovered,
} from './coordinator/open-part.js';
export {
  mergeParts,
  type OpenJob,
  type OpenOutcome,
  openSum,
  splitOpenJob,
} from './coordinator/open-sum.js';
export * from './coordinator/types.js';
export { startDevice, stepDevice } from './device/machine.js';
export { messageBytes } from './device/message-bytes.js';
export { eraseEvent } from './device/types.js';
export type {
  DeviceEffect,
  DeviceEvent,
  DeviceOutcome,
  DeviceParams,
  DeviceStage,
  DeviceState,
  Receipt,
  Reservation,
  ReservationOutcome,
} from './device/types.js';
export {
  DROP_REASONS,
  type DropCode,
  isDropCode,
  MOST_DETAIL_CHARACTERS,
  retryInMs,
} from './drop-reasons.js';
export * from './messages/from-coordinator.js';
export * from './messages/from-device.js';
export { countNeighbours, drawGraph, type Graph } from './graph.js';
export {
  COMPLETE_MAX,
  mostNeighbours,
  type GraphParameters,
  graphParameters,
  rosterParameters,
} from './parameters.js';
export { colludersInPool, poolCount, poolOf, toleratedPopulation } from './pools.js';
export { type ReceiptKeys, verifyReceipt } from './receipt.js';
export { parseRoundRecord, type RoundRecord } from './round-record.js';
export { type CheckedRound, verifyRoundRecord } from './round-record-check.js';
export * from './registrar/enrolment.js';
export { type Ledger, type LedgerValue, MemoryLedger } from './registrar/ledger.js';
export * from './registrar/licence.js';
export { enrolledIn, isRevoked, nextSequence, population } from './registrar/lineage.js';
export { answerRequest, checkRequest, refusal, type RequestChecks } from './registrar/machine.js';
export { findParticipant } from './registrar/participant.js';
export { revokedPseudonyms } from './registrar/records.js';
export * from './registrar/recertification.js';
export * from './registrar/requests.js';
export {
  expiredWindows,
  LEAST_RETENTION_MS,
  type PrunedWindow,
  pruneWindow,
  type PastWindow,
} from './registrar/retention.js';
export { RefusedRequest, type RegistrarParams } from './registrar/types.js';
export { announceWindow, newIncarnation, presentIncarnation } from './registrar/window.js';
export { BOX_BYTES, KEY_BYTES, PAIR_TAG_BYTES, SHARE_RECORD_BYTES } from './sizes.js';
export { type PoolSlots, poolSlots, slotCount } from './slots.js';
export { clockSkewMs, currentWindow } from './window-clock.js';
export { decodeFrame } from './wire/codec.js';
