/** The metrics' part of a comparison of manifests: see manifest-diff.ts. Knows: kinds. */
import type { Manifest, Metric } from '@onlysum/task';
import { type Change, changed, grown, listed, shrunk } from './change.js';
import { rangeOf } from './metric-words.js';

export function metricChanges(before: Manifest, after: Manifest): Change[] {
  const names = new Set([...before.metrics, ...after.metrics].map(({ name }) => name));
  return [...names].flatMap((name) => {
    const [was, is] = [before, after].map(({ metrics }) => metrics.find((m) => m.name === name));
    const field = `metrics.${name}`;
    if (was === undefined) return changed(field, undefined, is && summary(is), 'widens');
    if (is === undefined) return changed(field, summary(was), undefined, 'narrows');
    return [
      ...changed(`${field}.group`, was.group, is.group, movedTo(was, is, before, after)),
      // What a sentence means, only a person can say.
      ...changed(`${field}.purpose`, was.purpose, is.purpose, 'widens'),
      ...changed(`${field}.owner`, was.owner, is.owner, 'neutral'),
      ...grown(`${field}.retentionDays`, was.retentionDays, is.retentionDays),
      ...listed(`${field}.access`, was.access, is.access),
      ...kindChanges(field, was, is),
    ];
  });
}

/** Who gave another group has not been asked; who must give one is not asked at all. */
function movedTo(was: Metric, is: Metric, before: Manifest, after: Manifest): Change['effect'] {
  const isEssential = ({ groups }: Manifest, { group }: Metric): boolean =>
    groups.find(({ name }) => name === group)?.essential === true;
  return isEssential(before, was) && !isEssential(after, is) ? 'narrows' : 'widens';
}

function kindChanges(field: string, was: Metric, is: Metric): Change[] {
  if (was.kind !== is.kind) return changed(`${field}.kind`, summary(was), summary(is), 'widens');
  const [before, after] = [was, is].map(
    (metric): Readonly<Record<string, unknown>> => ({ ...metric }),
  );
  return Object.entries(MEMBERS).flatMap(([member, compare]) =>
    before?.[member] === undefined
      ? []
      : compare(`${field}.${member}`, before[member] as never, after?.[member] as never),
  );
}

/** Members of kinds, each of which means the same in all that have it. */
const MEMBERS: Readonly<Record<string, (field: string, was: never, is: never) => Change[]>> = {
  min: shrunk,
  max: grown,
  resolution: shrunk,
  relativeError: shrunk,
  most: grown,
  k: grown,
  categories: listed,
  options: listed,
  candidates: listed,
  edges: listed,
  // The same numbers of another unit are other data, and so is the table of another category.
  unit: otherData,
  rows: otherData,
  columns: otherData,
};

function otherData(field: string, was: string, is: string): Change[] {
  return changed(field, was, is, 'widens');
}

function summary(metric: Metric): string {
  return `${metric.kind}: ${rangeOf(metric)}`;
}
