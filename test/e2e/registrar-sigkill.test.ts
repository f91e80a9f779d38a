/**
 * A registrar process on lmdb or PostgreSQL, killed with SIGKILL at 50 random moments while competing rosters, U2s and
 * U3s of one round are asked for at once. Whatever the moment: over its whole life it signs at most one
 * of them per round and stage, and what it has answered once it answers again, byte for byte.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { toHex } from '@onlysum/crypto';
import { nativeSuite as suite } from '@onlysum/crypto/node';
import {
  type RegistrarRequest,
  type RegistrarResponse,
  encodeBitmap,
  encodeResponse,
  maskContext,
  rosterStatement,
  roundContext,
  sharedSetStatement,
  survivorSetStatement,
} from '@onlysum/protocol';
import { type RegistrarStore, lmdbStore, postgresStore } from '@onlysum/registrar';
import type { Task } from '@onlysum/task';
import { afterAll, expect, it } from 'vitest';
import {
  type Ask,
  Coordinator,
  type Device,
  REGISTRAR_SEED,
  WINDOW_MS,
  askHttp,
  enrolDevices,
  makeTask,
  openRegistrar,
  roundId,
  signRequest,
} from '../../packages/registrar/test/fleet.js';
import { emptySchema, hasPostgres } from '../postgres/database.js';

const KILLS = 50;
const DEVICES = 8;
const N = 6;
/** One epoch holds a window for every round, so that the devices enrol once. */
const WINDOWS_PER_EPOCH = 64;
const EPOCH_MS = WINDOWS_PER_EPOCH * WINDOW_MS;
const FIRST_WINDOW = 7813 * WINDOWS_PER_EPOCH;
/** Competing sets: any may be U2, and each is within itself and within the first. */
const SETS = [
  [0, 1, 2, 3, 4, 5],
  [0, 1, 2, 3, 4],
  [1, 2, 3, 4, 5],
];

const STAGES = ['roster', 'shared-set', 'survivor-set'] as const;
type Stage = (typeof STAGES)[number];

interface Place {
  /** As the process takes it. */
  readonly text: string;
  open(): Promise<RegistrarStore>;
}

const path = mkdtempSync(join(tmpdir(), 'onlysum-sigkill-'));
const script = fileURLToPath(new URL('./registrar-process.mjs', import.meta.url));
const children = new Set<ChildProcess>();

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await rm(path, { recursive: true, force: true });
});

it('signs one roster, one U2 and one U3 per round through 50 SIGKILLs, on lmdb', async () => {
  await killAndAsk({ text: path, open: async () => lmdbStore(path) });
}, 300_000);

it.skipIf(!hasPostgres)(
  'signs no other through 50 SIGKILLs on PostgreSQL',
  async () => {
    const connection = await emptySchema();
    await killAndAsk({
      text: JSON.stringify(connection),
      open: () => postgresStore(connection),
    });
  },
  300_000,
);

async function killAndAsk(place: Place): Promise<void> {
  const spawnRegistrar = () => registrarProcess(place.text);
  const task = makeTask({ epoch: { lengthMs: EPOCH_MS } });
  const devices = await enrolAll(task, await place.open());
  const book = new Book();
  const rounds: Round[] = [];
  const killed = { inFlight: 0, before: { roster: 0, 'shared-set': 0, 'survivor-set': 0 } };
  let incarnation: number | undefined;
  let undisturbedMs = 30;
  let next = spawnRegistrar();
  let last: Round | undefined;

  for (let kills = 0; kills <= KILLS; kills++) {
    const registrar = next;
    next = spawnRegistrar();
    const ask = askHttp(await registrar.start(task, last?.nowMs ?? timeOf(FIRST_WINDOW)));
    if (last !== undefined) {
      const beganMs = performance.now();
      const { lost } = await askAll(ask, last, book);
      undisturbedMs = 0.8 * undisturbedMs + 0.2 * (performance.now() - beganMs);
      expect(lost).toBe(0);
      for (const stage of STAGES) expect(book.find(last.name, stage)).toBeDefined();
    }
    if (kills === KILLS) {
      for (const round of rounds) expect(await askAll(ask, round, book)).toEqual({ lost: 0 });
      await registrar.kill();
      await next.kill();
      break;
    }
    const nowMs = timeOf(FIRST_WINDOW + kills);
    await registrar.setTime(nowMs);
    const coordinator = new Coordinator(task, { nowMs }, ask);
    await coordinator.openWindow();
    // A crash alone is no doubt about continuity: the store is whole, so the incarnation stays.
    incarnation ??= coordinator.incarnation;
    expect(coordinator.incarnation).toBe(incarnation);
    const round = makeRound(`${kills}`, coordinator, devices);
    rounds.push(round);
    const asking = askAll(ask, round, book);
    await sleep(1.2 * undisturbedMs * Math.random());
    await registrar.kill();
    if ((await asking).lost > 0) killed.inFlight++;
    for (const stage of STAGES) if (book.find(round.name, stage)) killed.before[stage]++;
    last = round;
  }

  expect(rounds).toHaveLength(KILLS);
  for (const round of rounds) verifyRound(task, round, book, incarnation ?? 0);
  // The kills must have hit something, before and after signatures were given.
  expect(killed.inFlight).toBeGreaterThan(KILLS / 5);
  expect(killed.before.roster).toBeGreaterThan(0);
  expect(killed.before['survivor-set']).toBeLessThan(KILLS);
}

/** The audit head that comes with a set is that of the moment. */
function signedBytes(response: RegistrarResponse): string {
  const signed = response.kind === 'set' ? { ...response, auditHead: null } : response;
  return toHex(encodeResponse(signed));
}

