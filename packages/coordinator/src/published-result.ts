/**
 * What a round that opened says to the world. Nothing in it is secret, and all of it is plain JSON.
 * Knows: how a machine's result becomes a published one. Doesn't know: files, sockets.
 * Invariant: what `minRespondents` hides of a round is in its `RoundSum` only.
 */
import { toHex } from '@onlysum/crypto';
import { type WindowResult, estimateTotals, shownLanes } from '@onlysum/metrics';
import type { Drop, DropCode, RoundResult } from '@onlysum/protocol';
import type { Privacy, Task, Window } from '@onlysum/task';

/** Devices of the roster lost for one reason in one stage. */
export interface DropCount {
  readonly stage: Drop['stage'];
  readonly code: DropCode;
  readonly count: number;
}

export interface PublishedResult extends RoundCost {
  readonly task: { readonly name: string; readonly version: number; readonly taskId: string };
  readonly window: Window;
  /** As the manifest promises it; with mechanism `none` the totals are exact. */
  readonly privacy: Privacy;
  /** Hex. */
  readonly round: string;
  /** Unix time. */
  readonly openedAtMs: number;
  /** Devices of the attested roster: survivors plus dropped. */
  readonly devices: number;
  readonly survivors: number;
  readonly dropped: readonly DropCount[];
  /** Survivors that fell silent after their masked input. */
  readonly silentAfterMasked: number;
  /**
   * The blame log: corrected shares by places of the roster, which name nobody without the registrar's
   * record. Either end may have made the share wrong.
   */
  readonly inconsistentShares: readonly { readonly dealer: number; readonly holder: number }[];
  /** Places that did: they fit with fewer neighbours than an honest device must. */
  readonly atFault: readonly number[];
  /**
   * Sums by lane over the survivors, in the order of the task's layout; null at those of a metric or group
   * that `estimates` suppresses.
   */
  readonly lanes: readonly (number | null)[];
  readonly estimates: WindowResult;
  /** What the registrar attested, with its signatures; hex. */
  readonly attested: {
    readonly incarnation: number;
    readonly n: number;
    readonly k: number;
    readonly t: number;
    readonly seed: string;
    readonly root: string;
    readonly rosterSignature: string;
    /** U2 and U3 as bitmaps. */
    readonly sharedSet: string;
    readonly sharedSetSignature: string;
    readonly survivorSet: string;
    readonly survivorSetSignature: string;
  };
}

/** A round's sum before anything is hidden of it: kept under seal, for the window's total. */
export interface RoundSum extends Omit<PublishedResult, 'lanes' | 'estimates'> {
  /** Null where the metric's retention has ended. */
  readonly lanes: readonly (number | null)[];
}

/** What was measured of a round. */
export interface RoundCost {
  /** WebSocket payload of every connection that joined the round, from Challenge on; Closed comes after it is written. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** From the first device's offer to the roster request. */
  readonly gatherMs: number;
  /** From the roster request to the opened sum. */
  readonly roundMs: number;
  /** CPU of the whole process from the first offer to the opened sum; other rounds count too. */
  readonly cpuMs: number;
}

/** What a round gives, every lane of it. */
export function roundSum(
  { manifest, taskId }: Task,
  result: RoundResult,
  cost: RoundCost,
  openedAtMs: number,
): RoundSum {
  const { facts } = result;
  return {
    task: { name: manifest.name, version: manifest.version, taskId: toHex(taskId) },
    window: result.window,
    privacy: manifest.privacy,
    round: toHex(facts.round),
    openedAtMs,
    devices: result.devices,
    survivors: result.survivors,
    dropped: countDrops(result.dropped),
    silentAfterMasked: result.silent.length,
    inconsistentShares: result.inconsistent.map(({ dealer, holder }) => ({ dealer, holder })),
    atFault: result.atFault,
    lanes: result.lanes,
    ...cost,
    attested: {
      incarnation: facts.incarnation,
      n: facts.n,
      k: facts.k,
      t: facts.t,
      seed: toHex(facts.seed),
      root: toHex(facts.root),
      rosterSignature: toHex(result.rosterSignature),
      sharedSet: toHex(result.sharedSet),
      sharedSetSignature: toHex(result.sharedSetSignature),
      survivorSet: toHex(result.survivorSet),
      survivorSetSignature: toHex(result.survivorSetSignature),
    },
  };
}

/** What may be shown of a round; nothing of metrics whose retention has ended. */
export function publishedResult(task: Task, sum: RoundSum): PublishedResult {
  const { manifest, layout } = task;
  const { devices, survivors } = sum;
  const known = sum.lanes.map((lane) => lane ?? 0);
  const whole = estimateTotals(manifest, layout, known, { devices, survivors });
  const estimates = { ...whole, metrics: keptMetrics(task, whole.metrics, sum.lanes) };
  return { ...sum, lanes: shownLanes(layout, sum.lanes, estimates), estimates };
}

/** @returns those of `metrics` of which every lane is there. */
export function keptMetrics<T>(
  { layout }: Task,
  metrics: Readonly<Record<string, T>>,
  lanes: readonly (number | null)[],
): Record<string, T> {
  const gone = new Set(
    layout.lanes.filter(({ index }) => lanes[index] === null).map(({ metric }) => metric),
  );
  return Object.fromEntries(Object.entries(metrics).filter(([name]) => !gone.has(name)));
}

export function countDrops(drops: readonly Drop[]): readonly DropCount[] {
  const counts = new Map<string, DropCount>();
  for (const { stage, code } of drops) {
    const key = `${stage} ${code}`;
    counts.set(key, { stage, code, count: (counts.get(key)?.count ?? 0) + 1 });
  }
  return [...counts.values()];
}
