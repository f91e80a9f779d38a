/** The audit log: read, verified, exported. Knows: entries. Doesn't know: what they are about. */
import { type AuditEntry, auditLine, EMPTY_HEAD, verifyChain } from '@onlysum/service';
import * as v from 'valibot';
import type { CoordinatorStore } from '../store/coordinator-store.js';
import { JSON_TYPE, LINES_TYPE, type Route, route, Streamed } from './route.js';
import * as schema from './schema.js';

const PAGE = 1_000;

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
      limit: v.exactOptional(schema.integerText(1, PAGE)),
    }),
    responses: { [JSON_TYPE]: schema.auditPage },
    run: ({ ports, query }) => ports.store.latestAuditEntries(query),
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
    summary: 'Follows the whole log from its first entry. Its head is worth keeping elsewhere.',
    permissions: ['audit.verify'],
    scope: 'all',
    responses: { [JSON_TYPE]: schema.auditVerdict },
    run: async ({ ports: { store, suite } }) => {
      let head = EMPTY_HEAD;
      for await (const page of pagesOf(store, (await store.auditHead()).sequence)) {
        const next = verifyChain(suite, page, head);
        head = next.head;
        if (next.fault !== undefined) return { entries: head.sequence, head, fault: next.fault };
      }
      return { entries: head.sequence, head };
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

/** Up to what stood there when it was asked for: a busy log would never end. */
async function* pagesOf(
  store: CoordinatorStore,
  last: number,
): AsyncGenerator<readonly AuditEntry[]> {
  for (let after = 0; after < last; ) {
    const page = await store.auditEntries({ after, limit: Math.min(PAGE, last - after) });
    const end = page.at(-1);
    // A log that was tampered with may lead backwards.
    if (end === undefined || end.sequence <= after) return;
    yield page;
    after = end.sequence;
  }
}

async function* linesOf(pages: AsyncIterable<readonly AuditEntry[]>): AsyncGenerator<string> {
  for await (const page of pages) yield page.map(auditLine).join('');
}
