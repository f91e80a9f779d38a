/**
 * The workers as one: their devices set up, enrolled, told to submit, dropped and counted.
 * Knows: worker processes and their messages. Doesn't know: registrar, coordinator, results.
 */
import { RoundError } from '@onlysum/crypto';
import type { DeviceRecord } from './check.js';
import type { Child, Children } from './children.js';
import type { DevicePlan, DeviceReport, FromWorker, ToWorker } from './worker-messages.js';
import type { WorkerSetup } from './worker-messages.js';

/** Twice the cores that a small machine has: some share a core, as devices on a host would not. */
const SHARED_WORKERS = 4;

/** When a round fails, all of its devices do, for one reason. */
const MOST_TOLD = 3;

export type FleetSetup = Omit<WorkerSetup, 'devices'>;

export interface FleetEvents {
  onProgress(text: string): void;
  /** A worker cannot go on. */
  onFailure(error: Error): void;
}

/** @returns the devices of each worker: one that is to be killed has a process of its own. */
export function shareOut(plans: readonly DevicePlan[]): (readonly DevicePlan[])[] {
  const alone = plans.filter(({ drop }) => drop?.how === 'kill');
  const rest = plans.filter((plan) => !alone.includes(plan));
  const workers = Math.min(SHARED_WORKERS, rest.length);
  const shared = Array.from({ length: workers }, (_, worker) =>
    rest.filter((_plan, i) => i % workers === worker),
  );
  return [...shared, ...alone.map((plan) => [plan])];
}

export class Fleet {
  readonly records: readonly DeviceRecord[];
  readonly reports: DeviceReport[] = [];
  /** Of the workers that lived to the end, and how many devices they had. */
  workerCpuMs = 0;
  workerDevices = 0;
  readonly #workers: readonly { readonly child: Child; readonly devices: readonly DevicePlan[] }[];
  readonly #events: FleetEvents;
  readonly #booted = counter();
  readonly #enrolled = counter();
  readonly #seated = counter();
  readonly #masked = counter();
  readonly #ended = counter();

  /** Starts the processes; the devices come to life in {@link enrol}. */
  constructor(plans: readonly DevicePlan[], children: Children, events: FleetEvents) {
    this.#events = events;
    this.records = plans.map(({ index }) => ({
      index,
      lanes: undefined,
      place: undefined,
      vector: undefined,
    }));
    const module = new URL('./worker.js', import.meta.url);
    this.#workers = shareOut(plans).map((devices, i) => {
      const child = children.worker(`worker ${i + 1}`, module);
      child.process.on('message', (message: FromWorker) => this.#heard(child, devices, message));
      return { child, devices };
    });
  }

  get processes(): number {
    return this.#workers.length;
  }

  /** Resolves when every device is enrolled. */
  async enrol(setup: FleetSetup): Promise<void> {
    await this.#booted.reaches(this.#workers.length);
    for (const { child, devices } of this.#workers) {
      tell(child, { kind: 'start', setup: { ...setup, devices } });
    }
    await this.#enrolled.reaches(this.records.length);
  }

  /** Resolves when every worker has ended its devices, or was killed as planned. */
  async submit(): Promise<void> {
    for (const { child } of this.#workers) tell(child, { kind: 'submit' });
    await this.#ended.reaches(this.#workers.length);
  }

  #heard(child: Child, devices: readonly DevicePlan[], message: FromWorker): void {
    const { records } = this;
    switch (message.kind) {
      case 'booted':
        return void this.#booted.add();
      case 'enrolled':
        return void this.#enrolled.add();
      case 'input':
        return set(records, message.device, { lanes: message.lanes });
      case 'seated':
        set(records, message.device, { place: message.place });
        if (this.#seated.add() === records.length) {
          this.#events.onProgress(`the registrar attested a roster of ${records.length} devices`);
        }
        return;
      case 'masked':
        set(records, message.device, { vector: message.vector });
        return this.#tellMasked();
      case 'kill-me':
        return this.#kill(child, message.device);
      case 'done':
        this.reports.push(message.report);
        this.#tellProblem(message.report);
        return;
      case 'finished':
        this.workerCpuMs += message.cpuMs;
        this.workerDevices += devices.length;
        child.release();
        child.process.disconnect();
        return void this.#ended.add();
      case 'failed':
        this.#events.onFailure(new RoundError('demo-failed', `${child.name}: ${message.detail}`));
    }
  }

  #tellProblem({ device, problem }: DeviceReport): void {
    if (problem === undefined) return;
    if (this.records.some(({ place }) => place === undefined)) {
      const detail = `device ${device} failed before the round began, which needs all: ${problem}`;
      return this.#events.onFailure(new RoundError('demo-failed', detail));
    }
    const problems = this.reports.filter((report) => report.problem !== undefined).length;
    if (problems > MOST_TOLD) return;
    const more = problems === MOST_TOLD ? '; further ones are not shown' : '';
    this.#events.onProgress(`device ${device} failed: ${problem}${more}`);
  }

  #tellMasked(): void {
    const masked = this.#masked.add();
    const quarter = Math.ceil(this.records.length / 4);
    if (masked % quarter === 0) this.#events.onProgress(`${masked} masked inputs have left`);
  }

  #kill(child: Child, device: number): void {
    child.release();
    child.process.once('exit', () => this.#ended.add());
    child.process.kill('SIGKILL');
    this.#events.onProgress(
      `${child.name} (process ${child.process.pid}) was killed with its device ${device}`,
    );
  }
}

function tell(child: Child, message: ToWorker): void {
  child.process.send(message);
}

function set(records: readonly DeviceRecord[], index: number, told: Partial<DeviceRecord>): void {
  const record = records[index];
  if (record !== undefined) Object.assign(record, told);
}

interface Counter {
  /** @returns the count after it. */
  add(): number;
  /** Resolves once the count is there. One at a time. */
  reaches(goal: number): Promise<void>;
}

function counter(): Counter {
  let count = 0;
  let goal = Number.POSITIVE_INFINITY;
  let arrive = (): void => {};
  return {
    add: () => {
      count++;
      if (count >= goal) arrive();
      return count;
    },
    reaches: (wanted) =>
      new Promise((resolve) => {
        goal = wanted;
        arrive = resolve;
        if (count >= goal) resolve();
      }),
  };
}
