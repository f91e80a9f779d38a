/**
 * The durable record in files, shared by any number of processes without a lock. `path` is a folder of
 * its own; generation g of the record is the file `record-g` in it, and the newest one counts.
 *
 * To change the record, a process writes generation g + 1 to a file of its own, makes it durable, and
 * links it to its final name: link(2) fails if another process was first, and it then starts again. So
 * there is nothing that a killed or stopped process could leave locked. Old generations are removed,
 * so a process that was stopped between reading g and linking may find the name g + 1 free again; but
 * every generation names its ancestors, so a look at the newest one tells whether a change counts.
 *
 * Relies on: link(2) being atomic, and a scan of a folder of a dozen names seeing one state of it (one
 * system call under the folder's lock, on local file systems).
 * Invariant: each counted generation grew from the counted one before it.
 */
import { randomBytes, randomInt } from 'node:crypto';
import { link, mkdir, open, readdir, readFile, stat, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { InternalError, invalidField, OnlysumError, RoundError, UsageError } from '@onlysum/crypto';
import { type ClientRecord, emptyRecord, parseRecord } from '../record.js';
import type { ClientStore } from '../store.js';
import { decodeGeneration, encodeGeneration, type Generation } from './record-file.js';

export interface FileStoreOptions {
  /** 32 bytes: encrypts the record at rest. Keep it elsewhere, e.g. in the system's key chain. */
  readonly sealKey?: Uint8Array;
}

/** So that a reader which has just scanned the folder still finds what it saw. */
const KEPT_GENERATIONS = 4;
/** A process stopped for longer than this many changes cannot tell whether its own one counted. */
const NAMED_ANCESTORS = 64;
/** Far above any wait for others; a change takes milliseconds. */
const PATIENCE_MS = 30_000;
/** A temporary file this old belongs to a process that was killed. */
const ABANDONED_MS = 10 * 60_000;
const LONGEST_WAIT_MS = 50;

/**
 * @param path - a folder for this record alone; made (0700) on the first change. Files in it are 0600.
 *   It must be on a file system with hard links. Whoever removes it makes this a new device.
 * @throws {UsageError} `argument-invalid`.
 */
export function fileStore(path: string, options: FileStoreOptions = {}): ClientStore {
  if (typeof path !== 'string' || path === '' || path.includes('\0')) {
    throw invalidField(UsageError, 'argument-invalid', 'path', 'the path of a folder', path);
  }
  const { sealKey } = options;
  if (sealKey !== undefined && !(sealKey instanceof Uint8Array && sealKey.length === 32)) {
    throw invalidField(UsageError, 'argument-invalid', 'sealKey', '32 bytes', sealKey);
  }
  return new FileStore(resolve(path), sealKey);
}

class FileStore implements ClientStore {
  readonly #path: string;
  readonly #sealKey: Uint8Array | undefined;
  /** Changes of this process wait for each other rather than race. */
  #last: Promise<unknown> = Promise.resolve();
  #isClosed = false;
  #hasCommitted = false;

  constructor(path: string, sealKey: Uint8Array | undefined) {
    this.#path = path;
    this.#sealKey = sealKey;
  }

  async update<T>(change: (record: ClientRecord) => readonly [ClientRecord, T]): Promise<T> {
    this.#checkOpen();
    const done = this.#last.then(() => this.#update(change));
    this.#last = done.catch(() => {});
    return done;
  }

  async read(): Promise<ClientRecord> {
    this.#checkOpen();
    return (await this.#io(() => this.#newest())).record;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#last;
    if (!this.#hasCommitted) return;
    // What was erased must not live on in an old generation. Who reads one meanwhile looks again.
    await this.#newest()
      .then(({ number }) => this.#clean(number - 1))
      .catch(() => {});
  }

  async #update<T>(change: (record: ClientRecord) => readonly [ClientRecord, T]): Promise<T> {
    const untilMs = Date.now() + PATIENCE_MS;
    for (;;) {
      const current = await this.#io(() => this.#newest());
      const [record, result] = change(current.record);
      if (record === current.record) return result;
      checkReadable(record);
      if (await this.#io(() => this.#commit(current, record))) return result;
      if (Date.now() > untilMs) {
        const why = `other processes changed the record first for ${PATIENCE_MS} ms`;
        throw new RoundError('store-failed', `store ${this.#path}: ${why}`, { retryable: true });
      }
      const waitMs = randomInt(LONGEST_WAIT_MS);
      await new Promise((resume) => setTimeout(resume, waitMs));
    }
  }

  async #newest(): Promise<Generation> {
    for (;;) {
      const number = Math.max(0, ...generationsIn(await this.#names()));
      if (number === 0) return { number, ancestors: [], record: emptyRecord() };
      const file = this.#file(number);
      const bytes = await readFile(file).catch(ignore('ENOENT'));
      // Gone: there are newer ones by now.
      if (bytes !== undefined) return decodeGeneration(bytes, file, number, this.#sealKey);
    }
  }

  /** @returns whether it counts; false if another process was first. */
  async #commit(current: Generation, record: ClientRecord): Promise<boolean> {
    const name = randomBytes(8).toString('hex');
    const number = current.number + 1;
    const ancestors = [name, ...current.ancestors].slice(0, NAMED_ANCESTORS);
    await this.#makeFolder();
    if (!(await this.#link({ number, ancestors, record }, name))) return false;
    await syncFolder(this.#path);
    const newest = await this.#newest();
    const counted = newest.ancestors[newest.number - number];
    if (counted === undefined) {
      throw new Error('this process was stopped for so long that it cannot tell what was written');
    }
    if (counted !== name) {
      // The name was free only because a generation that counted has been removed since.
      await unlink(this.#file(number)).catch(ignore('ENOENT'));
      return false;
    }
    this.#hasCommitted = true;
    await this.#clean(number - KEPT_GENERATIONS).catch(() => {});
    return true;
  }

  async #link(generation: Generation, name: string): Promise<boolean> {
    const temporary = join(this.#path, `tmp-${process.pid}-${name}`);
    try {
      await writeDurably(temporary, encodeGeneration(generation, this.#sealKey));
      await link(temporary, this.#file(generation.number));
      return true;
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return false;
      throw error;
    } finally {
      await unlink(temporary).catch(ignore('ENOENT'));
    }
  }

  async #clean(upTo: number): Promise<void> {
    for (const name of await this.#names()) {
      const file = join(this.#path, name);
      const [generation] = generationsIn([name]);
      const isOld =
        generation === undefined
          ? name.startsWith('tmp-') && Date.now() - (await stat(file)).mtimeMs > ABANDONED_MS
          : generation <= upTo;
      if (isOld) await unlink(file).catch(ignore('ENOENT'));
    }
  }

  async #makeFolder(): Promise<void> {
    const made = await mkdir(this.#path, { recursive: true, mode: 0o700 });
    if (made !== undefined) await syncFolder(dirname(made));
  }

  async #names(): Promise<string[]> {
    return (await readdir(this.#path).catch(ignore('ENOENT'))) ?? [];
  }

  #file(generation: number): string {
    return join(this.#path, `record-${String(generation).padStart(16, '0')}`);
  }

  #checkOpen(): void {
    if (!this.#isClosed) return;
    throw new RoundError('store-failed', `store ${this.#path}: it was closed; open it again`);
  }

  async #io<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      if (error instanceof OnlysumError) throw error;
      const why = error instanceof Error ? error.message : String(error);
      throw new RoundError('store-failed', `store ${this.#path}: ${why}`, {
        retryable: true,
        cause: error,
      });
    }
  }
}

/** A record that cannot be read again would end this device's part for good. */
function checkReadable(record: ClientRecord): void {
  try {
    parseRecord(structuredClone(record));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new InternalError('internal', `a change would spoil the record: ${why}`);
  }
}

function generationsIn(names: readonly string[]): number[] {
  return names.flatMap((name) => {
    const digits = /^record-([0-9]{16})$/.exec(name)?.[1];
    return digits === undefined ? [] : [Number(digits)];
  });
}

async function writeDurably(file: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(file, 'wx', 0o600);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes names durable. Windows has no such call: NTFS journals them. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function ignore(code: string): (error: unknown) => undefined {
  return (error) => {
    if (codeOf(error) !== code) throw error;
    return undefined;
  };
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
