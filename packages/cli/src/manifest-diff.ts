/**
 * What one version of a manifest asks for that the other did not.
 * Knows: which way each field widens collection. Doesn't know: files, signatures.
 * Invariant: every difference is a change here (manifest-diff.test.ts changes every field), and one whose
 * effect a program cannot tell counts as widening.
 */
import { UsageError } from '@onlysum/crypto';
import type { Manifest, Privacy } from '@onlysum/task';
import { type Change, changed, type FieldValue, grown, shrunk } from './change.js';
import { metricChanges } from './metric-diff.js';

export function compareManifests(before: Manifest, after: Manifest): readonly Change[] {
  const pick = (read: (manifest: Manifest) => FieldValue): [FieldValue, FieldValue] => [
    read(before),
    read(after),
  ];
  return [
    ...changed('name', ...pick((m) => m.name), 'widens'),
    ...changed('version', ...pick((m) => m.version), 'neutral'),
    // Other hands, into which data or the say over it come.
    ...changed('publisher', ...pick((m) => m.publisher), 'widens'),
    ...changed('registrar', ...pick((m) => m.registrar), 'widens'),
    ...changed('coordinator.key', ...pick((m) => m.coordinator.key), 'widens'),
    ...changed('coordinator.url', ...pick((m) => m.coordinator.url), 'widens'),
    ...shrunk('window.lengthMs', before.window.lengthMs, after.window.lengthMs),
    ...grown('epoch.lengthMs', before.epoch.lengthMs, after.epoch.lengthMs),
    ...shrunk('cohort.min', before.cohort.min, after.cohort.min),
    ...shrunk('cohort.target', before.cohort.target, after.cohort.target),
    ...changed('cohort.max', ...pick((m) => m.cohort.max), 'neutral'),
    ...shrunk('minSurvivors', before.minSurvivors, after.minSurvivors),
    ...grown('attempts', before.attempts, after.attempts),
    ...shrunk('assumptions.corrupt', before.assumptions.corrupt, after.assumptions.corrupt),
    // More of a cohort may be missing from its sum.
    ...grown('assumptions.dropout', before.assumptions.dropout, after.assumptions.dropout),
    ...shrunk(
      'assumptions.population',
      before.assumptions.population,
      after.assumptions.population,
    ),
    ...shrunk('minRespondents', before.minRespondents, after.minRespondents),
    ...privacyChanges(before.privacy, after.privacy),
    ...changed('validity.notBeforeMs', ...pick((m) => m.validity.notBeforeMs), 'neutral'),
    ...changed('validity.notAfterMs', ...pick((m) => m.validity.notAfterMs), 'neutral'),
    ...groupChanges(before, after),
    ...metricChanges(before, after),
    ...changed(
      'groups, their order',
      ...pick((m) => commonOrder(m.groups, before, after)),
      'neutral',
    ),
    ...changed(
      'metrics, their order',
      ...pick((m) => commonOrder(m.metrics, before, after)),
      'neutral',
    ),
  ];
}

/**
 * @throws {UsageError} `version-not-raised` if `after` asks for more than `before` under a version that is
 *   not higher: devices that have the old one would never learn of it.
 */
export function checkVersionRaised(before: Manifest, after: Manifest): void {
  const [first] = compareManifests(before, after).filter(({ effect }) => effect === 'widens');
  if (first === undefined || after.version > before.version) return;
  const expected = `more than ${before.version}, as it asks for more (${first.field})`;
  throw new UsageError(
    'version-not-raised',
    `version: expected ${expected}, got ${after.version}`,
    {
      field: 'version',
      expected,
      got: String(after.version),
    },
  );
}

function privacyChanges(before: Privacy, after: Privacy): Change[] {
  if (before.mechanism === 'none' || after.mechanism === 'none') {
    const effect = after.mechanism === 'none' ? 'widens' : 'narrows';
    return changed('privacy.mechanism', before.mechanism, after.mechanism, effect);
  }
  const delta = (privacy: typeof before): string =>
    privacy.mechanism === 'skellam' ? privacy.delta : '0';
  const weaker = after.neighbours === 'zero' ? 'widens' : 'narrows';
  return [
    ...changed('privacy.mechanism', before.mechanism, after.mechanism, 'neutral'),
    ...grown('privacy.epsilon', before.epsilon, after.epsilon),
    ...grown('privacy.delta', delta(before), delta(after)),
    ...changed('privacy.neighbours', before.neighbours, after.neighbours, weaker),
    ...grown('privacy.budget.epsilon', before.budget.epsilon, after.budget.epsilon),
    ...grown('privacy.budget.delta', before.budget.delta, after.budget.delta),
    ...shrunk('privacy.budget.days', before.budget.days, after.budget.days),
  ];
}

// A new group asks for nothing before a metric is in it, and that is a change of its own.
function groupChanges(before: Manifest, after: Manifest): Change[] {
  const names = new Set([...before.groups, ...after.groups].map(({ name }) => name));
  return [...names].flatMap((name) => {
    const [was, is] = [before, after].map(({ groups }) => groups.find((g) => g.name === name));
    const field = `groups.${name}`;
    if (was === undefined || is === undefined) {
      return changed(field, was?.purpose, is?.purpose, 'neutral');
    }
    const harder = is.essential ? 'widens' : 'narrows';
    return [
      ...changed(`${field}.purpose`, was.purpose, is.purpose, 'widens'),
      ...changed(`${field}.essential`, was.essential, is.essential, harder),
    ];
  });
}

/** Names that both have, in the order of one. */
function commonOrder(
  own: readonly { readonly name: string }[],
  before: Manifest,
  after: Manifest,
): readonly string[] {
  const has = (manifest: Manifest, name: string): boolean =>
    [...manifest.groups, ...manifest.metrics].some((each) => each.name === name);
  return own.map(({ name }) => name).filter((name) => has(before, name) && has(after, name));
}
