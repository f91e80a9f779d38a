import type { RoundResult } from '@onlysum/protocol';
import { compileLayout, type Task } from '@onlysum/task';
import { expect, test } from 'vitest';
import { everyKind } from '../../../test/metrics/every-kind.js';
import { sumOf } from '../../../test/metrics/sum.js';
import { publishedResult, roundSum } from './published-result.js';

const bytes = new Uint8Array(32);
const cost = { bytesIn: 1, bytesOut: 2, gatherMs: 3, roundMs: 4, cpuMs: 5 };

test('lanes of what too few devices gave are not in it', () => {
  const manifest = everyKind({ minRespondents: 3 });
  const layout = compileLayout(manifest);
  const crash = { values: { licensed: true, crashes: 2, start: 1 }, declines: '' };
  const lanes = sumOf(manifest, [crash, crash, { ...crash, declines: 'extra' }]);
  const result = {
    window: { index: 1 },
    facts: { round: bytes, incarnation: 1, n: 4, k: 3, t: 2, seed: bytes, root: bytes },
    devices: 4,
    survivors: 3,
    lanes,
    dropped: [{ stage: 'masked-input', code: 'silent' }],
    silent: [],
    inconsistent: [],
    atFault: [],
    rosterSignature: bytes,
    sharedSet: bytes,
    sharedSetSignature: bytes,
    survivorSet: bytes,
    survivorSetSignature: bytes,
  } as unknown as RoundResult;
  const task = { manifest, layout, taskId: bytes } as unknown as Task;
  const published = publishedResult(task, roundSum(task, result, cost, 7));
  const shown = layout.lanes.filter(({ index }) => published.lanes[index] !== null);
  expect(shown.map(({ label }) => label)).toEqual([
    'basic.respondents',
    'licensed.value',
    'licensed.reported',
  ]);
  expect(shown.map(({ index }) => published.lanes[index])).toEqual([3, 3, 3]);
  expect(published.estimates.groups['extra']).toEqual({
    suppressed: { reason: 'too-few-respondents', required: 3 },
  });
  expect(published.estimates.metrics['licensed']).toMatchObject({ yes: { value: 3 } });
});
