import { type Manifest, ROLES } from '@onlysum/task';
import { describe, expect, it } from 'vitest';
import {
  GRANTS,
  isGranted,
  PERMISSIONS,
  type Permission,
  readableMetrics,
  requireGrant,
} from './access.js';

/** Columns: operator, analyst, auditor, privacy officer. Written out again, so that a change is seen. */
const MATRIX: Readonly<Record<Permission, string>> = {
  'task.read': 'yes yes yes yes',
  'task.kill': 'yes - - yes',
  'task.resume': 'yes - - -',
  'round.read': 'yes - yes -',
  'result.read': '- yes - -',
  'evidence.read': '- - yes -',
  'privacy.read': 'yes - - yes',
  'audit.read': '- - yes yes',
  'audit.verify': 'yes - yes yes',
  'token.manage': '- - - yes',
  'key.rotate': 'yes - - -',
};
const CELLS = Object.entries(MATRIX).flatMap(([permission, row]) =>
  row.split(' ').map((cell, i) => [ROLES[i]!, permission as Permission, cell === 'yes'] as const),
);

describe('access', () => {
  it.each(CELLS)('%s, %s: %s', (role, permission, expected) => {
    expect(isGranted(role, permission)).toBe(expected);
    const attempt = () => requireGrant(role, permission);
    if (expected) expect(attempt).not.toThrow();
    else expect(attempt).toThrow(expect.objectContaining({ code: 'access-denied' }));
  });

  it('is a matrix over all roles and permissions, and each permission is somebody’s', () => {
    expect(Object.keys(MATRIX)).toEqual(Object.keys(PERMISSIONS));
    expect(Object.keys(GRANTS)).toEqual([...ROLES]);
    const given = new Set(ROLES.flatMap((role) => GRANTS[role]));
    expect([...given].toSorted()).toEqual(Object.keys(PERMISSIONS).toSorted());
  });

  it('separates duties', () => {
    for (const role of ROLES) {
      const may = (permission: Permission) => isGranted(role, permission);
      const runs = may('task.resume') || may('key.rotate');
      expect(may('result.read') && (runs || may('audit.read') || may('token.manage'))).toBe(false);
      expect(runs && may('token.manage')).toBe(false);
    }
  });

  it('narrows results by the manifest, and never widens them', () => {
    const metrics = [
      { name: 'open', access: ['analyst', 'operator'] },
      { name: 'closed', access: ['auditor', 'operator', 'privacy-officer'] },
    ] as unknown as Manifest['metrics'];
    const readable = ROLES.map((role) => readableMetrics(role, { metrics }));
    expect(readable).toEqual([[], ['open'], [], []]);
  });
});
