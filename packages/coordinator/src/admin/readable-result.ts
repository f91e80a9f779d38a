/**
 * What of a window a role may read. Knows: the manifest's `access`. Doesn't know: requests.
 * Invariant: no name of a lane, no group and no number of a metric that is withheld is in what is left;
 * raw lanes never are.
 */
import type { WindowResult } from '@onlysum/metrics';
import { readableMetrics } from '@onlysum/service';
import type { Role, Task } from '@onlysum/task';

export interface ReadableResult {
  readonly estimates: WindowResult;
  /** In the manifest's order. */
  readonly withheld: readonly string[];
}

export function readableResult(
  role: Role,
  { manifest, layout }: Task,
  estimates: WindowResult,
): ReadableResult {
  const readable = new Set(readableMetrics(role, manifest));
  const groups = new Set(
    manifest.metrics.filter(({ name }) => readable.has(name)).map(({ group }) => group),
  );
  // A lane of no metric is its group's, and says how many gave it.
  const lanes = new Set(
    layout.lanes
      .filter(({ metric, group }) =>
        metric === undefined ? groups.has(group) : readable.has(metric),
      )
      .map(({ label }) => label),
  );
  return {
    estimates: {
      survivors: estimates.survivors,
      groups: only(estimates.groups, groups),
      metrics: only(estimates.metrics, readable),
      implausible: estimates.implausible.filter((label) => lanes.has(label)),
    },
    withheld: withheldFrom(role, manifest),
  };
}

/** In the manifest's order. */
export function withheldFrom(role: Role, manifest: Task['manifest']): string[] {
  const readable = new Set(readableMetrics(role, manifest));
  return manifest.metrics.map(({ name }) => name).filter((name) => !readable.has(name));
}

function only<T>(record: Readonly<Record<string, T>>, names: ReadonlySet<string>) {
  return Object.fromEntries(Object.entries(record).filter(([name]) => names.has(name)));
}
