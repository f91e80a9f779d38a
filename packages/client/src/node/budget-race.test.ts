/** Processes of one device that race for what is left of its privacy budget: real files, real processes. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { fileStore } from './file-store.js';

// Other processes run the build, as they would in a product.
const build = (file: string): string => new URL(`../../dist/${file}`, import.meta.url).href;
const root = mkdtempSync(join(tmpdir(), 'onlysum-budget-'));
afterAll(() => rm(root, { recursive: true, force: true }));

const WINDOWS = 12;

/** A twin task of its own, `WINDOWS` windows of which it tries one after the other, each for a pure 0.1 of 1. */
const SOURCE = `
  import { pureCost } from ${JSON.stringify(new URL('../../../task/dist/index.js', import.meta.url).href)};
  import { fileStore } from ${JSON.stringify(build('node/file-store.js'))};
  import { reserve } from ${JSON.stringify(build('reservation.js'))};
  const [path, twin] = process.argv.slice(1);
  const store = fileStore(path);
  const publisher = new Uint8Array(32).fill(1);
  const budget = { epsilon: 1, delta: 0, days: 30 };
  for (let index = 0; index < ${WINDOWS}; index++) {
    const times = { windowStartMs: index * 1000, windowEndMs: (index + 1) * 1000 };
    const round = new Uint8Array(16).fill(index);
    const wanted = { publisher, metrics: [twin], ...times, incarnation: 0, round };
    const charge = {
      ...times, windows: 1, task: twin, cost: pureCost(0.1), lengthMs: 1000,
      mechanism: 'discrete-laplace', epsilon: 0.1, delta: 0, budget,
    };
    const entry = {
      kind: 'sent',
      task: { name: twin, version: 1, taskId: '00'.repeat(32), publisher: '00'.repeat(32) },
      window: { index, startMs: times.windowStartMs, endMs: times.windowEndMs, epoch: 0 },
      round: '00'.repeat(16), sentAtMs: 0, groups: [], values: {}, keepUntilMs: 1,
    };
    const outcome = await store.update((record) =>
      reserve(record, wanted, '11'.repeat(32), charge, entry));
    console.log(outcome);
  }
`;

it('only one of them gets the last of it', async () => {
  const path = join(root, 'device');
  const outputs = await Promise.all(
    ['one', 'two', 'three'].map(async (twin) => {
      const args = ['--input-type=module', '-e', SOURCE, path, twin];
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      let output = '';
      child.stdout.on('data', (chunk: Buffer) => {
        output += chunk.toString();
      });
      const [code] = await once(child, 'close');
      expect(code).toBe(0);
      return output.trim().split('\n');
    }),
  );
  const outcomes = outputs.flat();
  expect(outcomes).toHaveLength(3 * WINDOWS);
  expect(outcomes.filter((outcome) => outcome === 'reserved')).toHaveLength(10);
  expect(outcomes.filter((outcome) => outcome === 'budget-spent')).toHaveLength(3 * WINDOWS - 10);
  const { privacySpent } = await fileStore(path).read();
  expect(Object.values(privacySpent).flat()).toHaveLength(10);
});
