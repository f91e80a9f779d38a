/**
 * The same devices twice in a window, the victim only once: the difference of the two sums is its input.
 * Each device has the client's durable record, on which everything here leans.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Attack, type Outcome, Stopped, recovered } from './attack.js';
import { Arena } from './arena.js';
import { keepRecord, sentEntry } from './durable-record.js';
import { HostileRound } from './hostile-round.js';
import type { Reservation, Task } from './surface.js';
import type { Build } from './weakened-build.js';

const designRow =
  'same device twice in a window: two rounds at once, two tabs, twin tasks, epoch change, ' +
  'rolled-back window';
const VICTIM = 3;

function fourDevices(build: Build): Arena {
  const arena = new Arena(build, { honest: 4, cohort: { min: 3, max: 4 } });
  for (const identity of arena.honest) keepRecord(arena, identity);
  return arena;
}

/** Everybody in a round of one task, then everybody but the victim in a round of another. */
function difference(arena: Arena, second: () => Task): Outcome {
  const { honest } = arena;
  const withVictim = new HostileRound(arena, { honest }).play();
  const task = second();
  const without = new HostileRound(arena, { honest: honest.slice(0, VICTIM), task }).play();
  return subtracted(arena, withVictim, without);
}

function subtracted(arena: Arena, withVictim: Uint32Array, without: Uint32Array): Outcome {
  const moduli = arena.task.layout.widths.map((width) => 2 ** width);
  const lanes = withVictim.map((lane, j) => (lane - without[j]! + moduli[j]!) % moduli[j]!);
  return recovered(lanes, arena.honest[VICTIM]!.input);
}

/** A record of windows instead of intervals would not see that they overlap. */
const TWO_HOURS = { lengthMs: 7_200_000 };

function rollBack(build: Build): Outcome {
  const arena = fourDevices(build);
  return difference(arena, () => {
    // The attacker has a hand on everybody's clock, the registrar's included.
    arena.nowMs -= arena.task.manifest.window.lengthMs;
    return arena.task;
  });
}

/** Windows that have passed without a round are made up for in a minute, with the same values. */
function catchUp(build: Build): Outcome {
  const arena = fourDevices(build);
  const { honest } = arena;
  const cohorts = [honest, honest.slice(0, VICTIM)];
  const announced = cohorts.map(() => {
    const announcement = arena.announce();
    arena.nowMs += arena.task.manifest.window.lengthMs;
    return announcement;
  });
  const sums = cohorts.map((cohort, i) => {
    return new HostileRound(arena, { honest: cohort, announcement: announced[i]! }).play();
  });
  return subtracted(arena, sums[0]!, sums[1]!);
}

/** Records were cloned or rolled back, so that only the registrar's count is left. */
function withoutRecords(build: Build): Outcome {
  const arena = new Arena(build, { honest: 4, cohort: { min: 3, max: 4 } });
  return difference(arena, () => arena.task);
}

/** A device of the attacker with one enrolment, at the turn of an epoch: two pseudonyms, two seats. */
function bothEpochs(build: Build): Outcome {
  const arena = new Arena(build, { honest: 4, colluders: 1, cohort: { min: 3, max: 8 } });
  const old = arena.colluders[0]!;
  const pseudonymSeed = arena.rng(32);
  const unsigned = {
    previous: old.certificate.pseudonym,
    pseudonym: arena.suite.ed25519PublicKey(pseudonymSeed),
    epoch: old.certificate.epoch + 1,
  };
  const statement = build.renewalStatement(arena.registrar.publicKey, unsigned);
  const request = {
    ...unsigned,
    authorisation: arena.suite.ed25519Sign(old.pseudonymSeed, statement),
    proof: arena.suite.ed25519Sign(pseudonymSeed, statement),
  };
  const results = build.runDerive(arena.suite, build.renewChecks(request, arena.registrar));
  const context = arena.context();
  const certificate = build.renew(arena.ledger, request, results, arena.registrar, context);
  const renewed = { ...old, pseudonymSeed, certificate };
  new HostileRound(arena, { honest: arena.honest, colluders: [old, renewed] }).attestRoster();
  return { succeeded: true, detail: 'one enrolment has two seats in an attested roster' };
}

