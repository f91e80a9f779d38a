/** What only several processes, or one that is killed, can show of a store. They run the built package. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { nativeSuite } from '@onlysum/crypto/node';
import { verifyChain } from '@onlysum/service';
import { afterAll, describe, expect, it } from 'vitest';
import { emptySchema, hasPostgres } from '../../../../test/postgres/database.js';
import type { CoordinatorStore } from './coordinator-store.js';
import { lmdbCoordinatorStore } from './lmdb-store.js';
import { postgresCoordinatorStore } from './postgres-store.js';

interface Place {
  /** As the process takes it. */
  readonly text: string;
  open(): Promise<CoordinatorStore>;
}

const root = mkdtempSync(join(tmpdir(), 'onlysum-processes-'));
const script = fileURLToPath(new URL('../../test/close-rounds.mjs', import.meta.url));
const taskId = 'a1'.repeat(32);
let opened = 0;

afterAll(() => rm(root, { recursive: true, force: true }));

async function lmdbPlace(): Promise<Place> {
  const path = join(root, `store.${opened++}`);
  return { text: path, open: async () => lmdbCoordinatorStore(path) };
}

async function postgresPlace(): Promise<Place> {
  const connection = await emptySchema();
  const open = () => postgresCoordinatorStore(connection);
  return { text: JSON.stringify(connection), open };
}

function closeRounds({ text }: Place, times: number, prefix: string): ChildProcess {
  const args = [script, text, String(times), prefix];
  return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** @param most - kills the process once it has said so many. @returns what it said to be closed. */
async function closedBy(child: ChildProcess, most = Infinity): Promise<string[]> {
  const exit = once(child, 'exit');
  const closed: string[] = [];
  for await (const line of createInterface({ input: child.stdout! })) {
    if (closed.push(line) === most) child.kill('SIGKILL');
  }
  await exit;
  return closed;
}

/** Follows the chain, and finds every round with its result. @returns the names of the rounds. */
async function verifiedRounds(store: CoordinatorStore): Promise<string[]> {
  const entries = await store.auditEntries({ limit: 1_000 });
  const verified = verifyChain(nativeSuite, entries);
  expect(verified).toEqual({ head: await store.auditHead(), fault: undefined });
  const rounds = await store.rounds(taskId, { limit: 1_000 });
  const actions = entries.map(({ action }) => action);
  expect(actions.filter((action) => action === 'close')).toHaveLength(rounds.length);
  expect(actions.filter((action) => action !== 'close')).toEqual(['task', 'window']);
  for (const { round, closedMs } of rounds) {
    const sealed = new Uint8Array(10_000).fill(closedMs);
    expect((await store.result(round))?.sealed).toEqual(sealed);
  }
  return rounds.map(({ round }) => round);
}

describe.each([
  ['lmdb', lmdbPlace, true],
  ['PostgreSQL', postgresPlace, hasPostgres],
] as const)('a coordinator store of several processes: %s', (_name, makePlace, isHere) => {
  it.skipIf(!isHere)('has one chain and every round', async () => {
    const place = await makePlace();
    const children = ['1', '2', '3'].map((prefix) => closeRounds(place, 40, prefix));
    const closed = (await Promise.all(children.map((child) => closedBy(child)))).flat();
    expect(closed).toHaveLength(120);
    const store = await place.open();
    expect((await verifiedRounds(store)).toSorted()).toEqual(closed.toSorted());
    await store.close();
  });

  it.skipIf(!isHere)('keeps what it said to be kept, whole, when it is killed', async () => {
    const place = await makePlace();
    const closed: string[] = [];
    for (const [prefix, most] of [
      ['a', 5],
      ['b', 12],
      ['c', 1],
    ] as const) {
      const said = await closedBy(closeRounds(place, 1_000, prefix), most);
      expect(said.length).toBeGreaterThanOrEqual(most);
      expect(said.length).toBeLessThan(1_000);
      closed.push(...said);
    }
    const store = await place.open();
    const rounds = await verifiedRounds(store);
    expect(closed.filter((round) => !rounds.includes(round))).toEqual([]);
    // Between the last word and the kill, a few more may have been kept.
    expect(await store.closeRound(await sameClose(store, closed[0]!), audit)).toBe('known');
    await store.close();
  });
});

const audit = [{ action: 'close', actor: 'system', outcome: 'done' }] as const;

async function sameClose(store: CoordinatorStore, name: string) {
  const [round, result] = [await store.round(name), await store.result(name)];
  if (round?.state !== 'opened' || result === undefined) throw new Error(`no round ${name}`);
  const { serial: _, hasResult: __, ...outcome } = round;
  const { keyId, sealed } = result;
  return { outcome, result: { keyId, sealed } };
}
