/**
 * What a task has cost its devices: budget, sizes of cohorts, refusals, who opted out.
 * Knows: windows' reports, their groups. Invariant: no number of a metric.
 */
import {
  budgetOf,
  NO_COST,
  type NoisePromise,
  spentEpsilon,
  type Task,
  timesCost,
  windowsWithin,
} from '@onlysum/task';
import * as v from 'valibot';
import type { RoundRecord } from '../store/records.js';
import type { WindowReport } from '../window-report.js';
import { type AdminPorts, JSON_TYPE, type KnownTask, type Route, route } from './route.js';
import * as schema from './schema.js';
import { roundsOf, roundTotals, windowFacts, windowsOf } from './window-pages.js';

const DEFAULT_WINDOWS = 30;
const MOST_WINDOWS = 100;
const DAY_MS = 24 * 3_600_000;

export const privacyRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/privacy',
    name: 'privacy',
    summary: 'Budget spent, and of each window, the newest first, cohorts, refusals and opt-outs.',
    permissions: ['privacy.read'],
    scope: 'task',
    query: v.strictObject({
      task: schema.taskId,
      before: v.exactOptional(schema.integerText()),
      limit: v.exactOptional(schema.integerText(1, MOST_WINDOWS)),
    }),
    responses: { [JSON_TYPE]: schema.privacyBody },
    run: async (call) => {
      const { ports, task, query } = call;
      const { taskId } = task.record;
      const { before, limit = DEFAULT_WINDOWS } = query;
      await call.audit('privacy.read', taskId, { limit });
      const windows = [];
      for await (const { window } of windowsOf(ports.store, taskId, before)) {
        if (windows.length >= limit) break;
        const rounds = await roundsOf(ports.store, taskId, window);
        const report = await ports.windowResult(taskId, window);
        windows.push(windowView(task, window, rounds, report));
      }
      const { privacy } = task.task.manifest;
      const budget = privacy.mechanism === 'none' ? null : await budgetReport(ports, task, privacy);
      return { privacy, budget, windows };
    },
  }),
];

function windowView(
  task: KnownTask,
  index: number,
  rounds: readonly RoundRecord[],
  report: WindowReport | undefined,
) {
  const opened = rounds.filter(({ state }) => state === 'opened');
  return {
    ...windowFacts(task, index),
    state: report?.state ?? 'open',
    cohortSizes: opened.map(({ devices }) => devices),
    survivors: roundTotals(rounds).survivors,
    refusals: refusals(rounds),
    optOut: report?.state === 'closed' ? optOuts(task.task, report.estimates.groups) : [],
  };
}

/** Why devices were lost and rounds ended, the most frequent first. */
function refusals(rounds: readonly RoundRecord[]) {
  const counts = new Map<string, number>();
  const add = (code: string, count: number) => counts.set(code, (counts.get(code) ?? 0) + count);
  for (const round of rounds) {
    for (const { code, count } of round.drops) add(code, count);
    if (round.state === 'aborted') add(round.reason, 1);
  }
  return [...counts].map(([code, count]) => ({ code, count })).sort((a, b) => b.count - a.count);
}

type OptOut = v.InferOutput<typeof schema.privacyBody>['windows'][number]['optOut'][number];
type Groups = Extract<WindowReport, { state: 'closed' }>['estimates']['groups'];

function optOuts({ manifest }: Task, groups: Groups): OptOut[] {
  return manifest.groups.flatMap(({ name: group, essential }): OptOut[] => {
    const result = groups[group];
    if (essential || result === undefined) return [];
    if ('suppressed' in result) return [{ group, suppressed: true }];
    const { optOutRate } = result;
    if (optOutRate === undefined) return [];
    const { value, standardError, interval } = optOutRate;
    return [{ group, value, standardError, interval: [...interval] }];
  });
}

async function budgetReport(ports: AdminPorts, { record, task }: KnownTask, privacy: NoisePromise) {
  const { epsilon, delta, days } = privacy.budget;
  const sinceMs = ports.now() - days * DAY_MS;
  const { lengthMs } = task.manifest.window;
  const withOpened = new Set<number>();
  for await (const { window } of windowsOf(ports.store, record.taskId)) {
    if ((window + 1) * lengthMs <= sinceMs) break;
    const rounds = await roundsOf(ports.store, record.taskId, window);
    if (rounds.some(({ state }) => state === 'opened')) withOpened.add(window);
  }
  const cost = task.layout.noise?.cost ?? NO_COST;
  const windows = withOpened.size;
  const budget = budgetOf(privacy);
  const spent = spentEpsilon(timesCost(cost, windows), windows, budget.delta);
  return {
    ...{ epsilon, delta, days, windows },
    spentEpsilon: Number.isFinite(spent) ? spent : null,
    windowsPaid: windowsWithin(cost, budget),
  };
}
