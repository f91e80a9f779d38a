/**
 * The audit log as a hash chain: each entry holds the digest of the one before, so that none can be
 * edited, removed or moved without changing every later digest.
 * Knows: entries and their digests. Doesn't know: where they are kept, who reads them.
 * Invariant: an entry's digest covers all of it, and the whole chain before it.
 *
 * Whoever holds the log can drop its newest entries, or write it anew from some point: only a head that
 * someone else has kept (a receipt, a publication) shows it.
 */
import { encodeLabelled, LABELS, parseHex, type Suite, toHex } from '@onlysum/crypto';
import { canonicalBytes } from '@onlysum/task';

/** What happened. JSON with integers; no secret, no pseudonym, no value of a device. */
export interface AuditEvent {
  /** A stable name, e.g. `result.read`. */
  readonly action: string;
  /** Who did it: a token's id, `system`, or the role of a process. */
  readonly actor: string;
  /** To what: a task, a round, a token. */
  readonly subject?: string;
  readonly outcome: 'done' | 'refused' | 'failed';
  /** More of it, flat. */
  readonly details?: Readonly<Record<string, string | number | boolean>>;
}

export interface AuditEntry extends AuditEvent {
  /** From 1, without gaps. */
  readonly sequence: number;
  /** Unix ms. */
  readonly atMs: number;
  /** Digest of the entry before, hex; of the first one, 64 zeros. */
  readonly previous: string;
  /** SHA-256 over everything above, hex. */
  readonly digest: string;
}

export interface AuditHead {
  readonly sequence: number;
  readonly digest: string;
}

export const EMPTY_HEAD: AuditHead = { sequence: 0, digest: '0'.repeat(64) };

/** For statements that are signed over bytes. */
export function headBytes({ sequence, digest }: AuditHead) {
  return { sequence, digest: parseHex('digest', digest, 32) };
}

/** @returns the entry that follows `head`; its sequence and digest are the new head. */
export function nextEntry(
  suite: Suite,
  head: AuditHead,
  event: AuditEvent,
  atMs: number,
): AuditEntry {
  const unsealed = { ...event, sequence: head.sequence + 1, atMs, previous: head.digest };
  return { ...unsealed, digest: digestOf(suite, unsealed) };
}

/** @returns the entries that follow `head`, and the new head; each has its own time by `now`, Unix ms. */
export function extendChain(
  suite: Suite,
  head: AuditHead,
  events: readonly AuditEvent[],
  now: () => number,
): { readonly entries: readonly AuditEntry[]; readonly head: AuditHead } {
  const entries: AuditEntry[] = [];
  for (const event of events) entries.push(nextEntry(suite, entries.at(-1) ?? head, event, now()));
  const { sequence, digest } = entries.at(-1) ?? head;
  return { entries, head: { sequence, digest } };
}

export interface AuditFault {
  /** Of the first entry that does not hold, as it stands in the log. */
  readonly sequence: number;
  readonly reason: 'edited' | 'missing-or-moved';
}

/**
 * Follows a chain.
 *
 * @param entries - in the order of the log.
 * @param head - what the entry before the first one is known to be; by default the log begins.
 * @returns the new head, or the first fault.
 */
export function verifyChain(
  suite: Suite,
  entries: Iterable<AuditEntry>,
  head: AuditHead = EMPTY_HEAD,
): { readonly head: AuditHead; readonly fault: AuditFault | undefined } {
  let last = head;
  for (const { digest, ...unsealed } of entries) {
    const { sequence, previous } = unsealed;
    if (sequence !== last.sequence + 1 || previous !== last.digest) {
      return { head: last, fault: { sequence, reason: 'missing-or-moved' } };
    }
    if (digestOf(suite, unsealed) !== digest) {
      return { head: last, fault: { sequence, reason: 'edited' } };
    }
    last = { sequence, digest };
  }
  return { head: last, fault: undefined };
}

function digestOf(suite: Suite, unsealed: Omit<AuditEntry, 'digest'>): string {
  return toHex(suite.sha256(encodeLabelled(LABELS.auditEntry, canonicalBytes(unsealed))));
}
