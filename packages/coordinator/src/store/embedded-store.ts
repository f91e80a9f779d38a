/**
 * A coordinator's store over an ordered map with transactions: what is kept under which key.
 * Knows: keys. Doesn't know: what keeps the map.
 */
import type { Suite } from '@onlysum/crypto';
import {
  type AuditEntry,
  type AuditHead,
  EMPTY_HEAD,
  type TokenRecord,
  extendChain,
} from '@onlysum/service';
import type { AuditTrail, Written } from './coordinator-store.js';
import type { CoordinatorStoreBackend } from './guarded-store.js';
import type { CheckedRoundPage } from './record-checks.js';
import type {
  NewTask,
  NewWindow,
  ResultName,
  RoundClose,
  RoundOutcome,
  RoundRecord,
  SealedResult,
  StoredResult,
  TaskRecord,
  TaskState,
  WindowDecision,
  WindowName,
  WindowRecord,
} from './records.js';
import {
  checkReseal,
  closeDigest,
  roundToClose,
  taskStateToSet,
  taskToRecord,
  tokenToPut,
  tokenToRevoke,
  windowToDecide,
  windowToOpen,
} from './store-rules.js';

/** A map in the order of its keys, which are ASCII. Values are plain data that nobody else changes. */
export interface OrderedMap {
  find(key: string): unknown;
  put(key: string, value: unknown): void;
  remove(key: string): void;
  /** Keys that begin with `prefix`, and lie strictly between the bounds that are given. */
  keys(prefix: string, bounds?: KeyBounds): Iterable<string>;
}

export interface KeyBounds {
  readonly above?: string;
  readonly below?: string;
  /** Descending. */
  readonly isReverse?: boolean;
}

/** What keeps the map. */
export interface OrderedMapStore {
  /** Alone, over all processes; durable when it returns; nothing is kept if `run` throws. */
  write<T>(run: (map: OrderedMap) => T): T;
  /** One snapshot. */
  read<T>(run: (map: OrderedMap) => T): T;
  close(): Promise<void>;
}

export interface ChainContext {
  readonly suite: Suite;
  /** Unix ms, for the audit chain. */
  readonly now: () => number;
}

interface RoundEntry {
  readonly outcome: RoundOutcome;
  readonly digest: string;
  readonly serial: number;
}

export class EmbeddedStore implements CoordinatorStoreBackend {
  readonly #store: OrderedMapStore;
  readonly #context: ChainContext;

  constructor(store: OrderedMapStore, context: ChainContext) {
    this.#store = store;
    this.#context = context;
  }

