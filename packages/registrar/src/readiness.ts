/**
 * Whether a registrar can do its work now, and why not. Knows: tasks, the store. Doesn't know: HTTP.
 * Invariant: a reason names no path.
 */
import { presentIncarnation } from '@onlysum/protocol';
import { checkValidity, type Task, windowAt } from '@onlysum/task';
import type { RegistrarStore } from './store/registrar-store.js';

export interface Readiness {
  readonly status: 'ready' | 'not-ready';
  /** Empty if it is ready. */
  readonly reasons: readonly string[];
}

export function registrarReadiness(
  tasks: readonly Task[],
  store: RegistrarStore,
  nowMs: number,
): Readiness {
  const reasons: string[] = [];
  if (!isOpen(store)) reasons.push('the store does not answer');
  if (!tasks.some((task) => isValidAt(task, nowMs))) reasons.push('no task is valid now');
  return { status: reasons.length === 0 ? 'ready' : 'not-ready', reasons };
}

function isOpen(store: RegistrarStore): boolean {
  try {
    store.read(presentIncarnation);
    return true;
  } catch {
    return false;
  }
}

function isValidAt({ manifest }: Task, nowMs: number): boolean {
  try {
    checkValidity(manifest, windowAt(manifest, nowMs));
    return true;
  } catch {
    return false;
  }
}
