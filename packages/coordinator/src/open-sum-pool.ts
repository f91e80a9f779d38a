/**
 * Taking masks off away from the event loop, in worker threads that are started when first needed.
 * Knows: threads, which part each is at. Doesn't know: what a part says.
 * Invariant: a thread is at one part at a time; every part is answered or rejected once.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { InternalError, wipe } from '@onlysum/crypto';
import {
  type OpenJob,
  type OpenOutcome,
  type OpenPart,
  type PartOutcome,
  mergeParts,
  splitOpenJob,
  wipeRecovered,
} from '@onlysum/protocol';
import type { Logger } from 'pino';
import { errorFields } from './log.js';
import { packPart } from './pack-part.js';
import { partCount } from './part-count.js';
import { wipeJob } from './wipe-job.js';

export interface WorkerSettings {
  readonly suiteName: 'portable' | 'native';
}

export interface SumOpener {
  /**
   * @param job - consumed: its secrets and its sum are wiped when this settles.
   * @throws {InternalError} `internal` if workers failed twice on a part of this job, or were closed.
   */
  open(job: OpenJob): Promise<OpenOutcome>;
  close(): Promise<void>;
}

interface Pending {
  readonly part: OpenPart;
  readonly resolve: (outcome: PartOutcome) => void;
  readonly reject: (error: InternalError) => void;
  attempts: number;
}

/** A worker that dies once may have run out of memory; one that dies twice on a part has a bug. */
const MOST_ATTEMPTS = 2;
/** Each thread holds 20 MB and, for a while, as many lanes as the sum has. */
const MOST_THREADS = 8;

/** @param threads - most worker threads at once, 1 or more. */
export function sumOpener(
  suiteName: WorkerSettings['suiteName'],
  log: Logger,
  file: URL = workerFile(),
  threads = Math.min(availableParallelism(), MOST_THREADS),
): SumOpener {
  const waiting: Pending[] = [];
  const busy = new Map<Worker, Pending>();
  const idle: Worker[] = [];
  let isClosed = false;

  const start = (): Worker => {
    const workerData: WorkerSettings = { suiteName };
    const worker = new Worker(file, { workerData });
    worker.on('message', (outcome: PartOutcome) => {
      const pending = busy.get(worker);
      // Closed meanwhile: nobody waits for it.
      if (pending === undefined) return wipeOutcome(outcome);
      busy.delete(worker);
      idle.push(worker);
      pending.resolve(outcome);
      dispatch();
    });
    let cause: unknown;
    worker.on('error', (error) => {
      cause = error;
    });
    worker.on('exit', () => onExit(worker, cause));
    return worker;
  };

  const onExit = (worker: Worker, cause: unknown): void => {
    if (isClosed) return;
    log.error(errorFields(cause), 'a worker that opens sums ended');
    if (idle.includes(worker)) idle.splice(idle.indexOf(worker), 1);
    const pending = busy.get(worker);
    busy.delete(worker);
    if (pending !== undefined) {
      if (pending.attempts < MOST_ATTEMPTS) waiting.unshift(pending);
      else pending.reject(new InternalError('internal', 'workers failed on a part', { cause }));
    }
    dispatch();
  };

  /** Hands out parts as long as there are both parts and threads. */
  const dispatch = (): void => {
    while (waiting.length > 0 && (idle.length > 0 || busy.size < threads)) {
      const pending = waiting.shift()!;
      const packed = packPart(pending.part);
      const worker = idle.pop() ?? start();
      busy.set(worker, pending);
      pending.attempts++;
      worker.postMessage(packed, [packed.numbers.buffer, packed.secrets.buffer]);
    }
  };

  const openPart = (part: OpenPart): Promise<PartOutcome> =>
    new Promise((resolve, reject) => {
      if (isClosed) return reject(closedError());
      waiting.push({ part, resolve, reject, attempts: 0 });
      dispatch();
    });

  const open = async (job: OpenJob): Promise<OpenOutcome> => {
    const parts = splitOpenJob(job, partCount(job, threads));
    // Parts read the job until they settle, so all of them are waited for before it is wiped.
    const settled = await Promise.allSettled(parts.map(openPart));
    const outcomes = settled.flatMap((part) => (part.status === 'fulfilled' ? [part.value] : []));
    try {
      const failed = settled.find((part) => part.status === 'rejected');
      if (failed === undefined) return mergeParts(job, outcomes);
      outcomes.forEach(wipeOutcome);
      throw failed.reason;
    } finally {
      wipeJob(job);
    }
  };

  return {
    open,
    close: async () => {
      isClosed = true;
      const workers = [...idle, ...busy.keys()];
      for (const { reject } of [...busy.values(), ...waiting]) reject(closedError());
      busy.clear();
      waiting.length = 0;
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}

function closedError(): InternalError {
  return new InternalError('internal', 'the coordinator closed');
}

function wipeOutcome(outcome: PartOutcome): void {
  if (outcome.kind !== 'unmasking') return;
  wipe(outcome.unmasking);
  wipeRecovered(outcome.recovered);
}

/** The built file also when the sources run (tests): a worker thread loads no TypeScript. */
function workerFile(): URL {
  const isSource = import.meta.url.endsWith('.ts');
  return new URL(`${isSource ? '../dist' : '.'}/open-sum-worker.js`, import.meta.url);
}