  async recordTask(task: NewTask, audit: AuditTrail): Promise<Written> {
    return this.#change(audit, (map) => {
      const written = taskToRecord(findTask(map, task.taskId), task);
      if (written === 'written') map.put(taskKey(task.taskId), { ...task, state: 'open' });
      return written;
    });
  }

  async setTaskState(taskId: string, state: TaskState, audit: AuditTrail): Promise<Written> {
    return this.#change(audit, (map) => {
      const task = findTask(map, taskId);
      const written = taskStateToSet(task, state);
      if (task === undefined || written === 'known') return written;
      const { name, version, signedManifest } = task;
      map.put(taskKey(taskId), { taskId, name, version, signedManifest, ...state });
      return written;
    });
  }

  async task(taskId: string): Promise<TaskRecord | undefined> {
    return this.#store.read((map) => findTask(map, taskId));
  }

  async tasks(): Promise<readonly TaskRecord[]> {
    return this.#store.read((map) => valuesOf<TaskRecord>(map, map.keys('task/')));
  }

  async openWindow(window: NewWindow, audit: AuditTrail): Promise<Written> {
    return this.#change(audit, (map) => {
      const task = findTask(map, window.taskId);
      const written = windowToOpen(task, findWindow(map, window), window);
      if (written === 'written') map.put(windowKey(window), { ...window, state: 'open' });
      return written;
    });
  }

  async decideWindow(
    name: WindowName,
    decision: WindowDecision,
    audit: AuditTrail,
  ): Promise<Written> {
    return this.#change(audit, (map) => {
      const window = findWindow(map, name);
      const written = windowToDecide(window, decision);
      if (written === 'written') map.put(windowKey(name), { ...window, state: decision });
      return written;
    });
  }

  async window(name: WindowName): Promise<WindowRecord | undefined> {
    return this.#store.read((map) => findWindow(map, name));
  }

  async windows(
    taskId: string,
    before: number | undefined,
    limit: number,
  ): Promise<readonly WindowRecord[]> {
    return this.#store.read((map) => {
      const below = before === undefined ? {} : { below: windowKey({ taskId, window: before }) };
      const keys = map.keys(`window/${taskId}/`, { ...below, isReverse: true });
      return valuesOf<WindowRecord>(map, take(keys, limit));
    });
  }

  async closeRound(close: RoundClose, audit: AuditTrail): Promise<Written> {
    const { outcome, result } = close;
    const digest = closeDigest(this.#context.suite, close);
    return this.#change(audit, (map) => {
      const closedAs = findRound(map, outcome.round)?.digest;
      const [task, window] = [findTask(map, outcome.taskId), findWindow(map, outcome)];
      const written = roundToClose(closedAs, digest, task, window, outcome);
      if (written === 'known') return written;
      const serial = Number(map.find('last-serial') ?? 0) + 1;
      map.put('last-serial', serial);
      const entry: RoundEntry = { outcome, digest, serial };
      map.put(`round/${outcome.round}`, entry);
      map.put(placeKey('place', outcome.taskId, outcome.window, serial), outcome.round);
      if (result === undefined) return written;
      const { taskId, window: index, round, closedMs } = outcome;
      const { keyId, sealed } = result;
      const name: ResultName = { taskId, window: index, serial, round, closedMs, keyId };
      map.put(placeKey('result', taskId, index, serial), name);
      map.put(`sealed/${round}`, sealed);
      return written;
    });
  }

  async round(round: string): Promise<RoundRecord | undefined> {
    return this.#store.read((map) => roundRecord(map, round));
  }

  async rounds(taskId: string, page: CheckedRoundPage): Promise<readonly RoundRecord[]> {
    return this.#store.read((map) =>
      valuesOf<string>(map, placesOf(map, 'place', taskId, page)).flatMap(
        (round) => roundRecord(map, round) ?? [],
      ),
    );
  }

  async result(round: string): Promise<StoredResult | undefined> {
    return this.#store.read((map) => {
      const name = resultName(map, round);
      return name === undefined ? undefined : withBytes(map, name);
    });
  }

  async results(taskId: string, page: CheckedRoundPage): Promise<readonly StoredResult[]> {
    return this.#store.read((map) =>
      valuesOf<ResultName>(map, placesOf(map, 'result', taskId, page)).map((name) =>
        withBytes(map, name),
      ),
    );
  }

  async resultsUnderOtherKeys(keyId: string, limit: number): Promise<readonly StoredResult[]> {
    return this.#store.read((map) => {
      const names = valuesOf<ResultName>(map, map.keys('result/'));
      const others = names.filter((name) => name.keyId !== keyId).slice(0, limit);
      return others.map((name) => withBytes(map, name));
    });
  }

  async reseal(round: string, from: string, next: SealedResult, audit: AuditTrail): Promise<void> {
    this.#change(audit, (map) => {
      const name = resultName(map, round);
      checkReseal(name?.keyId, from);
      if (name === undefined) return 'known';
      map.put(resultKey(name), { ...name, keyId: next.keyId });
      map.put(`sealed/${round}`, next.sealed);
      return 'written';
    });
  }

  async deleteResults(
    taskId: string,
    olderThanMs: number,
    audit: (deleted: readonly ResultName[]) => AuditTrail,
    limit: number,
  ): Promise<readonly ResultName[]> {
    return this.#store.write((map) => {
      const old = valuesOf<ResultName>(map, map.keys(`result/${taskId}/`))
        .filter(({ closedMs }) => closedMs < olderThanMs)
        .sort((a, b) => a.closedMs - b.closedMs || a.serial - b.serial)
        .slice(0, limit);
      for (const name of old) {
        map.remove(resultKey(name));
        map.remove(`sealed/${name.round}`);
      }
      if (old.length > 0) this.#append(map, audit(old));
      return old;
    });
  }

  async appendAudit(audit: AuditTrail): Promise<void> {
    this.#change(audit, () => 'written');
  }

  async auditHead(): Promise<AuditHead> {
    return this.#store.read(headOf);
  }

  async auditEntries(after: number, limit: number): Promise<readonly AuditEntry[]> {
    return this.#store.read((map) => {
      const keys = map.keys('audit/', { above: auditKey(after) });
      return valuesOf<AuditEntry>(map, take(keys, limit));
    });
  }

  async latestAuditEntries(
    before: number | undefined,
    limit: number,
  ): Promise<readonly AuditEntry[]> {
    return this.#store.read((map) => {
      const below = before === undefined ? {} : { below: auditKey(before) };
      return valuesOf<AuditEntry>(
        map,
        take(map.keys('audit/', { ...below, isReverse: true }), limit),
      );
    });
  }

  async putToken(token: TokenRecord, audit: AuditTrail): Promise<Written> {
    return this.#change(audit, (map) => {
      const written = tokenToPut(findToken(map, token.id), token);
      if (written === 'written') map.put(tokenKey(token.id), token);
      return written;
    });
  }

  async token(id: string): Promise<TokenRecord | undefined> {
    return this.#store.read((map) => findToken(map, id));
  }

  async tokens(): Promise<readonly TokenRecord[]> {
    return this.#store.read((map) => valuesOf<TokenRecord>(map, map.keys('token/')));
  }

  async revokeToken(id: string, revokedMs: number, audit: AuditTrail): Promise<Written> {
    return this.#change(audit, (map) => {
      const token = findToken(map, id);
      const written = tokenToRevoke(token);
      if (written === 'written') map.put(tokenKey(id), { ...token, revokedMs });
      return written;
    });
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  #change(audit: AuditTrail, run: (map: OrderedMap) => Written): Written {
    return this.#store.write((map) => {
      const written = run(map);
      if (written === 'written') this.#append(map, audit);
      return written;
    });
  }

  #append(map: OrderedMap, audit: AuditTrail): void {
    const { suite, now } = this.#context;
    const { entries, head } = extendChain(suite, headOf(map), audit, now);
    for (const entry of entries) map.put(auditKey(entry.sequence), entry);
    map.put('audit-head', head);
  }
}

