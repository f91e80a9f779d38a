/** The registrar is asked for a second U2: at once, after a crash, after a restore from a backup. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import {
  Coordinator,
  EPOCH_MS,
  REGISTRAR_SEED,
  START_MS,
  askAttest,
  askHttp,
  enrolDevices,
  makeTask,
} from '../../packages/registrar/test/fleet.js';
import { Arena } from './arena.js';
import { type Attack, type Outcome, Stopped } from './attack.js';
import { keepRecord } from './durable-record.js';
import { surround } from './gathered-around.js';
import { HostileRound } from './hostile-round.js';
import type { RegistrarResponse } from './surface.js';
import { SHOWN, sevenDevices, showAnotherSharedSet } from './two-shared-sets.js';
import type { Build } from './weakened-build.js';

const designRow =
  'registrar asked twice: concurrently, after SIGKILL; an old round submitted again after a restore';
const ROUND = 'asked twice';
const DEVICES = 6;

/** The old round is open in the backup; a restore starts a new incarnation. */
function afterRestore(build: Build): Outcome {
  const arena = sevenDevices(build);
  let restore = (): void => undefined;
  return showAnotherSharedSet(arena, {
    before: () => {
      restore = arena.backUp();
    },
    late: (round) => {
      restore();
      build.newIncarnation(arena.ledger, arena.context());
      return round.attest('shared-set', SHOWN);
    },
  });
}

/**
 * The store is put back without a new incarnation: the registrar has forgotten that the attacker's
 * devices were revoked. What the victim has met since is in its own record.
 */
function forgetRevocations(build: Build): Outcome {
  const arena = new Arena(build, { honest: 5, colluders: 4, cohort: { min: 5, max: 5 } });
  keepRecord(arena, arena.honest[0]!);
  const restore = arena.backUp();
  for (const { certificate } of arena.colluders) {
    build.revoke(arena.ledger, build.toHex(certificate.pseudonym));
  }
  arena.nowMs += 1000;
  build.newIncarnation(arena.ledger, arena.context());
  new HostileRound(arena, { honest: arena.honest }).play();
  arena.nowMs += arena.task.manifest.window.lengthMs;
  restore();
  return surround(arena, arena.colluders);
}

async function atOnce(build: Build): Promise<Outcome> {
  return withStore(build, async (task, path, devices) => {
    const store = build.registrarSide.lmdbStore(path);
    const registrar = await build.registrarSide.createRegistrar({
      seed: REGISTRAR_SEED,
      tasks: [task],
      epochLengthMs: EPOCH_MS,
      store,
      now: () => START_MS,
    });
    const coordinator = new Coordinator(task, { nowMs: START_MS }, askAttest(registrar));
    await openRoster(coordinator, devices);
    const answers = await Promise.all(SETS.map((set) => askForSet(coordinator, set)));
    await store.close();
    return verdict(answers);
  });
}

/** The answer is out, and the registrar's process is killed at once. */
async function afterKill(build: Build, url: string): Promise<Outcome> {
  return withStore(build, async (task, path, devices) => {
    const before = await startProcess(url, task, path);
    const coordinator = new Coordinator(task, { nowMs: START_MS }, askHttp(before.url));
    await openRoster(coordinator, devices);
    const first = await askForSet(coordinator, SETS[0]!);
    await kill(before.child);
    const after = await startProcess(url, task, path);
    const again = new Coordinator(task, { nowMs: START_MS }, askHttp(after.url));
    const second = await askForSet(again, SETS[1]!);
    await kill(after.child);
    return verdict([first, second]);
  });
}

const SETS = [
  [0, 1, 2, 3, 4, 5],
  [0, 1, 2, 3, 4],
];

function verdict(answers: readonly RegistrarResponse[]): Outcome {
  for (const answer of answers) {
    if (answer.kind === 'refused') throw new Stopped(answer.code, answer.detail);
  }
  return { succeeded: true, detail: 'two different U2 of one round are signed' };
}

type Task = ReturnType<typeof makeTask>;
type Devices = Awaited<ReturnType<typeof enrolDevices>>;

