/**
 * An audit log as a file: one entry a line, each line the canonical JSON of its entry.
 * Knows: lines, and how to follow a log of any length. Doesn't know: where the service keeps its log.
 * Invariant: an entry has one spelling, so that what a reader sees in a line is what its digest covers.
 */
import { createReadStream } from 'node:fs';
import { type Suite, UsageError } from '@onlysum/crypto';
import { canonicalBytes, parseCanonical } from '@onlysum/task';
import * as v from 'valibot';
import {
  type AuditEntry,
  type AuditFault,
  type AuditHead,
  EMPTY_HEAD,
  verifyChain,
} from './audit-chain.js';

/** @returns the line, with its end. */
export function auditLine(entry: AuditEntry): string {
  return `${Buffer.from(canonicalBytes(entry)).toString('utf8')}\n`;
}

export interface AuditFileFault {
  /** From 1; undefined for what is missing at the end. */
  readonly line: number | undefined;
  /** Of the entry on that line, or that was looked for; undefined if the line holds none. */
  readonly sequence: number | undefined;
  readonly reason:
    | AuditFault['reason']
    /** The line is not the canonical JSON of an entry. */
    | 'malformed'
    /** The log holds together, and is another one than that whose head was kept. */
    | 'rewritten'
    /** Two of the heads that were kept are of one entry and differ: their server had two logs. */
    | 'forked'
    /** A head was given as one that has an event in it, and that is not there. */
    | 'left-out'
    /** It ends before the head that was kept. */
    | 'truncated';
  readonly detail: string;
}

export interface AuditFileReport {
  readonly entries: number;
  /** Of the last entry that holds. */
  readonly head: AuditHead;
  /** How many of the heads given are from before the first entry, and so cannot be looked for. */
  readonly headsBefore: number;
  readonly fault: AuditFileFault | undefined;
}

export interface KnownHeads {
  /** What the first entry follows, where older ones were deleted. Default: the empty log. */
  readonly base?: AuditHead;
  /**
   * Seen before, in publications and receipts: each must be on the chain. Without any, a log that was
   * written anew, or lacks its newest entries, cannot be told from a true one.
   */
  readonly heads?: readonly SeenHead[];
}

export interface SeenHead extends AuditHead {
  /** What must be entered by then: else a head of long ago could be handed out for ever. */
  readonly tells?: { readonly action: string; readonly subject: string };
}

/**
 * Follows a log from its first entry, line by line, up to the first fault.
 *
 * @throws {UsageError} `audit-file-unreadable`.
 */
export async function verifyAuditFile(
  suite: Suite,
  path: string,
  { base = EMPTY_HEAD, heads = [] }: KnownHeads = {},
): Promise<AuditFileReport> {
  let head = base;
  let line = 0;
  const headsBefore = heads.filter(({ sequence }) => sequence < base.sequence).length;
  const report = (fault: AuditFileFault | undefined): AuditFileReport => {
    return { entries: head.sequence - base.sequence, head, headsBefore, fault };
  };
  const seen = bySequence(heads);
  const forked = [...seen.values()].find((of) => new Set(of.map(({ digest }) => digest)).size > 1);
  if (forked !== undefined) {
    const [{ sequence } = head] = forked;
    const detail = `entry ${sequence} was seen with two digests: the server had two logs`;
    return report({ line: undefined, sequence, reason: 'forked', detail });
  }
  // Of what is asked for alone: a log may be of any length.
  const wanted = new Set(heads.flatMap(({ tells }) => (tells === undefined ? [] : [keyOf(tells)])));
  const told = new Set<string>();
  /** What a head that is reached says otherwise. */
  const denied = (): AuditFileFault | undefined => {
    for (const kept of seen.get(head.sequence) ?? []) {
      if (kept.digest !== head.digest) return rewritten(line, kept, head.digest);
      // It may have been among those that were deleted.
      if (base.sequence > 0 || kept.tells === undefined || told.has(keyOf(kept.tells))) continue;
      const { action, subject } = kept.tells;
      const detail = `whoever got this head was told of ${action} ${subject}, which is not entered by then`;
      return { line, sequence: kept.sequence, reason: 'left-out', detail };
    }
    return undefined;
  };
  const first = denied();
  if (first !== undefined) return report(first);
  for await (const bytes of linesOf(path)) {
    line++;
    const entry = parseEntry(bytes);
    if (typeof entry === 'string') {
      return report({ line, sequence: undefined, reason: 'malformed', detail: entry });
    }
    const next = verifyChain(suite, [entry], head);
    if (next.fault !== undefined) return report(chainFault(line, next.fault, head));
    head = next.head;
    const { action, subject = '' } = entry;
    const key = keyOf({ action, subject });
    if (wanted.has(key)) told.add(key);
    const other = denied();
    if (other !== undefined) return report(other);
  }
  const newest = [...seen.keys()].reduce((a, b) => Math.max(a, b), 0);
  if (newest > head.sequence) {
    const detail = `the log ends with entry ${head.sequence}, and entry ${newest} was seen`;
    return report({ line: undefined, sequence: newest, reason: 'truncated', detail });
  }
  return report(undefined);
}

