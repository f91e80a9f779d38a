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
 * @throws {UsageError} `manifest-invalid` with the path of the first field at fault.
 */
export function parseManifest(value: unknown): Manifest {
  const parsed = v.safeParse(manifestSchema, value, { abortEarly: true });
  if (!parsed.success) throw issueError(misspelt(value, parsed.issues[0]) ?? parsed.issues[0]);
  const manifest: Manifest = parsed.output;
  checkManifestRules(manifest);
  return manifest;
}

/** An unknown field beside a missing one is most likely that one, misspelt. */
function misspelt(value: unknown, first: v.BaseIssue<unknown>): v.BaseIssue<unknown> | undefined {
  if (!isMissing(first)) return undefined;
  const parent = pathOf(first.path?.slice(0, -1));
  const all = v.safeParse(manifestSchema, value).issues ?? [];
  return all.find(
    (issue) => issue.expected === 'never' && pathOf(issue.path?.slice(0, -1)) === parent,
  );
}

function issueError(issue: v.BaseIssue<unknown>): UsageError {
  // To valibot an array is an object like any other, whose fields are missing or unknown.
  const { path = [] } = issue;
  const array = path.findIndex(({ type, input }) => type === 'object' && Array.isArray(input));
  if (array !== -1) {
    const at = pathOf(path.slice(0, array)) || 'manifest';
    return invalidField(UsageError, 'manifest-invalid', at, 'an object', path[array]?.input);
  }
  const field = pathOf(issue.path) || 'manifest';
  return invalidField(UsageError, 'manifest-invalid', field, expectation(issue), got(issue));
}

function pathOf(items: readonly { readonly key: unknown }[] = []): string {
  let path = '';
  for (const { key } of items) {
    if (typeof key === 'number') path += `[${key}]`;
    else path += path === '' ? String(key) : `.${String(key)}`;
  }
  return path;
}

function isMissing(issue: v.BaseIssue<unknown>): boolean {
  return issue.type === 'strict_object' && issue.path !== undefined && issue.input === undefined;
}

// Leaf schemas carry what they expect as their message; those of valibot itself are put in words.
function expectation(issue: v.BaseIssue<unknown>): string {
  if (issue.type === 'custom') return issue.message;
  if (issue.expected === 'never') return 'no such field (check its spelling)';
  if (isMissing(issue)) return 'a value (the field is required)';
  if (issue.expected === 'Object') return 'an object';
  if (issue.expected === 'Array') return 'an array';
  return (issue.expected ?? 'another value').replace(/^\((.*)\)$/, '$1').replaceAll(' | ', ' or ');
}

function got(issue: v.BaseIssue<unknown>): unknown {
  return issue.expected === 'never' ? issue.path?.at(-1)?.value : issue.input;
}
