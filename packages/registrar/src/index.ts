/** @onlysum/registrar: enrolment and attestation, over HTTP or embedded. */
export {
  beginIncarnation,
  issueCodes,
  lookUpParticipant,
  revokeEnrolment,
  revokeLicensed,
} from './administration.js';
export { auditBase, auditEntries, auditHead } from './audit.js';
export type { Enrolment, Recertification, Renewal, TokenEnrolment } from './certifying.js';
export type { RegistrarHealth } from './health.js';
export type { RegistrarLimits } from './http/limits.js';
export type { RateLimits } from './http/rate-limit.js';
export {
  TOKEN_ALGORITHMS,
  type TokenAlgorithm,
  type TokenIssuer,
  type TokenLimits,
} from './licence-token.js';
export type { Maintained, Retention } from './maintenance.js';
export type { RegistrarOptions } from './options.js';
export { storeOwner } from './owner.js';
export { type Registrar, createRegistrar } from './registrar.js';
export { type RevocationList, revocationsStatement } from './revocations.js';
export type { Readiness } from './readiness.js';
export {
  checkOperatorOptions,
  type RegistrarOperatorOptions,
  type RegistrarServerOptions,
  type RunningRegistrar,
  startRegistrar,
} from './server.js';
export { type LmdbStoreOptions, lmdbStore } from './store/lmdb-store.js';
export { memoryStore } from './store/memory-store.js';
export { postgresStore } from './store/postgres-store.js';
export type { RegistrarStore } from './store/registrar-store.js';
