/** @onlysum/coordinator: the server that adds masked inputs and opens only the total. */
export {
  type CoordinatorHealth,
  type RunningCoordinator,
  startCoordinator,
} from './coordinator.js';
export { type AdminOptions, type AdminRateLimits } from './admin/admin-options.js';
export { isLoopback } from './admin/connection.js';
export {
  createToken,
  listTokens,
  type NewToken,
  revokeToken,
  type TokenView,
} from './admin/tokens.js';
export { resumeTaskIn, stopTaskIn } from './kill-switch.js';
export { DEFAULT_LIMITS, type Limits } from './limits.js';
export {
  checkOperatorOptions,
  type CoordinatorOperatorOptions,
  type CoordinatorOptions,
} from './options.js';
export type { Readiness } from './readiness.js';
export type { TalliedReason } from './reason-tally.js';
export type { RoundStatus } from './round.js';
export type { DropCount, PublishedResult, RoundCost } from './published-result.js';
export { type HttpRegistrarOptions, httpRegistrar, type RegistrarPort } from './registrar-port.js';
export type { ChainContext } from './store/embedded-store.js';
export type {
  AuditTrail,
  CoordinatorStore,
  PageSize,
  RoundPage,
  Written,
} from './store/coordinator-store.js';
export { lmdbCoordinatorStore } from './store/lmdb-store.js';
export { memoryCoordinatorStore } from './store/memory-store.js';
export { postgresCoordinatorStore } from './store/postgres-store.js';
export type * from './store/records.js';
export { type TlsFiles, tlsOptions } from './tls.js';
export { type ResealPorts, resealResults } from './reseal.js';
export {
  checkKeyFile,
  checkSealKeys,
  fileSealing,
  freshSealing,
  keyedSealing,
  type ResultSealing,
} from './sealing.js';
export type { WindowReport, WindowTotal } from './window-report.js';
