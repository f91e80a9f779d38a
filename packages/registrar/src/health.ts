/**
 * What a registrar says of itself while it runs. Knows: the store, keys, tasks. Doesn't know: HTTP.
 * Invariant: nothing here throws for a store that is away: whoever asks whether the process runs is answered.
 */
import { toHex } from '@onlysum/crypto';
import { enrolledIn, presentIncarnation } from '@onlysum/protocol';
import type { AuditHead } from '@onlysum/service';
import type { Task } from '@onlysum/task';
import { auditHead } from './audit.js';
import type { KeyRing } from './key-ring.js';
import { readIfThere } from './readiness.js';
import type { RegistrarStore } from './store/registrar-store.js';

/** What it cannot read of its store is null: it runs nevertheless, and readiness says why. */
export interface RegistrarHealth {
  readonly status: 'ok';
  readonly role: 'registrar';
  /** Unix time on the registrar's clock. */
  readonly nowMs: number;
  readonly uptimeMs: number;
  readonly incarnation: number | null;
  /** The present epoch, and how many pseudonyms are enrolled for it. */
  readonly epoch: number;
  readonly enrolled: number | null;
  /** Public keys that it signs with, hex; the present one first. */
  readonly keys: readonly string[];
  /** Head of its audit log. */
  readonly audit: AuditHead | null;
  readonly tasks: readonly {
    readonly name: string;
    readonly version: number;
    readonly taskId: string;
  }[];
}

interface RunningFacts {
  readonly store: RegistrarStore;
  readonly ring: KeyRing;
  readonly tasks: readonly Task[];
  readonly epochLengthMs: number;
  readonly uptimeMs: number;
}

export function registrarHealth(
  { store, ring, tasks, epochLengthMs, uptimeMs }: RunningFacts,
  nowMs: number,
): RegistrarHealth {
  const epoch = Math.floor(nowMs / epochLengthMs);
  const kept = readIfThere(store, (ledger) => ({
    incarnation: presentIncarnation(ledger),
    enrolled: enrolledIn(ledger, epochLengthMs, epoch),
    audit: auditHead(ledger),
  }));
  return {
    status: 'ok',
    role: 'registrar',
    nowMs,
    uptimeMs,
    incarnation: kept?.incarnation ?? null,
    epoch,
    enrolled: kept?.enrolled ?? null,
    keys: [ring.present, ...ring.previous].map((key) => toHex(key.publicKey)),
    audit: kept?.audit ?? null,
    tasks: tasks.map(({ taskId, manifest: { name, version } }) => {
      return { name, version, taskId: toHex(taskId) };
    }),
  };
}
