export { type OpenedStore, registrarStoreContract } from './registrar-store-contract.js';
export { clientStoreContract, type OpenedClientStore } from './client-store-contract.js';
export {
  coordinatorStoreContract,
  type OpenedCoordinatorStore,
} from './coordinator-store-contract.js';
