/**
 * How rounds end, in the store: an opened one with its sum under seal, before anybody is told of it.
 * Knows: records, seals, audit events. Doesn't know: devices, stages.
 * Invariant: a round has one end. Its sum is durable before it is said to be open.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { UsageError } from '@onlysum/crypto';
import { MOST_DETAIL_CHARACTERS, type RoundRecord, type SignedAuditHead } from '@onlysum/protocol';
import type { AuditEvent, AuditHead } from '@onlysum/service';
import type { Logger } from 'pino';
import { errorFields } from './log.js';
import type { DropCount, RoundCost, RoundSum } from './published-result.js';
import { sealSum } from './sealed-sums.js';
import type { ResultSealing } from './sealing.js';
import { answerWithin } from './store-patience.js';
import type { AuditTrail, CoordinatorStore } from './store/coordinator-store.js';
import type {
  AbortedRound,
  OpenedRound,
  RoundClose,
  RoundOutcome,
  WindowName,
} from './store/records.js';

export interface RoundName extends WindowName {
  /** Hex. */
  readonly round: string;
}

export interface AbortedEnd {
  readonly code: string;
  readonly detail: string;
  readonly devices: number;
  readonly drops: readonly DropCount[];
  readonly cost: RoundCost;
}

/** Whether a sum may be told, or why it is thrown away. */
export type Kept =
  /** `auditHead`: that the round is part of; null if it could not be read. */
  | { readonly kind: 'kept'; readonly auditHead: SignedAuditHead | null }
  | { readonly kind: 'refused'; readonly code: string };

export interface LedgerPorts {
  readonly store: CoordinatorStore;
  readonly sealing: ResultSealing;
  readonly now: () => number;
  readonly log: Logger;
  readonly signHead: (round: string, head: AuditHead) => SignedAuditHead;
  /** Also while the store does not know it yet. */
  readonly isStopped: (taskId: string) => boolean;
  readonly onClosed: (outcome: RoundOutcome) => void;
}

/** Of the process, in the audit chain. */
export const SYSTEM = 'coordinator';
export const ROUND_BEGAN = 'round.began';
export const RESULT_STORED = 'result.stored';

const PATIENCE_MS = 1_500;
/** A sum is lost for good, and its devices have spent their window: a database may change over meanwhile. */
const PATIENCE_WITH_SUM_MS = 30_000;
const PAUSE_MS = 500;
/** Devices wait for their last word, and a receipt holds without it. */
const HEAD_MS = 2_000;
/** Trying again gives the same. */
const FINAL = new Set(['task-stopped', 'window-decided', 'store-conflict', 'record-missing']);

export class RoundLedger {
  readonly #ports: LedgerPorts;
  /** Being written, by window. */
  readonly #writing = new Map<string, Set<Promise<unknown>>>();

  constructor(ports: LedgerPorts) {
    this.#ports = ports;
  }

  /** Its cohort is closed: should this process die, the next one knows of it. */
  began({ taskId, window, round }: RoundName, devices: number): void {
    const details = { taskId, window, devices };
    const event = { action: ROUND_BEGAN, actor: SYSTEM, subject: round, outcome: 'done' } as const;
    const write = () => this.#ports.store.appendAudit([{ ...event, details }]);
    void this.#write({ taskId, window }, write, round);
  }