/** Two processes on one record, the second of which decides before the first has written. */
async function twoTabs(build: Build, url: string): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), 'onlysum-tabs-'));
  try {
    const reservation: Reservation = {
      publisher: new Uint8Array(32).fill(1),
      metrics: ['active'],
      windowStartMs: 3_600_000,
      windowEndMs: 7_200_000,
      incarnation: 1,
      round: new Uint8Array(16),
    };
    const entry = sentEntry(build, reservation);
    const said = await Promise.all(
      ['first', 'second'].map((tab) => runTab({ url, folder, tab, reservation, entry })),
    );
    if (said.every((outcome) => outcome === 'reserved')) {
      return { succeeded: true, detail: 'both processes may send a masked input' };
    }
    const [outcome = ''] = said.filter((one) => one !== 'reserved');
    throw new Stopped(outcome, 'the other process has already contributed for this window');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface TabJob {
  readonly url: string;
  readonly folder: string;
  readonly tab: string;
  readonly reservation: Reservation;
  readonly entry: ReturnType<typeof sentEntry>;
}

async function runTab(job: TabJob): Promise<string> {
  const script = fileURLToPath(new URL('./tab-process.mjs', import.meta.url));
  const child = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const { publisher, round, ...rest } = job.reservation;
  const bytes = { publisher: [...publisher], round: [...round] };
  child.stdin.end(JSON.stringify({ ...job, reservation: { ...rest, ...bytes } }));
  let said = '';
  child.stdout.on('data', (data: Buffer) => (said += data.toString()));
  await once(child, 'close');
  return said;
}

const forgetful = {
  file: 'client/src/reservation.ts',
  find: 'reservation.windowStartMs < (own(before, metric) ?? 0)',
  replace: 'false',
};

export const twiceInAWindow: Attack[] = [
  {
    name: 'twin tasks with the same metrics',
    designRow,
    stoppedBy: "the device's durable record is per metric",
    refusal: 'already-contributed',
    weaken: forgetful,
    run: (build) => {
      const arena = fourDevices(build);
      return difference(arena, () => arena.twin({ name: 'twin' }));
    },
  },
  {
    name: 'an offset-window twin',
    designRow: 'offset-window twin of a task',
    stoppedBy: "intervals in the device's durable record",
    refusal: 'already-contributed',
    weaken: {
      ...forgetful,
      replace: 'reservation.windowEndMs === (own(before, metric) ?? 0)',
    },
    run: (build) => {
      const arena = fourDevices(build);
      return difference(arena, () => arena.twin({ name: 'offset', window: TWO_HOURS }));
    },
  },
  {
    name: 'a window rolled back by the clock',
    designRow,
    stoppedBy: "the device's durable record never goes back",
    refusal: 'already-contributed',
    weaken: {
      ...forgetful,
      replace: 'reservation.windowEndMs === (own(before, metric) ?? 0)',
    },
    run: rollBack,
  },
  {
    name: 'past windows, made up for all at once',
    designRow,
    stoppedBy: "the device's own clock, and the registrar's",
    refusal: 'window-not-now',
    weaken: {
      file: 'protocol/src/window-clock.ts',
      find: 'return [nowMs, nowMs - skewMs, nowMs + skewMs]',
      replace: `return windowAt(manifest, index * manifest.window.lengthMs);
  [nowMs, nowMs - skewMs, nowMs + skewMs]`,
    },
    run: catchUp,
  },
  {
    name: 'a second round for devices whose records were rolled back',
    designRow,
    stoppedBy: "the registrar's count of who was included",
    refusal: 'already-included',
    weaken: {
      file: 'protocol/src/registrar/roster.ts',
      find: "if (seen.included) return 'already-included';",
      replace: '',
    },
    run: withoutRecords,
  },
  {
    name: 'both pseudonyms of a device at the turn of an epoch',
    designRow,
    stoppedBy: 'a certificate is for the one epoch of the window',
    refusal: 'certificate-refused',
    weaken: {
      file: 'protocol/src/registrar/roster.ts',
      find: 'certificate.epoch === epoch && ',
      replace: '',
    },
    run: bothEpochs,
  },
  {
    name: 'two processes of one device at once',
    designRow,
    stoppedBy: 'the record is changed by compare-and-set between processes',
    refusal: 'conflict',
    weaken: {
      file: 'client/src/node/file-store.ts',
      find: 'await link(temporary, this.#file(generation.number));',
      replace: `const { rename } = await import('node:fs/promises');
      await rename(temporary, this.#file(generation.number));`,
    },
    run: twoTabs,
  },
];
