/**
 * Whether a coordinator can do its work now, and why not. Knows: registrar, store, tasks, the results' folder.
 * Doesn't know: HTTP. Invariant: a reason names no address and no path.
 */
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { checkValidity, type Task, windowAt } from '@onlysum/task';
import type { Settings } from './options.js';
import type { RegistrarLink } from './registrar-link.js';
import type { StoreLook } from './store-look.js';

export interface Readiness {
  readonly status: 'ready' | 'not-ready';
  /** Empty if it is ready. */
  readonly reasons: readonly string[];
}

/** What is looked at beside the settings. */
export interface ReadinessView {
  readonly link: RegistrarLink;
  readonly store: StoreLook;
  readonly isClosing: boolean;
  /** Ids of keys that results are sealed under and that are not given. */
  readonly unknownKeys: readonly string[];
}

export async function coordinatorReadiness(
  { tasks, now, resultsDir }: Settings,
  { link, store, isClosing, unknownKeys }: ReadinessView,
): Promise<Readiness> {
  const reasons: string[] = [];
  if (isClosing) reasons.push('the coordinator is shutting down');
  if (!tasks.some((task) => isValidAt(task, now()))) reasons.push('no task is valid now');
  if (!(await canWrite(resultsDir))) reasons.push('the folder for results cannot be written');
  if (unknownKeys.length > 0) {
    reasons.push(`results are sealed under keys that are not given: ${unknownKeys.join(', ')}`);
  }
  const [answers, unreachable] = await Promise.all([store(), link.unreachable()]);
  if (!answers) reasons.push('the store does not answer');
  if (unreachable !== undefined) reasons.push(`the registrar does not answer: ${unreachable}`);
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

async function canWrite(directory: string | undefined): Promise<boolean> {
  if (directory === undefined) return true;
  try {
    await access(directory, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
