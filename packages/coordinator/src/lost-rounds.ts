/**
 * Rounds that a process did not live to end: the audit chain knows that they began.
 * Invariant: once a coordinator listens, every round that began before has an end in the store.
 */
import type { AuditEntry } from '@onlysum/service';
import { ROUND_BEGAN, type RoundLedger, type RoundName } from './round-ledger.js';
import type { CoordinatorStore } from './store/coordinator-store.js';

export const STARTED = 'coordinator.started';
const PAGE = 500;
const NO_COST = { bytesIn: 0, bytesOut: 0, gatherMs: 0, roundMs: 0, cpuMs: 0 };

/** To be called before {@link STARTED} is appended. @returns how many there were. */
export async function endLostRounds(store: CoordinatorStore, ledger: RoundLedger): Promise<number> {
  let lost = 0;
  for (const [name, devices] of await begunSinceStart(store)) {
    if ((await store.round(name.round)) !== undefined) continue;
    const detail = 'the coordinator ended while the round was open';
    const end = { code: 'coordinator-restarted', detail, devices, drops: [], cost: NO_COST };
    await ledger.aborted(name, end);
    lost++;
  }
  return lost;
}

/** Of the last process; those of earlier ones were ended when it started. */
async function begunSinceStart(store: CoordinatorStore): Promise<[RoundName, number][]> {
  const begun = new Map<string, [RoundName, number]>();
  const { sequence } = await store.auditHead();
  for (let last = sequence; last > 0; last -= PAGE) {
    const after = Math.max(0, last - PAGE);
    const entries = await store.auditEntries({ after, limit: last - after });
    const start = entries.findLastIndex(({ action }) => action === STARTED);
    for (const entry of entries.slice(start + 1)) {
      if (entry.action !== ROUND_BEGAN) continue;
      const [name, devices] = begunRound(entry);
      begun.set(name.round, [name, devices]);
    }
    if (start >= 0) break;
  }
  return [...begun.values()];
}

function begunRound({ subject = '', details = {} }: AuditEntry): [RoundName, number] {
  const { taskId, window, devices } = details;
  const name = { taskId: String(taskId), window: Number(window), round: subject };
  return [name, Number(devices)];
}
