import { clientStoreContract } from '@onlysum/testkit';
import { memoryStore } from './memory-store.js';

clientStoreContract('memory', async () => ({ store: memoryStore() }));
