/** @onlysum/service: what coordinator and registrar have in common as services. */
export * from './access.js';
export * from './audit-chain.js';
export * from './audit-file.js';
export * from './audit-pages.js';
export * from './audit-tally.js';
export * from './client-address.js';
export * from './listening.js';
export * from './lmdb-database.js';
export * from './postgres-database.js';
export * from './postgres-server.js';
export * from './redaction.js';
export * from './seal-key.js';
export * from './sealing.js';
export * from './token-buckets.js';
export * from './tokens.js';
