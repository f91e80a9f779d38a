/** A stored audit log in order, some entries at a time. Knows: sequences. Doesn't know: where they are kept. */
import type { AuditEntry } from './audit-chain.js';

/** Read in one go, so that a running server is not held up. */
const PAGE = 1_000;

/**
 * @param read - at most `limit` entries after `after`, the oldest first.
 * @param after - sequence of the entry before the first one wanted.
 * @param last - of the last one wanted: what stood there when it was asked for, since a busy log would never end.
 */
export async function* auditPages(
  read: (after: number, limit: number) => Promise<readonly AuditEntry[]>,
  after: number,
  last: number,
): AsyncGenerator<readonly AuditEntry[]> {
  for (let from = after; from < last; ) {
    const page = await read(from, Math.min(PAGE, last - from));
    const end = page.at(-1);
    // A log that was tampered with may end early, or lead backwards.
    if (end === undefined || end.sequence <= from) return;
    yield page;
    from = end.sequence;
  }
}
