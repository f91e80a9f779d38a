/** The audit log from its newest entry back: what starts and ends of processes left behind is near its end. */
import type { AuditEntry } from '@onlysum/service';
import type { CoordinatorStore } from './store/coordinator-store.js';

export const STARTED = 'coordinator.started';
export const CLOSED = 'coordinator.closed';
const PAGE = 500;

export async function* auditBackwards(store: CoordinatorStore): AsyncIterable<AuditEntry> {
  const { sequence } = await store.auditHead();
  for (let last = sequence; last > 0; last -= PAGE) {
    const after = Math.max(0, last - PAGE);
    const entries = await store.auditEntries({ after, limit: last - after });
    yield* entries.toReversed();
  }
}
