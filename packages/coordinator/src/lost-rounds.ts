/**
 * Rounds that a process did not live to end: the audit chain knows that they began.
 * Invariant: once a coordinator listens, every round that began before has an end in the store.
 */
import type { AuditEntry } from '@onlysum/service';
import { auditBackwards, STARTED } from './audit-backwards.js';
import { ROUND_BEGAN, type RoundLedger, type RoundName } from './round-ledger.js';
import type { CoordinatorStore } from './store/coordinator-store.js';

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

/** Of the last process, oldest first; those of earlier ones were ended when it started. */
async function begunSinceStart(store: CoordinatorStore): Promise<[RoundName, number][]> {
  const begun = new Map<string, [RoundName, number]>();
  for await (const entry of auditBackwards(store)) {
    if (entry.action === STARTED) break;
    if (entry.action !== ROUND_BEGAN) continue;
    const [name, devices] = begunRound(entry);
    // A cohort that took devices again began twice: the last time counts.
    if (!begun.has(name.round)) begun.set(name.round, [name, devices]);
  }
  return [...begun.values()].toReversed();
}

function begunRound({ subject = '', details = {} }: AuditEntry): [RoundName, number] {
  const { taskId, window, devices } = details;
  const name = { taskId: String(taskId), window: Number(window), round: subject };
  return [name, Number(devices)];
}