/** Everything that was signed, by round and stage. */
class Book {
  readonly #signed = new Map<string, { request: RegistrarRequest; response: RegistrarResponse }>();

  find(round: string, stage: Stage) {
    return this.#signed.get(`${round} ${stage}`);
  }

  /** Throws if another answer was given, or another request was answered, at the same stage. */
  record(round: string, request: RegistrarRequest, response: RegistrarResponse): void {
    if (response.kind === 'refused') return;
    const key = `${round} ${request.kind}`;
    const before = this.#signed.get(key);
    this.#signed.set(key, before ?? { request, response });
    if (before === undefined) return;
    expect(toHex(request.signature), `${key}: two requests signed`).toBe(
      toHex(before.request.signature),
    );
    expect(signedBytes(response), `${key}: another answer`).toBe(signedBytes(before.response));
  }
}

interface Round {
  readonly name: string;
  readonly window: number;
  readonly nowMs: number;
  readonly requests: Readonly<Record<Stage, readonly RegistrarRequest[]>>;
}

function makeRound(name: string, coordinator: Coordinator, devices: readonly Device[]): Round {
  const rosters = [devices.slice(0, N), devices.slice(DEVICES - N)].map((members) =>
    coordinator.rosterRequest(name, coordinator.members(name, members), { lifetimeMs: WINDOW_MS }),
  );
  const sets = (kind: 'shared-set' | 'survivor-set') =>
    SETS.map((members) =>
      signRequest({ kind, round: roundId(name), members: encodeBitmap(members, N) }),
    );
  const requests = {
    roster: rosters,
    'shared-set': sets('shared-set'),
    'survivor-set': sets('survivor-set'),
  };
  return { name, window: coordinator.window, nowMs: coordinator.clock.nowMs, requests };
}

/**
 * Asks for everything that competes in a stage at once, and for the next stage as soon as one of them is
 * signed.
 *
 * @returns how many requests were lost because the registrar died.
 */
async function askAll(ask: Ask, round: Round, book: Book): Promise<{ lost: number }> {
  let lost = 0;
  const begun = new Set<Stage>();
  const send = async (request: RegistrarRequest, stage: Stage): Promise<void> => {
    const response = await ask(request).catch(lostOnly);
    if (response === undefined) {
      lost++;
      return;
    }
    book.record(round.name, request, response);
    const following = STAGES[STAGES.indexOf(stage) + 1];
    if (response.kind !== 'refused' && following !== undefined) await begin(following);
  };
  const begin = async (stage: Stage): Promise<void> => {
    if (begun.has(stage)) return;
    begun.add(stage);
    await Promise.all(shuffled(round.requests[stage]).map((request) => send(request, stage)));
  };
  await begin('roster');
  return { lost };
}

/** What `fetch` throws when its connection breaks; anything else is a failure of the test. */
function lostOnly(error: unknown): undefined {
  if (!(error instanceof TypeError)) throw error;
}

function shuffled<T>(list: readonly T[]): T[] {
  return list
    .map((value) => ({ value, order: Math.random() }))
    .toSorted((a, b) => a.order - b.order)
    .map(({ value }) => value);
}

/** The signatures in the book are what they claim to be: a chain of one roster, one U2, one U3. */
function verifyRound(task: Task, { name, window }: Round, book: Book, incarnation: number): void {
  const [roster, shared, survived] = STAGES.map((stage) => book.find(name, stage));
  if (roster?.response.kind !== 'roster') throw new Error(`no roster of round ${name}`);
  const { k, t, seed, root } = roster.response;
  const facts = {
    taskId: task.taskId,
    window,
    incarnation,
    round: roundId(name),
    n: N,
    k,
    t,
    seed,
    root,
  };
  const context = roundContext(suite, facts);
  const sharedSet = bitmapOf(shared?.request);
  const context2 = maskContext(suite, context, sharedSet);
  const statements = [
    [roster.response, rosterStatement(facts)],
    [shared?.response, sharedSetStatement(context, sharedSet)],
    [survived?.response, survivorSetStatement(context2, bitmapOf(survived?.request))],
  ] as const;
  for (const [response, statement] of statements) {
    if (response === undefined || !('signature' in response)) throw new Error(`round ${name}`);
    expect(suite.ed25519Verify(task.registrarKey, statement, response.signature)).toBe(true);
  }
}

function bitmapOf(request: RegistrarRequest | undefined): Uint8Array {
  if (request?.kind === 'shared-set' || request?.kind === 'survivor-set') return request.members;
  throw new Error('no set was signed');
}

/** In this process, which then leaves the store to the others. */
async function enrolAll(task: Task, store: RegistrarStore): Promise<Device[]> {
  const { registrar, clock } = await openRegistrar([task], store);
  clock.nowMs = timeOf(FIRST_WINDOW);
  const devices = await enrolDevices(registrar, DEVICES);
  await store.close();
  return devices;
}

function timeOf(window: number): number {
  return window * WINDOW_MS + WINDOW_MS / 2;
}

/** A process that has loaded the package and opens the store only when it is started. */
function registrarProcess(place: string) {
  const child = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
  children.add(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const tell = async (message: unknown): Promise<string> => {
    child.stdin.write(`${JSON.stringify(message)}\n`);
    const { value, done } = await lines.next();
    if (done === true) throw new Error('the registrar process ended');
    return value as string;
  };
  return {
    /** @returns its URL. */
    start: ({ manifest, signature }: Task, nowMs: number) =>
      tell({
        place,
        nowMs,
        seed: toHex(REGISTRAR_SEED),
        manifest: { manifest, signature: toHex(signature) },
      }),
    setTime: tell,
    kill: async () => {
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
      children.delete(child);
    },
  };
}
