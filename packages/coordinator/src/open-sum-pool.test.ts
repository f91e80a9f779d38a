import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { LABELS, encodeLabelled, splitSecret, unsafeSeededRng } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import { type OpenJob, openSum } from '@onlysum/protocol';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type SumOpener, sumOpener } from './open-sum-pool.js';

const log = pino({ level: 'silent' });
let opener: SumOpener | undefined;
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'onlysum-worker-'));
});

afterEach(async () => {
  await opener?.close();
  await rm(directory, { recursive: true });
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
    noise: undefined,
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

const SILENT = 50_000;

/** Work for `parts` parts: masks of two kinds, and shares of one silent device, the third one wrong. */
function largeJob(parts: number): OpenJob {
  const rng = unsafeSeededRng('large job');
  const [context2, b] = [rng(32), rng(32)];
  const count = 800 * parts;
  const shares = splitSecret(b, 2, [1, 2, 3, 4], rng);
  shares[2]?.fill(1);
  const commitment = encodeLabelled(LABELS.selfCommitment, context2, SILENT, b);
  return {
    ...plainJob(12_345),
    context2,
    selfSeeds: Array.from({ length: count }, (_, index) => ({ index, b: rng(32) })),
    pairs: Array.from({ length: count }, (_, survivor) => ({
      survivor,
      dropped: 60_000,
      p: rng(32),
    })),
    silent: [
      {
        index: SILENT,
        commitment: nativeSuite.sha256(commitment),
        shares: shares.map((share, i) => ({ x: i + 1, share })),
      },
    ],
  };
}

const plainSum = (value: number) => ({ kind: 'sum', lanes: [value], inconsistent: [] });

async function writeWorker(code: string): Promise<URL> {
  const file = join(directory, 'worker.mjs');
  await writeFile(file, code);
  return pathToFileURL(file);
}

/**
 * A worker that takes no mask off, but does `onPart`. There, `note(text)` gives all lines that any worker
 * has noted until then, this one included, and `firstSeed` is the index of the part's first self seed.
 */
function scriptedWorker(onPart: string): Promise<URL> {
  const notes = JSON.stringify(join(directory, 'notes'));
  return writeWorker(
    `import { parentPort, threadId } from 'node:worker_threads';
     import { appendFileSync, openSync, readFileSync } from 'node:fs';
     const makes = (file) => {
       try {
         openSync(file, 'wx');
         return true;
       } catch {
         return false;
       }
     };
     const note = (text) => {
       appendFileSync(${notes}, text + ';');
       return readFileSync(${notes}, 'utf8').split(';').slice(0, -1);
     };
     const answer = () =>
       parentPort.postMessage({ kind: 'unmasking', unmasking: new Uint32Array(1), inconsistent: [] });
     parentPort.on('message', ({ numbers: [seeds, first] }) => {
       const firstSeed = seeds > 0 ? first : undefined;
       ${onPart}
     });`,
  );
}

async function notes(): Promise<string[]> {
  return (await readFile(join(directory, 'notes'), 'utf8')).split(';').slice(0, -1);
}

/** A worker that ends itself on `deaths` parts: whoever makes one of so many files, which one alone can. */
function mortalWorker(deaths: number): Promise<URL> {
  const death = JSON.stringify(join(directory, 'death'));
  return scriptedWorker(
    `note('part');
     for (let i = 0; i < ${deaths}; i++) if (makes(${death} + i)) process.exit(1);
     answer();`,
  );
}

describe('the workers that open sums', () => {
  it.each(['native', 'portable'] as const)('answer each job, with the %s suite', async (suite) => {
    opener = sumOpener(suite, log);
    const values = [1, 2, 3, 65_535];
    const outcomes = await Promise.all(values.map((value) => opener!.open(plainJob(value))));
    expect(outcomes).toEqual(values.map(plainSum));
  });

  it('give what one thread gives, several at a job', async () => {
    opener = sumOpener('native', log, undefined, 3);
    const expected = openSum(nativeSuite, largeJob(3));
    expect(expected).toMatchObject({ inconsistent: [{ dealer: SILENT, holder: 2 }] });
    const outcomes = [opener.open(largeJob(3)), opener.open(plainJob(7)), opener.open(largeJob(3))];
    expect(await Promise.all(outcomes)).toEqual([expected, plainSum(7), expected]);
  });

  it('leave no secret of a job behind', async () => {
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
    expect(await opener.open(job)).toEqual(plainSum(9));
    const zeros = new Uint8Array(32);
    expect(job.sum).toEqual(Uint32Array.of(0));
    expect(job.selfSeeds[0]!.b).toEqual(zeros);
    expect(job.pairs[0]!.p).toEqual(zeros);
    expect(job.silent[0]!.shares[0]!.share).toEqual(zeros);
    expect(job.dropped[0]!.shares[0]!.share).toEqual(zeros);
  });

  it('are as many as a job has work for, and serve the next', async () => {
    opener = sumOpener('native', log, await scriptedWorker('note(threadId); answer();'), 3);
    for (const value of [1, 2, 3]) await opener.open(plainJob(value));
    expect(new Set(await notes()).size).toBe(1);
    await opener.open(largeJob(2));
    expect(new Set(await notes()).size).toBe(2);
    await opener.open(largeJob(9));
    const threads = await notes();
    expect(threads).toHaveLength(3 + 2 + 3);
    expect(new Set(threads).size).toBe(3);
  });

  it.each([1, 2])('start again when they die, and lose no job (%i at once)', async (threads) => {
    opener = sumOpener('native', log, await mortalWorker(1), threads);
    const outcomes = await Promise.all([1, 2, 3].map((value) => opener!.open(plainJob(value))));
    expect(outcomes).toEqual([1, 2, 3].map(plainSum));
    expect(await notes()).toHaveLength(4);
  });

  it('give what one thread gives, though one dies before it tells what it did', async () => {
    const real = new URL('../dist/open-sum-worker.js', import.meta.url).href;
    // Of the two that are started first, the one that can create the file.
    const worker = await writeWorker(
      `import { openSync } from 'node:fs';
       import { parentPort } from 'node:worker_threads';
       try {
         openSync(${JSON.stringify(join(directory, 'mortal'))}, 'wx');
         parentPort.postMessage = () => process.exit(1);
       } catch {}
       await import(${JSON.stringify(real)});`,
    );
    opener = sumOpener('native', log, worker, 2);
    expect(await opener.open(largeJob(2))).toEqual(openSum(nativeSuite, largeJob(2)));
  });

  it('give up on a job that kills them twice, and go on with the next', async () => {
    opener = sumOpener('native', log, await mortalWorker(2), 1);
    const [first, second] = await Promise.allSettled([
      opener.open(plainJob(1)),
      opener.open(plainJob(2)),
    ]);
    expect(first).toMatchObject({ status: 'rejected', reason: { code: 'internal' } });
    expect(second).toMatchObject({ status: 'fulfilled', value: { lanes: [2] } });
  });

  it('try only the part again that killed them, and wipe its job when they give up', async () => {
    const onPart = 'note(firstSeed); if (firstSeed === 0) process.exit(1); answer();';
    opener = sumOpener('native', log, await scriptedWorker(onPart), 2);
    const job = largeJob(2);
    const [first, second] = await Promise.allSettled([opener.open(job), opener.open(plainJob(3))]);
    expect(first).toMatchObject({ status: 'rejected', reason: { code: 'internal' } });
    expect(second).toMatchObject({ status: 'fulfilled', value: { lanes: [3] } });
    expect((await notes()).toSorted()).toEqual(['0', '0', '800', 'undefined']);
    for (const { b } of job.selfSeeds) expect(b).toEqual(new Uint8Array(32));
    expect(job.sum).toEqual(Uint32Array.of(0));
  });

  it('reject what is open when they close, and what comes afterwards', async () => {
    opener = sumOpener('native', log, undefined, 1);
    const jobs = [opener.open(plainJob(1)), opener.open(largeJob(2))];
    const closed = opener.close();
    for (const job of jobs) await expect(job).rejects.toMatchObject({ code: 'internal' });
    await closed;
    await expect(opener.open(plainJob(1))).rejects.toMatchObject({ code: 'internal' });
  });
});
