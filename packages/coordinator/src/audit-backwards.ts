/** The audit log from its newest entry back: what starts and ends of processes left behind is near its end. */
import type { AuditEntry } from '@onlysum/service';
import type { CoordinatorStore } from './store/coordinator-store.js';

export const STARTED = 'coordinator.started';
export const CLOSED = 'coordinator.closed';
const PAGE = 500;

export async function* auditBackwards(store: CoordinatorStore): AsyncIterable<AuditEntry> {
  let page: readonly AuditEntry[];
  let before: number | undefined;
  do {
    page = await store.latestAuditEntries({ limit: PAGE, ...(before !== undefined && { before }) });
    yield* page;
    before = page.at(-1)?.sequence;
  } while (page.length === PAGE);
}
