/** @onlysum/client: record metrics on a device, and submit them so that only the sum can be opened. */
export { portableSuite } from '@onlysum/crypto';
export type { Budget } from '@onlysum/task';
export { type Client, createClient, type SubmitOptions } from './client.js';
export type { ClientConsent } from './consent.js';
export {
  describe,
  type GroupDescription,
  type MetricDescription,
  type PartyDescription,
  type TaskDescription,
} from './describe.js';
export type { LeaveOptions } from './leave.js';
export { memoryStore } from './memory-store.js';
export type { Credential } from './credential.js';
export type { EnrolOptions } from './enrolment.js';
export type { AnyMetrics, MetricTypes } from './metric-types.js';
export type { ClientOptions, Progress } from './options.js';
export type { LaneNoise, Preview, PreviewLane, PreviewMetric, PreviewRound } from './preview.js';
export type { PrivacyStatus, SpentEntry } from './privacy-budget.js';
export { checkReceipt, checkReceiptTask } from './receipt.js';
export { emptyRecord, parseReceipts } from './record.js';
export type {
  ClientRecord,
  LedgerEntry,
  PseudonymRecord,
  ReceiptEvidence,
  RegistrarRecord,
  SentEntry,
  SpentPrivacy,
  SubmitReceipt,
} from './record.js';
export type { FetchInit, FetchLike } from './registrar-http.js';
export type { ClientStore } from './store.js';
export { SubmitError } from './submit-error.js';
export type { Closing, Connection, ConnectOptions, Transport } from './transport.js';
export { webSocketTransport } from './web-socket-transport.js';
