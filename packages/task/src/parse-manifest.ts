/**
 * From any value to a `Manifest`, or to an error that names the field.
 * Knows: schema and rules. Doesn't know: where the value came from, nor whether it is signed.
 */
import { invalidField, UsageError } from '@onlysum/crypto';
import * as v from 'valibot';
import type { Manifest } from './manifest.js';
import { checkManifestRules } from './manifest-rules.js';
import { manifestSchema } from './manifest-schema.js';

/**
 * @param value - JSON value of any origin.
 * @returns a copy that holds the manifest's fields and nothing else.
 * @throws {UsageError} `manifest-invalid` with the path of the first field at fault;
 *   `noise-unsupported` if it promises noise, which this version cannot add.
 */
export function parseManifest(value: unknown): Manifest {
  const parsed = v.safeParse(manifestSchema, value, { abortEarly: true });
  if (!parsed.success) throw issueError(parsed.issues[0]);
  const { privacy, ...rest } = parsed.output;
  if (privacy.mechanism !== 'none') {
    throw invalidField(
      UsageError,
      'noise-unsupported',
      'privacy.mechanism',
      '"none" (this version cannot add noise, and accepts no promise that it would)',
      privacy.mechanism,
    );
  }
  const manifest: Manifest = { ...rest, privacy: { mechanism: 'none' } };
  checkManifestRules(manifest);
  return manifest;
}

function issueError(issue: v.BaseIssue<unknown>): UsageError {
  let path = '';
  for (const { key } of issue.path ?? []) {
    if (typeof key === 'number') path += `[${key}]`;
    else path += path === '' ? String(key) : `.${String(key)}`;
  }
  return invalidField(
    UsageError,
    'manifest-invalid',
    path || 'manifest',
    expectation(issue),
    got(issue),
  );
}

// Leaf schemas carry what they expect as their message; those of valibot itself are put in words.
function expectation(issue: v.BaseIssue<unknown>): string {
  if (issue.type === 'custom') return issue.message;
  if (issue.expected === 'never') return 'no such field (check its spelling)';
  if (issue.type === 'strict_object' && issue.path !== undefined && issue.input === undefined) {
    return 'a value (the field is required)';
  }
  if (issue.expected === 'Object') return 'an object';
  if (issue.expected === 'Array') return 'an array';
  return (issue.expected ?? 'another value').replace(/^\((.*)\)$/, '$1').replaceAll(' | ', ' or ');
}

function got(issue: v.BaseIssue<unknown>): unknown {
  return issue.expected === 'never' ? issue.path?.at(-1)?.value : issue.input;
}
