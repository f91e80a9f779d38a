import { estimateTotals, type WindowResult } from '@onlysum/metrics';
import { compileLayout, type Manifest } from '@onlysum/task';
import * as v from 'valibot';
import { expect, it } from 'vitest';
import { dictionaryOf } from '../../packages/coordinator/src/admin/dictionary.js';
import { windowResult } from '../../packages/coordinator/src/admin/estimate-schema.js';
import { readableResult } from '../../packages/coordinator/src/admin/readable-result.js';
import { tidyRow } from '../../packages/coordinator/src/admin/schema.js';
import {
  closedRows,
  silentRow,
  type TidyRow,
} from '../../packages/coordinator/src/admin/tidy-rows.js';
import { makeTask, freshKeys } from '../coordinator/wire-task.js';
import { everyKind } from '../metrics/every-kind.js';
import { type Device, sumOf } from '../metrics/sum.js';

const FACTS = { task: 'acme', version: 1, window: 7, startMs: 7000, endMs: 8000 };
const DEVICES = 400;

function estimatesOf(manifest: Manifest): WindowResult {
  const fleet = Array.from({ length: DEVICES }, (_, i): Device => {
    const values = { licensed: i % 4 > 0, version: '1.1', os: i % 2 ? 'linux' : 'other' };
    const more = { model: 'c', features: ['sync', 'print'], crashes: i % 3, disk: 2, heat: -3 };
    return { values: { ...values, ...more, load: 1, start: 1, latency: 20 } };
  });
  const participation = { devices: DEVICES, survivors: DEVICES };
  return estimateTotals(manifest, compileLayout(manifest), sumOf(manifest, fleet), participation);
}

const manifest = everyKind();
const estimates = estimatesOf(manifest);
const rows = closedRows(FACTS, estimates);

function find(metric: string, statistic: string, category: string | null = null): TidyRow {
  const found = rows.filter(
    (row) => row.metric === metric && row.statistic === statistic && row.category === category,
  );
  expect(found).toHaveLength(1);
  return found[0]!;
}

it('have the shapes of the document, those of every kind', () => {
  expect(v.parse(windowResult, JSON.parse(JSON.stringify(estimates)))).toEqual(estimates);
  for (const row of rows) v.parse(tidyRow, row);
  expect(new Set(rows.map(({ kind }) => kind)).size).toBe(manifest.metrics.length - 1 + 2);
});

it('say the numbers of the estimates', () => {
  expect(find('licensed', 'yes')).toMatchObject({ value: 300, low: 300, high: 300 });
  expect(find('licensed', 'share').value).toBe(0.75);
  expect(find('version', 'count', '1.1').value).toBe(DEVICES);
  expect(find('pair', 'count', '1.1 | linux').value).toBe(200);
  expect(find('pair', 'count', '1.1 | other').value).toBe(200);
  expect(find('model', 'count', 'c').value).toBe(DEVICES);
  expect(find('model', 'count', 'other').value).toBe(0);
  expect(find('features', 'count', 'print').value).toBe(DEVICES);
  expect(find('disk', 'total')).toMatchObject({ value: 800, unit: 'GB' });
  expect(find('heat', 'mean')).toMatchObject({ value: -3, unit: 'C' });
  expect(find('load', 'variance')).toMatchObject({ value: 0, unit: '(1)^2' });
  expect(find('start', 'count', '[0,2.5)').value).toBe(DEVICES);
  expect(find('start', 'count', '[2.5,9]').value).toBe(0);
  expect(find('latency', 'quantile', '0.5').unit).toBe('ms');
});

it('are told apart by metric, statistic and category, and explained by the dictionary', () => {
  const keys = rows.map(({ kind, metric, statistic, category }) =>
    [kind, metric, statistic, category].join('\u0000'),
  );
  expect(new Set(keys).size).toBe(keys.length);
  const explained = new Map(
    dictionaryOf(manifest).metrics.map(({ name, statistics }) => [
      name,
      new Set(statistics.map((each) => each.name)),
    ]),
  );
  for (const { metric, statistic } of rows) {
    if (metric !== null) expect(explained.get(metric)).toContain(statistic);
  }
});

it('say of what is held back that it is, and no number', () => {
  const strict = everyKind({ minRespondents: DEVICES });
  const few = estimatesOf({ ...strict, minRespondents: DEVICES + 1 });
  const held = closedRows(FACTS, few).filter(({ metric }) => metric !== null);
  expect(held).toHaveLength(manifest.metrics.length);
  for (const row of held) {
    expect(row).toMatchObject({ suppressed: true, reason: 'too-few-respondents', value: null });
  }
  expect(silentRow(FACTS, 'too-few')).toMatchObject({
    ...{ state: 'too-few', suppressed: true, reason: 'too-few-survivors', value: null },
  });
});

it('hold no group, lane or number that the role may not read', () => {
  const task = makeTask(freshKeys(), {
    manifest: {
      groups: manifest.groups,
      metrics: narrowed(),
      cohort: { min: 3, target: 5, max: 5 },
    },
  });
  const of = estimatesOf({ ...manifest, metrics: narrowed() });
  const spoiled = { ...of, implausible: task.layout.lanes.map(({ label }) => label) };
  const { estimates, withheld } = readableResult('analyst', task, spoiled);
  expect(withheld).toEqual(manifest.metrics.slice(6).map(({ name }) => name));
  expect(Object.keys(estimates.groups)).toEqual(['basic']);
  expect(Object.keys(estimates.metrics)).toHaveLength(6);
  const text = JSON.stringify(estimates);
  for (const never of ['extra', ...withheld]) expect(text).not.toContain(`"${never}`);
  expect(estimates.implausible.length).toBeGreaterThan(6);
  expect(readableResult('operator', task, spoiled).estimates).toMatchObject({
    ...{ groups: {}, metrics: {}, implausible: [] },
  });
});

/** The metrics of the group `extra` are not for analysts. */
function narrowed(): Manifest['metrics'] {
  return manifest.metrics.map((metric) =>
    metric.group === 'extra' ? { ...metric, access: ['auditor'] } : metric,
  );
}
