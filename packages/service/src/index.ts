/** @onlysum/service: what coordinator and registrar have in common as services. */
export * from './audit-chain.js';
