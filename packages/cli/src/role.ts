/** A server's tasks and its key, which each of them must name. */
import { toHex, wipe } from '@onlysum/crypto';
import type { Task } from '@onlysum/task';
import { checkRoleKey, loadKey, type Role, roleKeys } from './keys.js';
import { loadTask } from './tasks.js';
import type { Terminal } from './terminal.js';

export interface RoleSettings {
  /** Paths of the key file and of the signed manifests. */
  readonly key: string;
  /** The flag or line that gives the key; default `--key`. */
  readonly keyLabel?: string;
  /** Paths of key files that a task may name as well. */
  readonly previousKeys?: readonly string[];
  readonly manifests: readonly string[];
}

export interface LoadedRole {
  readonly tasks: readonly Task[];
  readonly seed: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly previousSeeds: readonly Uint8Array[];
}

/**
 * @returns the seeds, owned by the caller, who wipes them.
 * @throws {UsageError} `task-mismatch` if a task names another key, or as `loadTask` and `loadKey`.
 */
export function loadRole(role: Role, settings: RoleSettings, terminal: Terminal): LoadedRole {
  const { key, keyLabel = '--key', previousKeys = [], manifests } = settings;
  const tasks = manifests.map((path) => loadTask(path));
  const { seed, publicKey } = loadKey(key, terminal);
  const previousSeeds: Uint8Array[] = [];
  try {
    const previous = previousKeys.map((path) => {
      const loaded = loadKey(path, terminal);
      previousSeeds.push(loaded.seed);
      return toHex(loaded.publicKey);
    });
    tasks.forEach(({ manifest }, i) => {
      if (previous.includes(roleKeys(manifest)[role])) return;
      const file = { manifestPath: manifests[i] ?? '', manifest };
      checkRoleKey('task-mismatch', role, { keyLabel, keyPath: key, publicKey }, file);
    });
    return { tasks, seed, publicKey, previousSeeds };
  } catch (error) {
    wipe(seed, ...previousSeeds);
    throw error;
  }
}
