/** Windows of a task from the store, whole or page by page, with what their rounds say without sums. */
import { type Window, windowByIndex } from '@onlysum/task';
import type { CoordinatorStore } from '../store/coordinator-store.js';
import type { RoundRecord, WindowRecord } from '../store/records.js';
import type { KnownTask } from './route.js';

const PAGE = 100;

/** Newest first. @param before - only windows below it. */
export async function* windowsOf(
  store: CoordinatorStore,
  taskId: string,
  before?: number,
): AsyncGenerator<WindowRecord> {
  let below = before;
  for (;;) {
    const from = below === undefined ? {} : { before: below };
    const page = await store.windows(taskId, { limit: PAGE, ...from });
    yield* page;
    below = page.at(-1)?.window;
    if (page.length < PAGE) return;
  }
}

/** In the order in which they were closed. */
export async function roundsOf(
  store: CoordinatorStore,
  taskId: string,
  window: number,
): Promise<readonly RoundRecord[]> {
  const rounds: RoundRecord[] = [];
  for (;;) {
    const last = rounds.at(-1);
    const from = last === undefined ? {} : { before: last };
    const page = await store.rounds(taskId, { window, limit: PAGE, ...from });
    rounds.push(...page);
    if (page.length < PAGE) return rounds.reverse();
  }
}

export function windowFacts({ task }: KnownTask, index: number) {
  const { startMs, endMs }: Window = windowByIndex(task.manifest, index);
  return { window: index, startMs, endMs };
}

export function roundTotals(rounds: readonly RoundRecord[]) {
  const opened = rounds.filter((round) => round.state === 'opened');
  return {
    opened: opened.length,
    devices: opened.reduce((sum, { devices }) => sum + devices, 0),
    survivors: opened.reduce((sum, { survivors }) => sum + survivors, 0),
  };
}
