import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { OpenJob } from '@onlysum/protocol';
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { type SumOpener, sumOpener } from './open-sum-pool.js';

const log = pino({ level: 'silent' });
let opener: SumOpener | undefined;
let directory: string | undefined;

afterEach(async () => {
  await opener?.close();
  if (directory !== undefined) await rm(directory, { recursive: true });
  directory = undefined;
});

/** A job without masks: the sum is what it is. */
function plainJob(value: number): OpenJob {
  const lane = {
    index: 0,
    metric: 'm',
    group: 'g',
    role: 'value' as const,
    label: 'm.value',
    bound: 100,
    tail: 0,
    width: 16,
  };
  return {
    lanes: [lane],
    sum: Uint32Array.of(value),
    context: new Uint8Array(32),
    context2: new Uint8Array(32),
    threshold: 2,
    selfSeeds: [],
    pairs: [],
    silent: [],
    dropped: [],
  };
}

/** A worker that ends itself on its first `deaths` messages, counted in a file. */
async function mortalWorker(deaths: number): Promise<URL> {
  directory = await mkdtemp(join(tmpdir(), 'onlysum-worker-'));
  const file = join(directory, 'worker.mjs');
  const counter = JSON.stringify(join(directory, 'count'));
  await writeFile(
    file,
    `import { parentPort } from 'node:worker_threads';
     import { appendFileSync, readFileSync } from 'node:fs';
     parentPort.on('message', ({ id, job }) => {
       appendFileSync(${counter}, '.');
       if (readFileSync(${counter}).length <= ${deaths}) process.exit(1);
       parentPort.postMessage({ id, outcome: { kind: 'sum', lanes: [...job.sum] } });
     });`,
  );
  return pathToFileURL(file);
}

describe('the worker that opens sums', () => {
  it.each(['native', 'portable'] as const)('answers each job, with the %s suite', async (suite) => {
    opener = sumOpener(suite, log);
    const values = [1, 2, 3, 65_535];
    const outcomes = await Promise.all(values.map((value) => opener!.open(plainJob(value))));
    expect(outcomes).toEqual(
      values.map((value) => ({ kind: 'sum', lanes: [value], inconsistent: [] })),
    );
  });

  it('leaves no secret of a job behind', async () => {
    opener = sumOpener('native', log, await mortalWorker(0));
    const secret = () => new Uint8Array(32).fill(7);
    const job: OpenJob = {
      ...plainJob(9),
      selfSeeds: [{ index: 0, b: secret() }],
      pairs: [{ survivor: 0, dropped: 1, p: secret() }],
      silent: [{ index: 2, commitment: secret(), shares: [{ x: 1, share: secret() }] }],
      dropped: [
        { end: { index: 3, s: secret() }, shares: [{ x: 1, share: secret() }], partners: [] },
      ],
    };
    expect(await opener.open(job)).toEqual({ kind: 'sum', lanes: [9] });
    const zeros = new Uint8Array(32);
    expect(job.sum).toEqual(Uint32Array.of(0));
    expect(job.selfSeeds[0]!.b).toEqual(zeros);
    expect(job.pairs[0]!.p).toEqual(zeros);
    expect(job.silent[0]!.shares[0]!.share).toEqual(zeros);
    expect(job.dropped[0]!.shares[0]!.share).toEqual(zeros);
  });

  it('starts again when it dies, and loses no job', async () => {
    opener = sumOpener('native', log, await mortalWorker(1));
    const outcomes = await Promise.all([1, 2, 3].map((value) => opener!.open(plainJob(value))));
    expect(outcomes).toEqual([1, 2, 3].map((value) => ({ kind: 'sum', lanes: [value] })));
  });

  it('gives up on a job that kills it twice, and goes on with the next', async () => {
    opener = sumOpener('native', log, await mortalWorker(2));
    const [first, second] = await Promise.allSettled([
      opener.open(plainJob(1)),
      opener.open(plainJob(2)),
    ]);
    expect(first).toMatchObject({ status: 'rejected', reason: { code: 'internal' } });
    expect(second).toMatchObject({ status: 'fulfilled', value: { lanes: [2] } });
  });

  it('rejects what is open when it closes, and what comes afterwards', async () => {
    opener = sumOpener('native', log);
    const job = opener.open(plainJob(1));
    const closed = opener.close();
    await expect(job).rejects.toMatchObject({ code: 'internal' });
    await closed;
    await expect(opener.open(plainJob(1))).rejects.toMatchObject({ code: 'internal' });
  });
});
