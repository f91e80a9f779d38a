/** @onlysum/client: record metrics on a device, and submit them so that only the sum can be opened. */
export { portableSuite } from '@onlysum/crypto';
export { type Client, createClient, type SubmitOptions } from './client.js';
export { memoryStore } from './memory-store.js';
export type { Credential } from './credential.js';
export type { EnrolOptions } from './enrolment.js';
export type { ClientOptions, Progress } from './options.js';
export type { Preview, PreviewLane, PreviewMetric } from './preview.js';
export { checkReceipt } from './receipt.js';
export { emptyRecord } from './record.js';
export type {
  ClientRecord,
  LedgerEntry,
  PseudonymRecord,
  ReceiptEvidence,
  RegistrarRecord,
  SentEntry,
  SubmitReceipt,
} from './record.js';
export type { FetchInit, FetchLike } from './registrar-http.js';
export type { ClientStore } from './store.js';
export { SubmitError } from './submit-error.js';
export type { Closing, Connection, ConnectOptions, Transport } from './transport.js';
export { webSocketTransport } from './web-socket-transport.js';
