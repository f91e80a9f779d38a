/**
 * The audit log of either server, read from its store; works while the server runs.
 * Knows: the flags that say whose and where. Doesn't know: what entries are about.
 */
import type { AuditedRole } from '@onlysum/protocol';
import { type AuditEntry, type AuditHead, EMPTY_HEAD } from '@onlysum/service';
import { type Command, Option } from 'commander';
import { type CoordinatorStoreFlags, inCoordinatorStore } from './coordinator-store.js';
import { addStorePlaceFlags } from './flags.js';
import { withRegistrarStore } from './registrar-store.js';
import type { Terminal } from './terminal.js';

export interface AuditStoreFlags extends CoordinatorStoreFlags {
  readonly of: AuditedRole;
}

export interface AuditLog {
  /** What the oldest entry follows. */
  readonly base: AuditHead;
  readonly head: AuditHead;
  /** At most `limit` of those after `after`, the oldest first. */
  entries(after: number, limit: number): Promise<readonly AuditEntry[]>;
}

export function addAuditStoreFlags(command: Command, terminal: Terminal): Command {
  const whose = new Option('--of <role>', 'whose log').choices(['coordinator', 'registrar']);
  const store = 'folder of its durable record (default: that of the configuration)';
  return addStorePlaceFlags(command.addOption(whose.makeOptionMandatory()), terminal, store);
}

/** @throws {UsageError} as `inCoordinatorStore`, `withRegistrarStore`. */
export async function withAuditLog<T>(
  flags: AuditStoreFlags,
  terminal: Terminal,
  use: (log: AuditLog) => Promise<T>,
): Promise<T> {
  if (flags.of === 'coordinator') {
    return inCoordinatorStore(flags, terminal, async (store) =>
      use({
        base: EMPTY_HEAD,
        head: await store.auditHead(),
        entries: (after, limit) => store.auditEntries({ after, limit }),
      }),
    );
  }
  const { auditBase, auditEntries, auditHead } = await import('@onlysum/registrar');
  return withRegistrarStore(flags, terminal, (store) =>
    use({
      base: store.read(auditBase),
      head: store.read(auditHead),
      entries: async (after, limit) => store.read((ledger) => auditEntries(ledger, after, limit)),
    }),
  );
}
