/**
 * Servers killed at any moment while devices take part, and what is found afterwards. Four things must
 * never be: a result that was reported is gone or another; a device counts twice in a window; the registrar
 * attests two things for one round and stage; a result that was kept lacks its files after the next start.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type CoordinatorStore,
  fileSealing,
  lmdbCoordinatorStore,
  postgresCoordinatorStore,
  type PublishedResult,
  type ResultSealing,
  type RoundPlace,
} from '@onlysum/coordinator';
import { toHex, unsafeSeededRng } from '@onlysum/crypto';
import { nativeSuite as suite } from '@onlysum/crypto/node';
import { createRegistrar, lmdbStore } from '@onlysum/registrar';
import { type Task, verifySignedManifest } from '@onlysum/task';
import { freePort } from '../e2e/free-port.js';
import { DEVICES, makeCrashTask, METRIC } from './crash-task.js';
import { CrashDevice } from './device.js';
import { Server } from './server.js';
import { Witness } from './witness.js';

export interface CrashOptions {
  readonly kills: number;
  /** Of when and whom. */
  readonly seed: string;
  /** A schema of its own is made there. Default: lmdb in a temporary folder. */
  readonly postgres?: { readonly host: string; readonly user: string; readonly database: string };
  readonly onKill?: (kills: number) => void;
}

export interface CrashReport {
  readonly kills: number;
  /** Reported results that are not in the store, or differ from what was reported. */
  readonly lost: number;
  /** Counts of a device beyond one a window. */
  readonly doubleCounted: number;
  readonly secondAttestations: number;
  /** Kept results without their file or their round record. */
  readonly unwritten: number;
  /** That there was something to lose. */
  readonly results: number;
  readonly windows: number;
  /** Rounds recorded as lost with their coordinator. */
  readonly restarted: number;
  readonly killed: { readonly coordinator: number; readonly registrar: number };
}

const WINDOW_MS = 2_000;
const DURATIONS = { gatherMs: 300, shareKeysMs: 1_500, maskedInputMs: 1_500, unmaskingMs: 1_500 };
/** Moments about the end of a round, as its log shows them. */
const MOMENTS = [
  '"stage":"unmasking"',
  '"stage":"opening"',
  'result stored',
  'sum opened',
  'result written',
  'window decided',
];
const MOST_WAIT_MS = 4_000;

