/**
 * Sums of rounds at rest, and their round records where those are kept. Knows: JSON, the place a seal
 * belongs to, which lanes are a metric's. Doesn't know: keys, stores.
 * Invariant: a record is never sealed beside a sum that lacks lanes, since it says them all.
 */
import { utf8, wipe } from '@onlysum/crypto';
import type { RoundRecord } from '@onlysum/protocol';
import type { Task } from '@onlysum/task';
import type { RoundSum } from './published-result.js';
import type { ResultSealing } from './sealing.js';
import type { SealedResult, StoredResult } from './store/records.js';

/** @param record - of the round: under the same seal, so that both are durable, and end, together. */
export function sealSum(sealing: ResultSealing, sum: RoundSum, record?: RoundRecord): SealedResult {
  const { task, window, round } = sum;
  const place = { kind: 'result', task: task.taskId, window: window.index, round };
  const whole = record === undefined ? sum : { ...sum, record };
  return { keyId: sealing.keyId, sealed: sealing.seal(utf8(JSON.stringify(whole)), place) };
}

/** @throws {UsageError} `seal-key-unknown`, `seal-open-failed`. */
export function openSum(sealing: ResultSealing, stored: StoredResult): RoundSum {
  return openRound(sealing, stored).sum;
}

/** @throws {UsageError} as {@link openSum}. @returns no record if none was kept, or metrics have ended since. */
export function openRound(
  sealing: ResultSealing,
  stored: StoredResult,
): { readonly sum: RoundSum; readonly record: RoundRecord | undefined } {
  const text = new TextDecoder().decode(sealing.open(stored.sealed, placeOf(stored)));
  const { record, ...sum } = JSON.parse(text) as RoundSum & { readonly record?: RoundRecord };
  return { sum, record };
}

/** The same under the present key. @throws {UsageError} as {@link openSum}. */
export function resealed(sealing: ResultSealing, stored: StoredResult): SealedResult {
  const place = placeOf(stored);
  const plaintext = sealing.open(stored.sealed, place);
  try {
    return { keyId: sealing.keyId, sealed: sealing.seal(plaintext, place) };
  } finally {
    wipe(plaintext);
  }
}

/** @returns a copy without the lanes of these metrics. */
export function withoutMetrics(
  { layout }: Task,
  sum: RoundSum,
  metrics: ReadonlySet<string>,
): RoundSum {
  const lanes = layout.lanes.map(({ index, metric }) =>
    metric !== undefined && metrics.has(metric) ? null : (sum.lanes[index] ?? null),
  );
  return { ...sum, lanes };
}

function placeOf({ taskId: task, window, round }: StoredResult) {
  return { kind: 'result', task, window, round };
}
