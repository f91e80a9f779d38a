/**
 * The audit log: read, verified, exported, each of it an access that is entered in the log itself.
 * Knows: entries, the head that the store keeps apart from them. Doesn't know: what entries are about.
 */
import type { Suite } from '@onlysum/crypto';
import {
  type AuditEntry,
  type AuditHead,
  auditLine,
  auditPages,
  EMPTY_HEAD,
  verifyChain,
} from '@onlysum/service';
import * as v from 'valibot';
import type { CoordinatorStore } from '../store/coordinator-store.js';
import { JSON_TYPE, LINES_TYPE, type Route, route, Streamed } from './route.js';
import * as schema from './schema.js';

/** What one answer has at most. */
const MOST_ENTRIES = 1_000;

export const auditRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/audit',
    name: 'audit',
    summary: 'Entries of the audit log, the newest first.',
    permissions: ['audit.read'],
    scope: 'all',
    query: v.strictObject({
      before: v.exactOptional(schema.integerText()),
      limit: v.exactOptional(schema.integerText(1, MOST_ENTRIES)),
    }),
    responses: { [JSON_TYPE]: schema.auditPage },
    run: async (call) => {
      const { ports, query } = call;
      const { store } = ports;
      const newest = (await store.auditHead()).sequence;
      const from = query.before === undefined ? newest : Math.min(newest, query.before - 1);
      await call.auditOnce('audit', 'audit.read', { from: Math.max(0, from) });
      return store.latestAuditEntries(query);
    },
  }),
  route({
    method: 'GET',
    path: '/audit/head',
    name: 'auditHead',
    summary: 'The number and the digest of the newest entry, as they stand. Nothing is verified.',
    permissions: ['audit.verify'],
    scope: 'all',
    responses: { [JSON_TYPE]: schema.auditHead },
    run: ({ ports }) => ports.store.auditHead(),
  }),
  route({
    method: 'GET',
    path: '/audit/verify',
    name: 'verifyAudit',
    summary:
      'Follows the whole log from its first entry up to the head that the store keeps apart. The head is worth keeping elsewhere.',
    permissions: ['audit.verify'],
    scope: 'all',
    responses: { [JSON_TYPE]: schema.auditVerdict },
    run: async (call) => {
      const verdict = await verifyLog(call.ports.store, call.ports.suite);
      const { entries, fault } = verdict;
      const found = fault === undefined ? 'holds' : fault.reason;
      await call.auditOnce(`verify ${found} ${fault?.sequence ?? ''}`, 'audit.verified', {
        ...{ entries, found },
        ...(fault === undefined ? {} : { faultAt: fault.sequence }),
      });
      return verdict;
    },
  }),
  route({
    method: 'GET',
    path: '/audit/export',
    name: 'exportAudit',
    summary: 'The log as JSON Lines, for `onlysum audit verify`.',
    permissions: ['audit.read'],
    scope: 'all',
    responses: { [LINES_TYPE]: undefined },
    run: async (call) => {
      const { store } = call.ports;
      await call.audit('audit.exported', undefined, {});
      const { sequence } = await store.auditHead();
      return new Streamed(LINES_TYPE, linesOf(pagesOf(store, sequence)), 'audit.jsonl');
    },
  }),
];

type Verdict = v.InferOutput<typeof schema.auditVerdict>;

async function verifyLog(store: CoordinatorStore, suite: Suite): Promise<Verdict> {
  const kept = await store.auditHead();
  let head = EMPTY_HEAD;
  for await (const page of pagesOf(store, kept.sequence)) {
    const next = verifyChain(suite, page, head);
    head = next.head;
    if (next.fault !== undefined) return { entries: head.sequence, head, fault: next.fault };
  }
  const fault = faultAtEnd(head, kept);
  return { entries: head.sequence, head, ...(fault === undefined ? {} : { fault }) };
}

/** The store keeps its head apart: entries that are cut off, or written anew, do not lead to it. */
function faultAtEnd(head: AuditHead, kept: AuditHead): Verdict['fault'] {
  if (head.sequence < kept.sequence) return { sequence: head.sequence + 1, reason: 'truncated' };
  return head.digest === kept.digest ? undefined : { sequence: head.sequence, reason: 'rewritten' };
}

/** From the first entry on. */
function pagesOf(store: CoordinatorStore, last: number): AsyncGenerator<readonly AuditEntry[]> {
  return auditPages((after, limit) => store.auditEntries({ after, limit }), 0, last);
}

async function* linesOf(pages: AsyncIterable<readonly AuditEntry[]>): AsyncGenerator<string> {
  for await (const page of pages) yield page.map(auditLine).join('');
}
