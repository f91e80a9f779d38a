/** The most frequent of a list of candidates. */
import { type TopKMetric, withOther } from '@onlysum/task';
import { addSums, countEstimate, shareEstimate } from './estimated.js';
import { exclusive } from './estimate-counts.js';
import type { MetricSums } from './lane-sums.js';
import type { NamedCount, TopKResult } from './metric-result.js';

export function estimateTopK({ kind, candidates, k }: TopKMetric, sums: MetricSums): TopKResult {
  const lanes = sums.all('category');
  const reported = addSums(lanes);
  // `other` is no candidate: it may hold many, each of them rare.
  const counts = exclusive(withOther(candidates), lanes, sums).slice(0, -1);
  // The sort is stable: equal counts stay in the manifest's order.
  const order = counts
    .map((candidate, at) => ({ candidate, at }))
    .sort((a, b) => b.candidate.count.value - a.candidate.count.value);
  const shown = new Set(order.slice(0, k).map(({ at }) => at));
  const rest = addSums(lanes.filter((_, at) => !shown.has(at)));
  return {
    kind,
    top: order.slice(0, k).map(({ candidate }, i) => ({
      ...candidate,
      rank: i + 1,
      certain: counts.every((each) => each === candidate || isApart(each, candidate)),
    })),
    other: countEstimate(rest, sums),
    otherShare: shareEstimate(rest, reported, rest.variance, sums),
    reported: countEstimate(reported, sums),
  };
}

function isApart(a: NamedCount, b: NamedCount): boolean {
  return a.count.interval[1] < b.count.interval[0] || b.count.interval[1] < a.count.interval[0];
}
