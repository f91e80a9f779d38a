/** A server's tasks and its key, which each of them must name. */
import { wipe } from '@onlysum/crypto';
import type { Task } from '@onlysum/task';
import { checkRoleKey, loadKey, type Role } from './keys.js';
import { loadTask } from './tasks.js';
import type { Terminal } from './terminal.js';

export interface RoleSettings {
  /** Paths of the key file and of the signed manifests. */
  readonly key: string;
  /** The flag or line that gives the key; default `--key`. */
  readonly keyLabel?: string;
  readonly manifests: readonly string[];
}

/**
 * @returns the seed, owned by the caller, who wipes it.
 * @throws {UsageError} `task-mismatch` if a task names another key, or as `loadTask` and `loadKey`.
 */
export function loadRole(
  role: Role,
  { key, keyLabel = '--key', manifests }: RoleSettings,
  terminal: Terminal,
): { readonly tasks: readonly Task[]; readonly seed: Uint8Array; readonly publicKey: Uint8Array } {
  const tasks = manifests.map((path) => loadTask(path));
  const { seed, publicKey } = loadKey(key, terminal);
  try {
    tasks.forEach(({ manifest }, i) => {
      const file = { manifestPath: manifests[i] ?? '', manifest };
      checkRoleKey('task-mismatch', role, { keyLabel, keyPath: key, publicKey }, file);
    });
    return { tasks, seed, publicKey };
  } catch (error) {
    wipe(seed);
    throw error;
  }
}
