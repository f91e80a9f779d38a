/**
 * Which lanes of an opened sum may be shown beside its estimates.
 * Invariant: no lane of a suppressed metric or group.
 */
import type { Layout } from '@onlysum/task';
import type { WindowResult } from './estimate.js';

/** @returns `lanes`, null at those of what `result` suppresses. */
export function shownLanes(
  { lanes: layout }: Layout,
  lanes: readonly (number | null)[],
  { groups, metrics }: WindowResult,
): (number | null)[] {
  return layout.map(({ index, metric, group }) => {
    const result = metric === undefined ? groups[group] : metrics[metric];
    return result === undefined || 'suppressed' in result ? null : (lanes[index] ?? null);
  });
}
