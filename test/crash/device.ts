/** A device that takes part in every window, whatever becomes of the servers. The shipped client. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, createClient, memoryStore, nodeTransport } from '@onlysum/client/node';
import { type CrashTask, METRIC, nameOf } from './crash-task.js';
import type { Witness } from './witness.js';

const FLOOR = { minHonest: 2, maxDevices: 1000, minCorrupt: 1, minPopulation: 0 };
const PAUSE_MS = 100;

interface Metrics {
  readonly [METRIC]: string;
}

export class CrashDevice {
  readonly #index: number;
  readonly #client: Client<Metrics>;
  readonly #witness: Witness;
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;

  private constructor(index: number, client: Client<Metrics>, witness: Witness) {
    this.#index = index;
    this.#client = client;
    this.#witness = witness;
  }

  static async enrolled(
    index: number,
    code: string,
    { signed, publisherKey }: CrashTask,
    registrarUrl: string,
    witness: Witness,
  ): Promise<CrashDevice> {
    const client = await createClient<Metrics>({
      ...{ manifest: signed, publisherKey, registrarUrl, floor: FLOOR, store: memoryStore() },
      transport: witness.transport(nodeTransport),
    });
    await client.enrol(code);
    return new CrashDevice(index, client, witness);
  }

  start(): void {
    this.#running = this.#run();
  }

  /** @returns how many of its submissions are in a sum. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    await this.#client.close();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    const { lengthMs } = this.#client.task.manifest.window;
    while (!signal.aborted) {
      this.#client.record(METRIC, nameOf(this.#index));
      try {
        const options = { signal, attempts: 1, timeoutMs: 2 * lengthMs };
        const { round, included } = await this.#client.submit(options);
        if (included) this.#witness.include(this.#index, round);
      } catch {
        // A server that was killed, a window that is taken: the store is asked afterwards.
      }
      await sleep(PAUSE_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}
