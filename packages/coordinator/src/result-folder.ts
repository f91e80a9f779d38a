/**
 * The folder of results, kept in step with the store: what is deleted there goes here, what an earlier process
 * left undone is made up for. Knows: which files are due. Doesn't know: how they are named or written.
 * Invariant: before the first device comes, every result that was stored since the last clean end has its files,
 * and none that has ended since.
 */
import type { RoundRecord } from '@onlysum/protocol';
import type { Task } from '@onlysum/task';
import type { Logger } from 'pino';
import { errorFields } from './log.js';
import { type PublishedResult, publishedResult } from './published-result.js';
import {
  filesIn,
  removeAbandoned,
  removeResult,
  replaceResult,
  type ResultFile,
  roundFiles,
  windowFile,
} from './results.js';
import { openRound, openSum } from './sealed-sums.js';
import type { ResultSealing } from './sealing.js';
import type { CoordinatorStore } from './store/coordinator-store.js';
import type { StoredResult, WindowName } from './store/records.js';
import { unfinishedFiles } from './unfinished-files.js';
import type { WindowReport } from './window-report.js';
import type { Windows } from './windows.js';

export interface ResultFolderPorts {
  readonly directory: string;
  /** Whether a round record belongs beside each result that has one. */
  readonly exportRounds: boolean;
  readonly store: CoordinatorStore;
  readonly sealing: ResultSealing;
  /** By hex id. */
  readonly tasks: ReadonlyMap<string, Task>;
  readonly windows: Pick<Windows, 'report'>;
  readonly log: Logger;
  readonly write: (result: PublishedResult, record: RoundRecord | undefined) => Promise<void>;
  readonly writeWindow: (report: WindowReport) => Promise<void>;
}

/** A round, with the place of its files. */
interface RoundPlace extends WindowName {
  readonly round: string;
}

export class ResultFolder {
  readonly #ports: ResultFolderPorts;

  constructor(ports: ResultFolderPorts) {
    this.#ports = ports;
  }

  /** To be called once, after retention: nothing is written whose time is over. Failures are logged. */
  async catchUp(): Promise<void> {
    const { directory, store } = this.#ports;
    const { unwritten, trimmed, deleted, windows } = await unfinishedFiles(store);
    const present = await filesIn(directory);
    for (const round of deleted) {
      await this.#carefully(await store.round(round), (...of) => this.remove(...of));
    }
    for (const round of trimmed) {
      await this.#carefully(await store.result(round), (...of) => this.replace(...of));
    }
    for (const round of unwritten) {
      await this.#carefully(await store.result(round), (...of) => this.#write(...of, present));
    }
    for (const name of windows) {
      await this.#carefully(name, (...of) => this.#writeWindow(...of, present));
    }
  }

  /** Removes what processes that were killed left half-written. Failures are logged. */
  async sweep(): Promise<void> {
    const { directory, log } = this.#ports;
    try {
      const files = await removeAbandoned(directory);
      if (files > 0) log.warn({ files }, 'files that were left half-written are deleted');
    } catch (error) {
      log.error(errorFields(error), 'half-written files not deleted: tried again in an hour');
    }
  }

  /** What was written of a result that is deleted. */
  async remove(task: Task, place: RoundPlace): Promise<void> {
    await removeResult(this.#ports.directory, fileOf(task, place));
  }

  /** What was written of a result that has lost metrics. */
  async replace(task: Task, { round, taskId, window }: RoundPlace): Promise<void> {
    const { directory, store, sealing, windows } = this.#ports;
    const stored = await store.result(round);
    if (stored === undefined) return;
    const report = await windows.report({ taskId, window });
    await replaceResult(directory, publishedResult(task, openSum(sealing, stored)), report);
  }

  async #write(task: Task, stored: StoredResult, present: ReadonlySet<string>): Promise<void> {
    const { sealing, exportRounds, write } = this.#ports;
    const files = roundFiles(fileOf(task, stored));
    if (present.has(files.result) && (!exportRounds || present.has(files.record))) return;
    const { sum, record } = openRound(sealing, stored);
    await write(publishedResult(task, sum), exportRounds ? record : undefined);
  }

  async #writeWindow(
    { manifest }: Task,
    name: WindowName,
    present: ReadonlySet<string>,
  ): Promise<void> {
    const { windows, writeWindow } = this.#ports;
    if (present.has(windowFile({ task: manifest, window: { index: name.window } }))) return;
    const report = await windows.report(name);
    if (report?.state === 'closed' || report?.state === 'too-few') await writeWindow(report);
  }

  /** @param of - nothing is done without it, or for a task that is not known. */
  async #carefully<T extends WindowName>(
    of: T | undefined,
    run: (task: Task, of: T) => Promise<void>,
  ): Promise<void> {
    const task = of && this.#ports.tasks.get(of.taskId);
    if (of === undefined || task === undefined) return;
    try {
      await run(task, of);
    } catch (error) {
      const about = { task: task.manifest.name, window: of.window, ...errorFields(error) };
      this.#ports.log.error(about, 'files are not made up for');
    }
  }
}

function fileOf({ manifest }: Task, { window, round }: RoundPlace): ResultFile {
  return { task: manifest, window: { index: window }, round };
}
