/** The worker thread that takes masks off: one job in, one outcome out. Secrets of a job end here. */
import { parentPort, workerData } from 'node:worker_threads';
import { portableSuite, wipe } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import { openSum } from '@onlysum/protocol';
import type { WorkerAnswer, WorkerJob, WorkerSettings } from './open-sum-pool.js';

const { suiteName } = workerData as WorkerSettings;
const suite = suiteName === 'portable' ? portableSuite : nativeSuite;

parentPort?.on('message', ({ id, job }: WorkerJob) => {
  const outcome = openSum(suite, job);
  wipe(job.sum, ...job.selfSeeds.map(({ b }) => b), ...job.pairs.map(({ p }) => p));
  const answer: WorkerAnswer = { id, outcome };
  parentPort?.postMessage(answer);
});
