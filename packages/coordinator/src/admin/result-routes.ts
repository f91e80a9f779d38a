/**
 * Results, each access in the audit log before a byte of it leaves.
 * Knows: windows' reports, who may read which metric. Doesn't know: seals.
 */
import * as v from 'valibot';
import { csvLine } from './csv.js';
import { dictionaryCells, dictionaryOf } from './dictionary.js';
import { readableResult, withheldFrom } from './readable-result.js';
import { type Call, CSV_TYPE, JSON_TYPE, type Route, route, Streamed } from './route.js';
import * as schema from './schema.js';
import { cellsOf, closedRows, columnNames, silentRow, type TidyRow } from './tidy-rows.js';
import { windowFacts, windowsOf } from './window-pages.js';
import { requireWindow } from './window-routes.js';

const params = v.strictObject({ taskId: schema.taskId });

export const resultRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/tasks/{taskId}/windows/{index}/result',
    name: 'result',
    summary: 'The estimates of a window that the role may read.',
    permissions: ['result.read'],
    scope: 'task',
    params: v.strictObject({ taskId: schema.taskId, index: schema.integerText() }),
    responses: { [JSON_TYPE]: schema.windowResultBody },
    run: async (call) => {
      const { ports, task, token, params } = call;
      const { taskId } = task.record;
      await requireWindow(call, params.index);
      const withheld = withheldFrom(token.role, task.task.manifest);
      await call.audit('result.read', taskId, { window: params.index, withheld: withheld.length });
      const report = await ports.windowResult(taskId, params.index);
      const head = { ...windowFacts(task, params.index), withheld };
      if (report?.state !== 'closed') return { ...head, state: report?.state ?? 'open' };
      const { devices, survivors, estimates } = report;
      const readable = readableResult(token.role, task.task, estimates);
      return { ...head, state: 'closed', devices, survivors, estimates: readable.estimates };
    },
  }),
  route({
    method: 'GET',
    path: '/tasks/{taskId}/results',
    name: 'results',
    summary:
      'The decided windows that begin from `from` until before `to` (Unix ms), the newest first, as tidy rows.',
    permissions: ['result.read'],
    scope: 'task',
    params,
    query: v.strictObject({
      from: v.exactOptional(schema.integerText(), '0'),
      to: v.exactOptional(schema.integerText(), String(Number.MAX_SAFE_INTEGER)),
      format: schema.format,
    }),
    responses: { [JSON_TYPE]: schema.tidyRows, [CSV_TYPE]: undefined },
    run: async (call) => {
      const { task, query } = call;
      const { from, to, format } = query;
      await call.audit('result.read', task.record.taskId, {
        ...{ from, to, format },
        withheld: withheldFrom(call.token.role, task.task.manifest).length,
      });
      const rows = rowsOf(call, from, to);
      return format === 'csv'
        ? new Streamed(CSV_TYPE, csvOf(rows), `${task.record.name}-results.csv`)
        : new Streamed(JSON_TYPE, jsonOf(rows));
    },
  }),
  route({
    method: 'POST',
    path: '/results/reseal',
    name: 'resealResults',
    summary:
      'Seals results that are under other keys under the first configured one, up to 1,000 at a time.',
    permissions: ['key.rotate'],
    scope: 'all',
    responses: { [JSON_TYPE]: schema.resealed },
    run: ({ ports, token, signal }) => ports.resealResults(token.id, signal),
  }),
  route({
    method: 'GET',
    path: '/tasks/{taskId}/dictionary',
    name: 'dictionary',
    summary: 'What every column and metric of the results means.',
    permissions: ['task.read'],
    scope: 'task',
    params,
    query: v.strictObject({ format: schema.format }),
    responses: { [JSON_TYPE]: schema.dictionary, [CSV_TYPE]: undefined },
    run: async ({ task, query: { format } }) => {
      const dictionary = dictionaryOf(task.task.manifest);
      if (format === 'json') return dictionary;
      const lines = dictionaryCells(dictionary).map(csvLine);
      return new Streamed(CSV_TYPE, chunksOf(lines), `${task.record.name}-dictionary.csv`);
    },
  }),
];

async function* rowsOf(
  { ports, task, token, signal }: Call,
  from: number,
  to: number,
): AsyncGenerator<TidyRow> {
  const { taskId, name, version } = task.record;
  const { lengthMs } = task.task.manifest.window;
  const before = Math.ceil(to / lengthMs);
  for await (const { window, state } of windowsOf(ports.store, taskId, before)) {
    const facts = { task: name, version, ...windowFacts(task, window) };
    if (facts.startMs < from || signal.aborted) return;
    if (state === 'open') continue;
    const report = await ports.windowResult(taskId, window);
    if (report === undefined || report.state === 'open') continue;
    if (report.state !== 'closed') yield silentRow(facts, report.state);
    else
      yield* closedRows(facts, readableResult(token.role, task.task, report.estimates).estimates);
  }
}

async function* csvOf(rows: AsyncIterable<TidyRow>): AsyncGenerator<string> {
  yield csvLine(columnNames());
  for await (const row of rows) yield csvLine(cellsOf(row));
}

async function* jsonOf(rows: AsyncIterable<TidyRow>): AsyncGenerator<string> {
  let separator = '[';
  for await (const row of rows) {
    yield `${separator}${JSON.stringify(row)}`;
    separator = ',\n';
  }
  yield separator === '[' ? '[]' : ']';
}

async function* chunksOf(lines: readonly string[]): AsyncGenerator<string> {
  yield* lines;
}
