/** A record that lasts as long as this object: for tests, trials, and devices that enrol each time. */
import { RoundError } from '@onlysum/crypto';
import { type ClientRecord, emptyRecord } from './record.js';
import type { ClientStore } from './store.js';

/**
 * Forgets what it contributed when the page or process ends, so it must not outlive its enrolment:
 * a device that keeps its certificate needs a durable store.
 */
export function memoryStore(): ClientStore {
  let record = emptyRecord();
  let isClosed = false;
  const checkOpen = (): void => {
    if (isClosed) throw new RoundError('store-failed', 'store: it was closed; open it again');
  };
  return {
    update: async (change) => {
      checkOpen();
      const [next, result] = change(structuredClone(record));
      record = structuredClone(next);
      return result;
    },
    read: async (): Promise<ClientRecord> => {
      checkOpen();
      return structuredClone(record);
    },
    close: async () => {
      isClosed = true;
    },
  };
}
