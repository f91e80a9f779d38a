/**
 * Sums of rounds at rest. Knows: JSON, the place a seal belongs to, which lanes are a metric's.
 * Doesn't know: keys, stores.
 */
import { utf8 } from '@onlysum/crypto';
import type { Task } from '@onlysum/task';
import type { RoundSum } from './published-result.js';
import type { ResultSealing } from './sealing.js';
import type { SealedResult, StoredResult } from './store/records.js';

export function sealSum(sealing: ResultSealing, sum: RoundSum): SealedResult {
  const { task, window, round } = sum;
  const place = { kind: 'result', task: task.taskId, window: window.index, round };
  return { keyId: sealing.keyId, sealed: sealing.seal(utf8(JSON.stringify(sum)), place) };
}

/** @throws {UsageError} `seal-key-unknown`, `seal-open-failed`. */
export function openSum(
  sealing: ResultSealing,
  { taskId: task, window, round, sealed }: StoredResult,
): RoundSum {
  const plaintext = sealing.open(sealed, { kind: 'result', task, window, round });
  return JSON.parse(new TextDecoder().decode(plaintext)) as RoundSum;
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
