/** Windows and how their rounds ended: counts and causes, no sums. */
import * as v from 'valibot';
import type { RoundRecord, WindowRecord } from '../store/records.js';
import { refuse } from './refusal.js';
import { type Call, JSON_TYPE, type KnownTask, type Route, route } from './route.js';
import * as schema from './schema.js';
import { roundsOf, roundTotals, windowFacts, windowsOf } from './window-pages.js';

const DEFAULT_WINDOWS = 50;
const MOST_WINDOWS = 100;

export const windowRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/tasks/{taskId}/windows',
    name: 'listWindows',
    summary: 'Windows of a task, the newest first.',
    permissions: ['round.read', 'result.read'],
    scope: 'task',
    params: v.strictObject({ taskId: schema.taskId }),
    query: v.strictObject({
      before: v.exactOptional(schema.integerText()),
      limit: v.exactOptional(schema.integerText(1, MOST_WINDOWS)),
    }),
    responses: { [JSON_TYPE]: schema.windowList },
    run: async ({ ports, task, query: { before, limit = DEFAULT_WINDOWS } }) => {
      const listed = [];
      for await (const window of windowsOf(ports.store, task.record.taskId, before)) {
        if (listed.length >= limit) break;
        const rounds = await roundsOf(ports.store, window.taskId, window.window);
        listed.push({ ...summary(task, window, rounds), rounds: rounds.length });
      }
      return listed;
    },
  }),
  route({
    method: 'GET',
    path: '/tasks/{taskId}/windows/{index}',
    name: 'window',
    summary: 'One window with how each of its rounds ended.',
    permissions: ['round.read'],
    scope: 'task',
    params: v.strictObject({ taskId: schema.taskId, index: schema.integerText() }),
    responses: { [JSON_TYPE]: schema.windowDetail },
    run: async (call) => {
      const { ports, task, params } = call;
      const window = await requireWindow(call, params.index);
      const rounds = await roundsOf(ports.store, window.taskId, window.window);
      return { ...summary(task, window, rounds), rounds: rounds.map(roundView) };
    },
  }),
];

/** @throws {Refusal} `not-found`. */
export async function requireWindow(
  { ports, task }: Pick<Call, 'ports' | 'task'>,
  index: number,
): Promise<WindowRecord> {
  const window = await ports.store.window({ taskId: task.record.taskId, window: index });
  if (window !== undefined) return window;
  const message = `index: window ${index} of ${task.record.name} has not opened here`;
  throw refuse('not-found', 404, message, { field: 'index' });
}

function summary(task: KnownTask, window: WindowRecord, rounds: readonly RoundRecord[]) {
  return { ...windowFacts(task, window.window), state: window.state, ...roundTotals(rounds) };
}

function roundView(round: RoundRecord) {
  const { gatherMs, roundMs, cpuMs } = round.cost;
  const isOpened = round.state === 'opened';
  return {
    round: round.round,
    outcome: round.state,
    ...(isOpened ? {} : { reason: round.reason }),
    ...(isOpened || round.detail === undefined ? {} : { detail: round.detail }),
    devices: round.devices,
    ...(isOpened ? { survivors: round.survivors } : {}),
    drops: round.drops.map(({ stage, code, count }) => ({ stage, code, count })),
    durations: { gatherMs, roundMs, cpuMs },
    closedMs: round.closedMs,
  };
}
