import { compileLayout, type Task } from '@onlysum/task';
import { expect, it } from 'vitest';
import { everyKind } from '../../../test/metrics/every-kind.js';
import { sumOf } from '../../../test/metrics/sum.js';
import type { RoundSum } from './published-result.js';
import { windowTotal } from './window-report.js';

const manifest = everyKind({ minRespondents: 3 });
const layout = compileLayout(manifest);
const task = { manifest, layout, taskId: new Uint8Array(32) } as unknown as Task;
const EXTRA = 'extra';
const crashed = { values: { crashes: 2 }, declines: '' };
const silent = { values: {}, declines: '' };

function round(name: string, devices: readonly (typeof crashed | typeof silent)[]): RoundSum {
  const lanes = sumOf(manifest, devices);
  return {
    round: name,
    devices: devices.length,
    survivors: devices.length,
    lanes,
  } as unknown as RoundSum;
}

it('adds up rounds that are too small to be shown alone', () => {
  const two = [crashed, crashed, silent];
  const total = windowTotal(task, [round('a', two), round('b', two)]);
  expect(total).toMatchObject({ rounds: ['a', 'b'], devices: 6, survivors: 6 });
  expect(total.estimates.metrics['crashes']).toMatchObject({
    total: { value: 8 },
    reported: { value: 4 },
  });
});

it('hides what the rounds that are shown would give away of the others', () => {
  const shown = round('a', [crashed, crashed, crashed]);
  const hiding = round('b', [crashed, crashed, silent]);
  const given = windowTotal(task, [shown, hiding]);
  expect(given.estimates.metrics['crashes']).toMatchObject({ suppressed: { required: 3 } });
  const lanes = layout.lanes.filter(({ metric }) => metric === 'crashes');
  for (const { index } of lanes) expect(given.lanes[index]).toBeNull();
  const two = windowTotal(task, [shown, hiding, round('c', [crashed, silent, silent])]);
  expect(two.estimates.metrics['crashes']).toMatchObject({ total: { value: 12 } });
});

it('hides the respondents of a group that the rounds that are shown would give away', () => {
  const declining = { values: { crashes: 2 }, declines: EXTRA };
  const shown = round('a', [crashed, crashed, crashed]);
  const hiding = round('b', [crashed, crashed, declining]);
  const given = windowTotal(task, [shown, hiding]);
  expect(given.estimates.groups[EXTRA]).toMatchObject({ suppressed: { required: 3 } });
  const { groups } = windowTotal(task, [
    shown,
    hiding,
    round('c', [crashed, declining, declining]),
  ]).estimates;
  expect(groups[EXTRA]).toMatchObject({ respondents: { value: 6 } });
});

it('has no metric that a round has lost', () => {
  const first = round('a', [crashed, crashed, crashed]);
  const lost = new Set(
    layout.lanes.filter(({ metric }) => metric === 'crashes').map(({ index }) => index),
  );
  const second = { ...first, lanes: first.lanes.map((lane, i) => (lost.has(i) ? null : lane)) };
  const { metrics } = windowTotal(task, [first, second]).estimates;
  expect(metrics).not.toHaveProperty('crashes');
  expect(metrics).toHaveProperty('licensed');
});
