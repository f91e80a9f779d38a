/**
 * Versions of a manifest only grow, per (publisher, name). Who remembers them is the caller.
 */
import { invalidField, UsageError } from '@onlysum/crypto';
import type { Manifest } from './manifest.js';

/**
 * @param highestSeen - the highest version taken so far of this publisher's task of this name.
 * @throws {UsageError} `manifest-rollback`.
 */
export function checkVersion(manifest: Manifest, highestSeen: number | undefined): void {
  if (highestSeen === undefined || manifest.version >= highestSeen) return;
  throw invalidField(
    UsageError,
    'manifest-rollback',
    'version',
    `at least ${highestSeen}, which was taken before`,
    manifest.version,
  );
}
