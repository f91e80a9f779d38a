/** @onlysum/service: what coordinator and registrar have in common as services. */
export * from './audit-chain.js';
export * from './lmdb-database.js';
export * from './postgres-database.js';