export async function runCrashes(options: CrashOptions): Promise<CrashReport> {
  const directory = await mkdtemp(join(tmpdir(), 'onlysum-crash-'));
  try {
    return await runIn(directory, options);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function runIn(directory: string, options: CrashOptions): Promise<CrashReport> {
  const port = await freePort();
  const crashTask = makeCrashTask(port, WINDOW_MS);
  const task = verifySignedManifest(suite, crashTask.signed);
  const { signed: manifest, registrarSeed, coordinatorSeed } = crashTask;
  const witness = new Witness();
  const registrarPort = await freePort();
  const registrarUrl = `http://127.0.0.1:${registrarPort}`;
  const ledger = join(directory, 'registrar');
  const place = options.postgres
    ? { postgres: options.postgres }
    : { lmdb: join(directory, 'coordinator') };
  const keyFile = join(directory, 'results.key');
  const resultsDir = join(directory, 'results');
  const codes = await issueCodes(ledger, registrarSeed, task);
  const registrar = new Server(
    './registrar-process.mjs',
    { manifest, seed: registrarSeed, port: registrarPort, path: ledger },
    'registrar listens',
  );
  const coordinator = new Server(
    './coordinator-process.mjs',
    {
      ...{ manifest, seed: coordinatorSeed, port, registrarUrl, place, keyFile },
      ...{ resultsDir, durations: DURATIONS },
    },
    '"msg":"listening"',
    (line) => witness.readLog(line),
  );
  const devices: CrashDevice[] = [];
  try {
    await Promise.all([registrar.start(), coordinator.start()]);
    for (const [index, code] of codes.entries()) {
      devices.push(await CrashDevice.enrolled(index, code, crashTask, registrarUrl, witness));
    }
    for (const device of devices) device.start();
    const killed = await killAll({ coordinator, registrar }, options);
    // What was begun may end, and the last windows be decided.
    await sleep(2 * WINDOW_MS);
    await Promise.all(devices.map((device) => device.stop()));
    await coordinator.says('window decided', 3 * WINDOW_MS);
    await coordinator.kill();
    // What the last kill came in between is made up for before it listens.
    await coordinator.start();
    await coordinator.kill();
    const store = options.postgres
      ? await postgresCoordinatorStore(options.postgres)
      : lmdbCoordinatorStore(join(directory, 'coordinator'));
    const found = await inspect(store, task, await fileSealing(keyFile), witness, resultsDir);
    await store.close();
    const { secondAttestations } = witness;
    return { kills: options.kills, ...found, secondAttestations, killed };
  } finally {
    await Promise.allSettled([registrar.kill(), coordinator.kill()]);
    await Promise.allSettled(devices.map((device) => device.stop()));
  }
}

type Servers = Readonly<Record<'coordinator' | 'registrar', Server>>;

async function killAll(servers: Servers, { kills, seed, onKill }: CrashOptions) {
  const bytes = unsafeSeededRng(seed);
  const below = (n: number) => new DataView(bytes(4).buffer).getUint32(0) % n;
  const killed = { coordinator: 0, registrar: 0 };
  for (let kill = 1; kill <= kills; kill++) {
    const role = below(3) === 0 ? 'registrar' : 'coordinator';
    if (below(2) === 0) {
      await sleep(below(WINDOW_MS));
    } else {
      const moment = MOMENTS[below(MOMENTS.length)] ?? '';
      await servers.coordinator.says(moment, MOST_WAIT_MS);
      await sleep(below(8));
    }
    await servers[role].kill();
    killed[role]++;
    await servers[role].start();
    onKill?.(kill);
  }
  return killed;
}

async function issueCodes(path: string, seed: string, task: Task): Promise<string[]> {
  const store = lmdbStore(path);
  const registrar = await createRegistrar({
    seed: Buffer.from(seed, 'hex'),
    tasks: [task],
    epochLengthMs: task.manifest.epoch.lengthMs,
    store,
  });
  const codes = await registrar.makeCodes(DEVICES, 3_600_000);
  await store.close();
  return codes;
}

async function inspect(
  store: CoordinatorStore,
  task: Task,
  sealing: ResultSealing,
  { reported, included }: Witness,
  resultsDir: string,
) {
  const taskId = toHex(task.taskId);
  const lanes = task.layout.lanes.filter(
    ({ metric, role }) => metric === METRIC && role === 'category',
  );
  const exported = await exportedResults(resultsDir);
  const records = await roundsWithRecord(resultsDir);
  const perWindow = new Map<number, number[]>();
  const sums = new Map<string, readonly number[]>();
  for (const result of await everyRow((page) => store.results(taskId, page))) {
    const { window, round, sealed } = result;
    const place = { kind: 'result', task: taskId, window, round };
    const opened = JSON.parse(new TextDecoder().decode(sealing.open(sealed, place))) as Opened;
    const counts = lanes.slice(0, DEVICES).map(({ index }) => opened.lanes[index] ?? 0);
    sums.set(round, opened.lanes);
    const before = perWindow.get(window) ?? new Array<number>(DEVICES).fill(0);
    perWindow.set(
      window,
      before.map((count, i) => count + (counts[i] ?? 0)),
    );
  }
  const isWrong = (round: string): boolean => {
    const sum = sums.get(round);
    if (sum === undefined) return true;
    const written = exported.get(round);
    if (written !== undefined && JSON.stringify(written.lanes) !== JSON.stringify(sum)) return true;
    const present = [...(included.get(round) ?? [])];
    return present.some((device) => sum[lanes[device]?.index ?? -1] !== 1);
  };
  const lost = [...new Set([...reported, ...exported.keys()])].filter(isWrong);
  const doubleCounted = [...perWindow.values()]
    .flat()
    .reduce((sum, count) => sum + Math.max(0, count - 1), 0);
  const rounds = await everyRow((page) => store.rounds(taskId, page));
  const restarted = rounds.filter(
    (round) => round.state === 'aborted' && round.reason === 'coordinator-restarted',
  );
  return {
    lost: lost.length,
    doubleCounted,
    unwritten: [...sums.keys()].filter((id) => !exported.has(id) || !records.has(id)).length,
    results: sums.size,
    windows: perWindow.size,
    restarted: restarted.length,
  };
}

interface Opened {
  readonly lanes: readonly number[];
}

async function everyRow<T extends RoundPlace>(
  read: (page: { limit: number; before?: RoundPlace }) => Promise<readonly T[]>,
): Promise<T[]> {
  const all: T[] = [];
  let page: readonly T[];
  do {
    const before = all.at(-1);
    page = await read({ limit: 500, ...(before && { before }) });
    all.push(...page);
  } while (page.length > 0);
  return all;
}

async function roundsWithRecord(directory: string): Promise<Set<string>> {
  const names = await readdir(directory);
  return new Set(names.flatMap((name) => /-([0-9a-f]{32})\.record\.json$/.exec(name)?.[1] ?? []));
}

async function exportedResults(directory: string): Promise<Map<string, PublishedResult>> {
  const names = (await readdir(directory)).filter((name) => /-[0-9a-f]{32}\.json$/.test(name));
  const results = await Promise.all(
    names.map(
      async (name) => JSON.parse(await readFile(join(directory, name), 'utf8')) as PublishedResult,
    ),
  );
  return new Map(results.map((result) => [result.round, result]));
}