  /** Never rejects. @param record - of the round, if it is kept. */
  async keep(sum: RoundSum, record: RoundRecord | undefined): Promise<Kept> {
    const { sealing, log, store, now, isStopped } = this.#ports;
    const { round, window, devices, survivors } = sum;
    const { taskId } = sum.task;
    const outcome: OpenedRound = {
      taskId,
      window: window.index,
      round,
      state: 'opened',
      closedMs: now(),
      devices,
      survivors,
      silent: sum.silentAfterMasked,
      drops: sum.dropped,
      cost: costOf(sum),
      attested: sum.attested,
    };
    const place = { taskId, window: window.index };
    const result = sealSum(sealing, sum, record);
    const close: RoundClose = { outcome, result };
    const audit: AuditTrail = [
      roundEvent('round.opened', round, { ...place, devices, survivors }),
      roundEvent(RESULT_STORED, round, { keyId: result.keyId }),
    ];
    const write = async () => {
      if (!isStopped(taskId)) return store.closeRound(close, audit);
      throw new UsageError('task-stopped', `task: ${taskId} is stopped`, { field: 'task' });
    };
    const failure = await this.#write(place, write, round, PATIENCE_WITH_SUM_MS);
    if (failure !== undefined) return { kind: 'refused', code: failure };
    log.info({ round, task: sum.task.name }, 'result stored');
    this.#ports.onClosed(outcome);
    return { kind: 'kept', auditHead: await this.#signedHead(round) };
  }

  async #signedHead(round: string): Promise<SignedAuditHead | null> {
    const { store, signHead, log } = this.#ports;
    try {
      return signHead(round, await answerWithin(HEAD_MS, store.auditHead()));
    } catch (error) {
      log.error({ round, ...errorFields(error) }, 'receipts of this round have no audit head');
      return null;
    }
  }

  /** Never rejects. */
  async aborted(name: RoundName, end: AbortedEnd): Promise<void> {
    const { store, now, onClosed } = this.#ports;
    const { taskId, window, round } = name;
    const { code: reason, detail, devices, drops, cost } = end;
    const outcome: AbortedRound = {
      ...name,
      state: 'aborted',
      closedMs: now(),
      reason,
      ...(detail === '' ? {} : { detail: detail.slice(0, MOST_DETAIL_CHARACTERS) }),
      devices,
      drops,
      cost,
    };
    const audit: AuditTrail = [
      roundEvent('round.aborted', round, { taskId, window, reason, devices }),
    ];
    const write = () => store.closeRound({ outcome }, audit);
    if ((await this.#write({ taskId, window }, write, round)) === undefined) onClosed(outcome);
  }

  /** Whether something of this window is being written. */
  isBusy(name: WindowName): boolean {
    return this.#writing.has(keyOf(name));
  }

  async settled(): Promise<void> {
    await Promise.all([...this.#writing.values()].flatMap((writes) => [...writes]));
  }

  /** @returns the code of what failed; undefined once it is durable. */
  async #write(
    window: WindowName,
    run: () => Promise<unknown>,
    round: string,
    patienceMs = PATIENCE_MS,
  ): Promise<string | undefined> {
    const key = keyOf(window);
    const writes = this.#writing.get(key) ?? new Set();
    this.#writing.set(key, writes);
    const done = this.#attempt(run, round, patienceMs).finally(() => {
      writes.delete(done);
      if (writes.size === 0 && this.#writing.get(key) === writes) this.#writing.delete(key);
    });
    writes.add(done);
    return done;
  }

  async #attempt(
    run: () => Promise<unknown>,
    round: string,
    patienceMs: number,
  ): Promise<string | undefined> {
    const untilMs = performance.now() + patienceMs;
    for (let attempt = 1; ; attempt++) {
      try {
        await run();
        return undefined;
      } catch (error) {
        const code = error instanceof UsageError ? error.code : 'internal';
        this.#ports.log.error({ round, attempt, ...errorFields(error) }, 'round not recorded');
        if (FINAL.has(code) || performance.now() >= untilMs) return code;
        await sleep(PAUSE_MS);
      }
    }
  }
}

export function roundEvent(
  action: string,
  round: string,
  details: NonNullable<AuditEvent['details']>,
): AuditEvent {
  return { action, actor: SYSTEM, subject: round, outcome: 'done', details };
}

function costOf({ bytesIn, bytesOut, gatherMs, roundMs, cpuMs }: RoundSum): RoundCost {
  return { bytesIn, bytesOut, gatherMs, roundMs, cpuMs };
}

function keyOf({ taskId, window }: WindowName): string {
  return `${taskId} ${window}`;
}