async function withStore(
  build: Build,
  run: (task: Task, path: string, devices: Devices) => Promise<Outcome>,
): Promise<Outcome> {
  const path = await mkdtemp(join(tmpdir(), 'onlysum-registrar-'));
  try {
    const task = makeTask();
    const store = build.registrarSide.lmdbStore(path);
    const registrar = await build.registrarSide.createRegistrar({
      seed: REGISTRAR_SEED,
      tasks: [task],
      epochLengthMs: EPOCH_MS,
      store,
      now: () => START_MS,
    });
    const devices = await enrolDevices(registrar, DEVICES);
    await store.close();
    return await run(task, path, devices);
  } finally {
    await rm(path, { recursive: true, force: true });
  }
}

async function openRoster(coordinator: Coordinator, devices: Devices): Promise<void> {
  await coordinator.openWindow();
  const answer = await coordinator.roster(ROUND, devices);
  if (answer.kind !== 'roster') throw new RangeError(JSON.stringify(answer));
}

function askForSet(coordinator: Coordinator, set: readonly number[]): Promise<RegistrarResponse> {
  return coordinator.set('shared-set', ROUND, DEVICES, set);
}

async function startProcess(url: string, task: Task, path: string) {
  const script = fileURLToPath(new URL('./registrar-process.mjs', import.meta.url));
  const child = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const manifest = {
    manifest: task.manifest,
    signature: Buffer.from(task.signature).toString('hex'),
  };
  const seed = Buffer.from(REGISTRAR_SEED).toString('hex');
  child.stdin.write(`${JSON.stringify({ url, path, manifest, seed, nowMs: START_MS })}\n`);
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return { child, url: line };
}

async function kill(child: ChildProcess): Promise<void> {
  const gone = once(child, 'close');
  child.kill('SIGKILL');
  await gone;
}

/** Decides and signs U2 on what is there, and writes it down later. */
const signFirst = {
  file: 'registrar/src/attestation.ts',
  find: 'return await store.transact((ledger) =>',
  replace: `return await ((run) => {
      if (request.kind !== 'shared-set') return store.transact(run);
      const puts = new Map();
      const result = store.read((ledger) =>
        run({
          read: (key) => (puts.has(key) ? puts.get(key) : ledger.read(key)),
          put: (key, value) => void puts.set(key, value),
          remove: (key) => ledger.remove(key),
          keys: (prefix) => ledger.keys(prefix),
        }),
      );
      const record = (ledger) => puts.forEach((value, key) => ledger.put(key, value));
      setTimeout(() => store.transact(record).catch(() => undefined), 60_000).unref();
      return result;
    })((ledger) =>`,
};

export const askedTwice: Attack[] = [
  {
    name: 'an old round submitted again after a restore',
    designRow,
    stoppedBy: 'rosters of an earlier incarnation are dead',
    refusal: 'roster-closed',
    weaken: {
      file: 'protocol/src/registrar/roster.ts',
      find: 'record.incarnation === presentIncarnation(ledger) &&',
      replace: '',
    },
    run: afterRestore,
  },
  {
    name: 'a registrar put back to before it revoked, without a new incarnation',
    designRow,
    stoppedBy: 'a device takes no incarnation below one it has met',
    refusal: 'incarnation-rollback',
    weaken: [
      {
        file: 'protocol/src/device/advertise.ts',
        find: 'if (announcement.incarnation < params.incarnation) {',
        replace: 'if (false) {',
      },
      // Behind it: the same, in the step that records the contribution.
      {
        file: 'client/src/reservation.ts',
        find: '|| reservation.incarnation < registrarOf(record, registrar).incarnation',
        replace: '',
      },
    ],
    run: forgetRevocations,
  },
  {
    name: 'two different U2 at the same moment',
    designRow,
    stoppedBy: 'one serialised transaction decides, records and signs',
    refusal: 'set-known',
    weaken: signFirst,
    run: atOnce,
  },
  {
    name: 'a second U2 after SIGKILL',
    designRow,
    stoppedBy: 'what is signed is on disk before the signature leaves',
    refusal: 'set-known',
    weaken: signFirst,
    run: afterKill,
  },
];
