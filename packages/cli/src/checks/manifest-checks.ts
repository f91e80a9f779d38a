/** That manifests allow rounds at all, now, and what a publisher should know of them. */
import { reportManifest } from '../manifest-report.js';
import type { Deployment, NamedTask } from './deployment.js';
import { failure, type Finding, orOk, warning } from './finding.js';

/** @param nowMs - Unix time. */
export function checkManifests(
  { at }: Deployment,
  tasks: readonly NamedTask[],
  nowMs: number,
): Finding[] {
  const byPath = new Map(tasks.map((task) => [task.path, task]));
  const findings = [...byPath.values()].flatMap(({ field, path, task: { manifest } }) => {
    const { notBeforeMs, notAfterMs } = manifest.validity;
    const place = at(field);
    const { problems, warnings } = reportManifest(manifest, manifest.cohort.target, nowMs);
    const fails = problems.map((problem) => {
      const mend = 'change cohort or assumptions, and sign a higher version';
      return failure('manifests', `${path}: ${problem}`, mend, place);
    });
    if (nowMs < notBeforeMs || nowMs + manifest.window.lengthMs > notAfterMs) {
      const when = `${new Date(notBeforeMs).toISOString()} to ${new Date(notAfterMs).toISOString()}`;
      const mend = 'sign a higher version with another validity';
      fails.push(failure('manifests', `${path}: valid from ${when} only`, mend, place));
    }
    const notes = warnings.map((each) =>
      warning('manifests', `${path}: ${each}`, 'see onlysum manifest check', place),
    );
    return [...fails, ...notes];
  });
  return orOk(findings, 'manifests', `${byPath.size} manifests are valid and allow rounds`);
}
