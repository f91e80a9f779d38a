/**
 * The registrar's audit log: a hash chain in its own ledger, so that an entry and what it tells are kept, or
 * lost, together.
 * Knows: where entries lie, and how the oldest go. Doesn't know: what is worth an entry.
 * Invariant: no secret, pseudonym, code or licence in it; what is left of the log follows the head that is
 * kept of what was deleted.
 */
import { InternalError, type Suite } from '@onlysum/crypto';
import type { Ledger } from '@onlysum/protocol';
import {
  type AuditEntry,
  type AuditEvent,
  type AuditHead,
  EMPTY_HEAD,
  nextEntry,
} from '@onlysum/service';

const HEAD_KEY = 'audit-head';
const BASE_KEY = 'audit-base';

/** Adds an entry, in the transaction of `ledger`. @returns its digest is the new head. */
export function appendAudit(
  ledger: Ledger,
  suite: Suite,
  event: AuditEvent,
  nowMs: number,
): AuditEntry {
  const entry = nextEntry(suite, auditHead(ledger), event, nowMs);
  const { sequence, digest } = entry;
  ledger.put(entryKey(sequence), { ...entry });
  ledger.put(HEAD_KEY, { sequence, digest });
  return entry;
}

/** The newest entry. */
export function auditHead(ledger: Ledger): AuditHead {
  return headAt(ledger, HEAD_KEY);
}

/** What the oldest entry that is kept follows: the last one deleted, or the empty log. */
export function auditBase(ledger: Ledger): AuditHead {
  return headAt(ledger, BASE_KEY);
}

/**
 * @param after - sequence of the entry before the first one wanted.
 * @returns at most `most`, fewer only at the end of the log.
 */
export function auditEntries(ledger: Ledger, after: number, most: number): AuditEntry[] {
  const from = Math.max(after, auditBase(ledger).sequence) + 1;
  const to = Math.min(from + most - 1, auditHead(ledger).sequence);
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => entryAt(ledger, from + i));
}

/**
 * Deletes the oldest entries from before `beforeMs`, and says so in an entry.
 *
 * @param most - how many at a time.
 * @returns how many.
 */
export function pruneAudit(
  ledger: Ledger,
  suite: Suite,
  beforeMs: number,
  nowMs: number,
  most: number,
): number {
  const base = auditBase(ledger);
  const oldest = auditEntries(ledger, base.sequence, most);
  const kept = oldest.findIndex(({ atMs }) => atMs >= beforeMs);
  const expired = kept === -1 ? oldest : oldest.slice(0, kept);
  const last = expired.at(-1);
  if (last === undefined) return 0;
  for (const { sequence } of expired) ledger.remove(entryKey(sequence));
  const { sequence, digest } = last;
  ledger.put(BASE_KEY, { sequence, digest });
  const details = { entries: expired.length, through: sequence, digest };
  const event = { action: 'audit.pruned', actor: 'system', outcome: 'done', details } as const;
  appendAudit(ledger, suite, event, nowMs);
  return expired.length;
}

/** Passes everything on, and notes whether anything was put: a repeated request changes nothing. */
export function watchLedger(ledger: Ledger): { readonly ledger: Ledger; hasChanged(): boolean } {
  let changed = false;
  const watched: Ledger = {
    read: (key) => ledger.read(key),
    keys: (prefix) => ledger.keys(prefix),
    put: (key, value) => {
      changed = true;
      ledger.put(key, value);
    },
    remove: (key) => {
      changed = true;
      ledger.remove(key);
    },
  };
  return { ledger: watched, hasChanged: () => changed };
}

function headAt(ledger: Ledger, key: string): AuditHead {
  return (ledger.read(key) as AuditHead | undefined) ?? EMPTY_HEAD;
}

function entryAt(ledger: Ledger, sequence: number): AuditEntry {
  const entry = ledger.read(entryKey(sequence)) as AuditEntry | undefined;
  if (entry === undefined) throw new InternalError('internal', `no audit entry ${sequence}`);
  return entry;
}

/** Padded, so that keys have the order of sequences. */
function entryKey(sequence: number): string {
  return `audit/${String(sequence).padStart(16, '0')}`;
}
