export { type OpenedStore, registrarStoreContract } from './registrar-store-contract.js';
