/**
 * Who may do what, as data. Knows: roles and permissions. Doesn't know: tokens, requests, stores.
 * Invariant: no role both runs rounds and reads results, and none both reads results and the audit log
 * that says who read them.
 */
import { UsageError } from '@onlysum/crypto';
import type { Manifest, Role } from '@onlysum/task';

export const PERMISSIONS = {
  'task.read': 'manifests, and whether a task runs',
  'task.kill': 'stop all rounds of a task',
  'task.resume': 'let a stopped task run again',
  'round.read': 'stages, counts and causes of drops of rounds, without sums',
  'result.read': 'sums, estimates and round records, metric by metric as the manifest allows',
  'evidence.read': 'what the registrar attested of a round, with its signatures, without sums',
  'privacy.read': 'budget spent, sizes of cohorts, refusals by reason, opt-out rates',
  'audit.read': 'entries of the audit log',
  'audit.verify': 'whether the audit log holds, and its head',
  'token.manage': 'make, list and revoke API tokens',
  'key.rotate': 'seal results under a new key',
} as const;

export type Permission = keyof typeof PERMISSIONS;

/**
 * The matrix. Whoever may hand out tokens could hand himself any role's: that is not whoever runs the
 * server, and each token made is in the audit log, which the auditor reads. Stopping is for everybody who
 * may see an incident first.
 */
export const GRANTS: Readonly<Record<Role, readonly Permission[]>> = {
  operator: [
    'task.read',
    'task.kill',
    'task.resume',
    'round.read',
    'privacy.read',
    'audit.verify',
    'key.rotate',
  ],
  analyst: ['task.read', 'result.read'],
  auditor: ['task.read', 'round.read', 'evidence.read', 'audit.read', 'audit.verify'],
  'privacy-officer': [
    'task.read',
    'task.kill',
    'privacy.read',
    'audit.read',
    'audit.verify',
    'token.manage',
  ],
};

export function isGranted(role: Role, permission: Permission): boolean {
  return GRANTS[role].includes(permission);
}

/**
 * The metrics whose results a role may read. The manifest's `access` narrows what the matrix grants and
 * never widens it: a role without `result.read` reads none.
 *
 * @returns names, in the manifest's order.
 */
export function readableMetrics(role: Role, { metrics }: Pick<Manifest, 'metrics'>): string[] {
  if (!isGranted(role, 'result.read')) return [];
  return metrics.filter(({ access }) => access.includes(role)).map(({ name }) => name);
}

/** @throws {UsageError} `access-denied`. */
export function requireGrant(role: Role, permission: Permission): void {
  if (!isGranted(role, permission)) throw denied(`a role with ${permission}`, `the role ${role}`);
}

export function denied(expected: string, got: string): UsageError {
  return new UsageError('access-denied', `access: expected ${expected}, got ${got}`, {
    field: 'access',
    expected,
    got,
  });
}
