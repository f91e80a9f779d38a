/**
 * Whether a registrar can do its work now, and why not. Knows: tasks, the store. Doesn't know: HTTP.
 * Invariant: a reason names no path.
 */
import { type Ledger, presentIncarnation } from '@onlysum/protocol';
import { checkValidity, type Task, windowAt } from '@onlysum/task';
import type { RegistrarStore } from './store/registrar-store.js';

export interface Readiness {
  readonly status: 'ready' | 'not-ready';
  /** Empty if it is ready. */
  readonly reasons: readonly string[];
}

/** @returns undefined while the store cannot be read. */
export function readIfThere<T>(store: RegistrarStore, run: (ledger: Ledger) => T): T | undefined {
  try {
    return store.read(run);
  } catch {
    return undefined;
  }
}

export function registrarReadiness(
  tasks: readonly Task[],
  store: RegistrarStore,
  nowMs: number,
): Readiness {
  const reasons: string[] = [];
  if (readIfThere(store, presentIncarnation) === undefined)
    reasons.push('the store does not answer');
  if (!tasks.some((task) => isValidAt(task, nowMs))) reasons.push('no task is valid now');
  return { status: reasons.length === 0 ? 'ready' : 'not-ready', reasons };
}

function isValidAt({ manifest }: Task, nowMs: number): boolean {
  try {
    checkValidity(manifest, windowAt(manifest, nowMs));
    return true;
  } catch {
    return false;
  }
}