function headOf(map: OrderedMap): AuditHead {
  return (map.find('audit-head') as AuditHead | undefined) ?? EMPTY_HEAD;
}

function findTask(map: OrderedMap, taskId: string): TaskRecord | undefined {
  return map.find(taskKey(taskId)) as TaskRecord | undefined;
}

function findWindow(map: OrderedMap, name: WindowName): WindowRecord | undefined {
  return map.find(windowKey(name)) as WindowRecord | undefined;
}

function findRound(map: OrderedMap, round: string): RoundEntry | undefined {
  return map.find(`round/${round}`) as RoundEntry | undefined;
}

function findToken(map: OrderedMap, id: string): TokenRecord | undefined {
  return map.find(tokenKey(id)) as TokenRecord | undefined;
}

function roundRecord(map: OrderedMap, round: string): RoundRecord | undefined {
  const entry = findRound(map, round);
  if (entry === undefined) return undefined;
  const { outcome, serial } = entry;
  return { ...outcome, serial, hasResult: resultName(map, round) !== undefined };
}

function resultName(map: OrderedMap, round: string): ResultName | undefined {
  const entry = findRound(map, round);
  if (entry === undefined) return undefined;
  const { outcome, serial } = entry;
  const key = placeKey('result', outcome.taskId, outcome.window, serial);
  return map.find(key) as ResultName | undefined;
}

function withBytes(map: OrderedMap, name: ResultName): StoredResult {
  return { ...name, sealed: map.find(`sealed/${name.round}`) as Uint8Array };
}

function placesOf(
  map: OrderedMap,
  kind: 'place' | 'result',
  taskId: string,
  { window, before, limit }: CheckedRoundPage,
): Iterable<string> {
  const prefix = `${kind}/${taskId}/${window === undefined ? '' : `${digits(window)}/`}`;
  const below =
    before === undefined ? {} : { below: placeKey(kind, taskId, before.window, before.serial) };
  return take(map.keys(prefix, { ...below, isReverse: true }), limit);
}

function resultKey({ taskId, window, serial }: ResultName): string {
  return placeKey('result', taskId, window, serial);
}

function placeKey(kind: 'place' | 'result', taskId: string, window: number, serial: number) {
  return `${kind}/${taskId}/${digits(window)}/${digits(serial)}`;
}

function windowKey({ taskId, window }: WindowName): string {
  return `window/${taskId}/${digits(window)}`;
}

function taskKey(taskId: string): string {
  return `task/${taskId}`;
}

function auditKey(sequence: number): string {
  return `audit/${digits(sequence)}`;
}

function tokenKey(id: string): string {
  return `token/${id}`;
}

/** So that the order of texts is that of numbers: 2^53 has 16 digits. */
function digits(value: number): string {
  return String(value).padStart(16, '0');
}

function valuesOf<T>(map: OrderedMap, keys: Iterable<string>): T[] {
  return [...keys].map((key) => map.find(key) as T);
}

function* take(keys: Iterable<string>, limit: number): Iterable<string> {
  let left = limit;
  for (const key of keys) {
    if (left-- <= 0) return;
    yield key;
  }
}
