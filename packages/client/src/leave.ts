/**
 * What stays in a device's record when it leaves a task: what keeps it from contributing twice, and the
 * ledger, which is the user's. Secrets go.
 */
import { kin } from './key-change.js';
import { type ClientRecord, withRegistrar } from './record.js';
import type { ClientStore } from './store.js';

export interface LeaveOptions {
  /** Keeps this device's keys at the registrar, for other tasks that use the same store. */
  readonly keepEnrolment?: boolean;
}

/** @param registrar - public key, hex. @throws as {@link ClientStore.update} does. */
export function eraseEnrolment(store: ClientStore, registrar: string): Promise<void> {
  return store.update((record) => [withoutEnrolment(record, registrar), undefined]);
}

/** Under all keys that the registrar had. Incarnations only grow, whoever this device is to the registrar. */
function withoutEnrolment(record: ClientRecord, registrar: string): ClientRecord {
  const change = { code: null, enrolling: null, renewing: null, pseudonyms: [] };
  return [registrar, ...kin(record, registrar)]
    .filter((key) => Object.hasOwn(record.registrars, key))
    .reduce((changed, key) => withRegistrar(changed, key, change), record);
}
