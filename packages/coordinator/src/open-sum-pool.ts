/**
 * Taking masks off away from the event loop, in one worker thread that is started when first needed.
 * Knows: threads. Doesn't know: what a job says. Invariant: every job is answered or rejected once.
 */
import { Worker } from 'node:worker_threads';
import { InternalError } from '@onlysum/crypto';
import type { OpenJob, OpenOutcome } from '@onlysum/protocol';
import type { Logger } from 'pino';
import { errorFields } from './log.js';
import { wipeJob } from './wipe-job.js';

export interface WorkerSettings {
  readonly suiteName: 'portable' | 'native';
}

export interface WorkerJob {
  readonly id: number;
  readonly job: OpenJob;
}

export interface WorkerAnswer {
  readonly id: number;
  readonly outcome: OpenOutcome;
}

export interface SumOpener {
  /**
   * @param job - consumed: its secrets and its sum are wiped when this settles.
   * @throws {InternalError} `internal` if the worker failed twice on this job, or was closed.
   */
  open(job: OpenJob): Promise<OpenOutcome>;
  close(): Promise<void>;
}

interface Pending {
  readonly job: OpenJob;
  readonly resolve: (outcome: OpenOutcome) => void;
  readonly reject: (error: InternalError) => void;
  attempts: number;
}

/** A worker that dies once may have run out of memory; one that dies twice on a job has a bug. */
const MOST_ATTEMPTS = 2;

export function sumOpener(
  suiteName: WorkerSettings['suiteName'],
  log: Logger,
  file: URL = workerFile(),
): SumOpener {
  const pending = new Map<number, Pending>();
  let worker: Worker | undefined;
  let nextId = 0;
  let isClosed = false;

  const start = (): Worker => {
    const workerData: WorkerSettings = { suiteName };
    const started = new Worker(file, { workerData });
    started.on('message', ({ id, outcome }: WorkerAnswer) => {
      pending.get(id)?.resolve(outcome);
      pending.delete(id);
    });
    let cause: unknown;
    started.on('error', (error) => {
      cause = error;
    });
    started.on('exit', () => {
      if (worker === started) worker = undefined;
      onExit(cause);
    });
    return started;
  };

  /** Jobs run in order, so only the first can be at fault; the others are given anew. */
  const onExit = (cause: unknown): void => {
    const first = pending.entries().next().value;
    if (isClosed || first === undefined) return rejectAll('the coordinator closed');
    log.error(errorFields(cause), 'the worker that opens sums ended');
    const [id, entry] = first;
    if (entry.attempts >= MOST_ATTEMPTS) {
      pending.delete(id);
      entry.reject(new InternalError('internal', 'the worker that opens sums failed', { cause }));
    }
    for (const [otherId, other] of pending) post(otherId, other, other === entry);
  };

  const rejectAll = (why: string): void => {
    for (const { reject } of pending.values()) reject(new InternalError('internal', why));
    pending.clear();
  };

  const post = (id: number, entry: Pending, isNewAttempt: boolean): void => {
    if (isNewAttempt) entry.attempts++;
    worker ??= start();
    const message: WorkerJob = { id, job: entry.job };
    worker.postMessage(message);
  };

  return {
    open: (job) => {
      const outcome = new Promise<OpenOutcome>((resolve, reject) => {
        if (isClosed) return reject(new InternalError('internal', 'the coordinator closed'));
        const id = nextId++;
        const entry: Pending = { job, resolve, reject, attempts: 0 };
        pending.set(id, entry);
        post(id, entry, true);
      });
      return outcome.finally(() => wipeJob(job));
    },
    close: async () => {
      isClosed = true;
      rejectAll('the coordinator closed');
      await worker?.terminate();
    },
  };
}

/** The built file also when the sources run (tests): a worker thread loads no TypeScript. */
function workerFile(): URL {
  const isSource = import.meta.url.endsWith('.ts');
  return new URL(`${isSource ? '../dist' : '.'}/open-sum-worker.js`, import.meta.url);
}
