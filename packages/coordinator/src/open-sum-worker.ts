/** The worker thread that takes masks off: one job in, one outcome out. Secrets of a job end here. */
import { parentPort, workerData } from 'node:worker_threads';
import { portableSuite } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import { openSum } from '@onlysum/protocol';
import type { WorkerAnswer, WorkerJob, WorkerSettings } from './open-sum-pool.js';
import { wipeJob } from './wipe-job.js';

const { suiteName } = workerData as WorkerSettings;
const suite = suiteName === 'portable' ? portableSuite : nativeSuite;

parentPort?.on('message', ({ id, job }: WorkerJob) => {
  const outcome = openSum(suite, job);
  wipeJob(job);
  const answer: WorkerAnswer = { id, outcome };
  parentPort?.postMessage(answer);
});
