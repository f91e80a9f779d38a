/**
 * What a registrar forgets: records of windows long over, entries of its audit log long past.
 * Knows: for how long they are kept. Doesn't know: when it is called.
 * Invariant: each transaction is short, and what it removed is in the audit log with it.
 */
import { setImmediate } from 'node:timers/promises';
import type { Suite } from '@onlysum/crypto';
import { LEAST_RETENTION_MS, expiredWindows, pruneWindow } from '@onlysum/protocol';
import { appendAudit, pruneAudit } from './audit.js';
import { checkInteger } from './options.js';
import type { RegistrarStore } from './store/registrar-store.js';

export interface Retention {
  /** Days for which a window's rounds are kept after its end: who was at which place of which roster. */
  readonly ledgerRetentionDays: number;
  /** Days for which an entry of the audit log is kept. */
  readonly auditRetentionDays: number;
}

export interface Maintained {
  readonly windows: number;
  readonly rounds: number;
  readonly auditEntries: number;
}

const DAY_MS = 86_400_000;
const MOST_DAYS = 36_500;
/** Of audit entries: about 5 ms. */
const ENTRIES_AT_ONCE = 500;
/** The rest waits for the next time. */
const MOST_WINDOWS = 1000;
const MOST_ENTRIES = 100_000;

/** @throws {UsageError} `argument-invalid`. */
export function completeRetention({
  ledgerRetentionDays = 30,
  auditRetentionDays = 365,
}: Partial<Retention>): Retention {
  const least = LEAST_RETENTION_MS / DAY_MS;
  checkInteger('ledgerRetentionDays', ledgerRetentionDays, least, MOST_DAYS);
  checkInteger('auditRetentionDays', auditRetentionDays, 1, MOST_DAYS);
  return { ledgerRetentionDays, auditRetentionDays };
}

export async function maintain(
  store: RegistrarStore,
  suite: Suite,
  { ledgerRetentionDays, auditRetentionDays }: Retention,
  nowMs: number,
): Promise<Maintained> {
  const expired = store.read((ledger) =>
    expiredWindows(ledger, ledgerRetentionDays * DAY_MS, nowMs),
  );
  let rounds = 0;
  const windows = expired.slice(0, MOST_WINDOWS);
  for (const past of windows) {
    rounds += await store.transact((ledger) => {
      const pruned = pruneWindow(ledger, past);
      const details = { window: past.window, ...pruned };
      const event = { action: 'window.pruned', actor: 'system', subject: past.taskId, details };
      appendAudit(ledger, suite, { ...event, outcome: 'done' }, nowMs);
      return pruned.rounds;
    });
    await setImmediate();
  }
  const beforeMs = nowMs - auditRetentionDays * DAY_MS;
  let auditEntries = 0;
  let removed = ENTRIES_AT_ONCE;
  while (removed === ENTRIES_AT_ONCE && auditEntries < MOST_ENTRIES) {
    removed = await store.transact((ledger) =>
      pruneAudit(ledger, suite, beforeMs, nowMs, ENTRIES_AT_ONCE),
    );
    auditEntries += removed;
    await setImmediate();
  }
  return { windows: windows.length, rounds, auditEntries };
}