/** `SEQUENCE:DIGEST`, the form in which a head is given and shown. @throws {UsageError} `audit-head`. */
export function parseAuditHead(text: string): AuditHead {
  const [, sequence, digest] = /^([0-9]{1,15}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (sequence === undefined || digest === undefined) {
    const expected = 'SEQUENCE:DIGEST, the digest in 64 lower-case hex digits';
    throw new UsageError('audit-head', `head: expected ${expected}, got something else`, {
      field: 'head',
      expected,
    });
  }
  return { sequence: Number(sequence), digest };
}

export function formatAuditHead({ sequence, digest }: AuditHead): string {
  return `${sequence}:${digest}`;
}

const integer = v.custom<number>(
  (x) => Number.isSafeInteger(x) && Number(x) >= 0,
  'an integer ≥ 0',
);
const hexDigest = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const auditEntry = v.strictObject({
  action: v.string(),
  actor: v.string(),
  subject: v.exactOptional(v.string()),
  outcome: v.picklist(['done', 'refused', 'failed']),
  details: v.exactOptional(
    v.record(v.string(), v.union([v.string(), v.boolean(), v.pipe(v.number(), v.safeInteger())])),
  ),
  sequence: integer,
  atMs: integer,
  previous: hexDigest,
  digest: hexDigest,
});

/** @returns the entry, or why the line holds none. */
function parseEntry(bytes: Uint8Array): AuditEntry | string {
  if (bytes.length > MOST_LINE_BYTES) return `more than ${MOST_LINE_BYTES} bytes`;
  let value: unknown;
  try {
    value = parseCanonical(bytes);
  } catch {
    return 'not canonical JSON';
  }
  const parsed = v.safeParse(auditEntry, value, { abortEarly: true });
  if (parsed.success) return value as AuditEntry;
  const [issue] = parsed.issues;
  return `no audit entry: ${v.getDotPath(issue) ?? 'the whole'} is missing, unknown or wrong`;
}

/** An entry has a few hundred; a log of one endless line must not fill the memory. */
const MOST_LINE_BYTES = 1 << 16;
const LINE_FEED = 0x0a;

/** The lines of a file without their ends; one that is too long is cut after its limit. */
async function* linesOf(path: string): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  const hold = (part: Uint8Array): void => {
    if (heldBytes <= MOST_LINE_BYTES) held.push(part);
    heldBytes += part.length;
  };
  const take = (): Uint8Array => {
    const line = Buffer.concat(held);
    held = [];
    heldBytes = 0;
    return line;
  };
  try {
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      let from = 0;
      for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, from)) {
        hold(chunk.subarray(from, end));
        from = end + 1;
        yield take();
      }
      if (from < chunk.length) hold(chunk.subarray(from));
    }
  } catch (error) {
    const got = error instanceof Error && 'code' in error ? String(error.code) : 'a failure';
    const expected = 'a file that can be read';
    throw new UsageError('audit-file-unreadable', `${path}: expected ${expected}, got ${got}`, {
      field: path,
      expected,
      got,
      cause: error,
    });
  }
  if (heldBytes > 0) yield take();
}

/** Receipts of a round have one head; each different one is kept once. */
function bySequence(heads: readonly SeenHead[]): ReadonlyMap<number, readonly SeenHead[]> {
  const all = new Map<number, Map<string, SeenHead>>();
  for (const head of heads) {
    const known = all.get(head.sequence) ?? new Map<string, SeenHead>();
    known.set(`${head.digest} ${head.tells === undefined ? '' : keyOf(head.tells)}`, head);
    all.set(head.sequence, known);
  }
  return new Map([...all].map(([sequence, known]) => [sequence, [...known.values()]]));
}

function keyOf({ action, subject }: { readonly action: string; readonly subject: string }): string {
  return `${action} ${subject}`;
}

function chainFault(
  line: number,
  { sequence, reason }: AuditFault,
  { sequence: last }: AuditHead,
): AuditFileFault {
  const detail =
    reason === 'edited'
      ? 'its digest is not that of what it says'
      : sequence === last + 1
        ? 'it does not follow from the entry before it'
        : `entry ${last + 1} was expected`;
  return { line, sequence, reason, detail };
}

function rewritten(
  line: number | undefined,
  { sequence, digest }: AuditHead,
  found: string,
): AuditFileFault {
  const detail = `entry ${sequence} has the digest ${found}, and ${digest} was seen`;
  return { line, sequence, reason: 'rewritten', detail };
}
