/** Things that were right once, somewhere else: a Hello, an advertisement, a signature over a set. */
import { type Attack, type Outcome, Stopped } from './attack.js';
import { Arena, Machine } from './arena.js';
import { tellBoth } from './different-survivor-sets.js';
import { HostileRound } from './hostile-round.js';
import { SHOWN, VICTIM, sevenDevices, showAnotherSharedSet } from './two-shared-sets.js';
import type { Task } from './surface.js';
import type { Build } from './weakened-build.js';

const designRow = 'replays of messages, challenges, signatures across rounds, tasks, coordinators';

/** To an honest coordinator of `arena.task`. @throws {Stopped} if it does not let the sender in. */
function admit(arena: Arena, hello: Uint8Array, challenge: Uint8Array): Outcome {
  const { build, suite, tasks, nowMs } = arena;
  let results: ReturnType<Build['runDerive']>;
  try {
    results = build.runDerive(suite, build.checkHello(hello, challenge, tasks, nowMs).batch);
    build.admit(results);
  } catch (error) {
    if (error instanceof build.OnlysumError) throw new Stopped(error.code, error.message);
    throw error;
  }
  return { succeeded: true, detail: 'an honest coordinator takes the attacker for the victim' };
}

function replayHello(build: Build): Outcome {
  const arena = new Arena(build, { honest: 1, cohort: { min: 3, max: 3 } });
  const machine = new Machine(arena, arena.honest[0]!);
  machine.deliver(build.challenge.encode({ challenge: arena.rng(32) }));
  return admit(arena, machine.sent[0]!, arena.rng(32));
}

/** Two coordinators: the victim answers the hostile one, which passes the answer on. */
function relayHello(build: Build): Outcome {
  const arena = new Arena(build, { honest: 1, cohort: { min: 3, max: 3 } });
  const { key } = arena.task.manifest.coordinator;
  const hostile: Task = arena.twin({ coordinator: { key, url: 'wss://hostile.example' } });
  const challenge = arena.rng(32);
  const machine = new Machine(arena, arena.honest[0]!, hostile);
  machine.deliver(build.challenge.encode({ challenge }));
  const answer = { ...machine.take(build.hello), taskId: arena.task.taskId };
  return admit(arena, build.hello.encode(answer), challenge);
}

function replayAdvertisements(build: Build): Outcome {
  const arena = new Arena(build, { honest: 5, cohort: { min: 5, max: 5 } });
  const first = new HostileRound(arena, { honest: arena.honest }).attestRoster();
  arena.ask({ kind: 'close', round: first.round });
  arena.ask({
    kind: 'roster',
    taskId: arena.task.taskId,
    window: first.announcement.window,
    round: arena.rng(16),
    lifetimeMs: 600_000,
    members: first.members,
  });
  return { succeeded: true, detail: 'a roster attested of devices that never joined its round' };
}

/** Somebody saw the token with which a device came back, and comes back with it once more. */
function reuseToken(build: Build): Outcome {
  const arena = new Arena(build, { honest: 1, cohort: { min: 3, max: 3 } });
  const { task, nowMs } = arena;
  const announcement = arena.announce();
  const params = {
    task,
    window: build.windowAt(task.manifest, nowMs),
    announcement,
    round: arena.rng(16),
    durations: build.DEFAULT_DURATIONS,
    uploadCredits: build.DEFAULT_UPLOAD_CREDITS,
    unmasking: 'direct',
  } as const;
  const [gathering] = build.startRound(params, nowMs);
  const { certificate } = arena.honest[0]!;
  const join = { kind: 'join', device: 1, certificate } as const;
  const [joined, offered] = build.stepCoordinator(gathering, join, params, arena.context());
  const offer = offered.find((effect) => effect.kind === 'send');
  const { token } = build.offer.parse(build.decodeFrame(offer?.bytes ?? new Uint8Array(0)));
  const victim = { kind: 'resume', device: 2, token } as const;
  const [resumed] = build.stepCoordinator(joined, victim, params, arena.context());
  const thief = { kind: 'resume', device: 3, token } as const;
  const [, answers] = build.stepCoordinator(resumed, thief, params, arena.context());
  for (const answer of answers) {
    if (answer.kind === 'drop') throw new Stopped(answer.code, answer.detail);
  }
  return { succeeded: true, detail: "the thief has the device's place in the round" };
}

/** The registrar serves several coordinators: one of them asks in the place of another. */
function askForAnother(build: Build): Outcome {
  const arena = new Arena(build, { honest: 5, cohort: { min: 5, max: 5 } });
  const round = new HostileRound(arena, { honest: arena.honest }).attestRoster();
  arena.ask({ kind: 'close', round: round.round }, arena.rng(32));
  return { succeeded: true, detail: 'the roster of another coordinator is closed' };
}

/** Another round of as many devices, of which the registrar attests what the attacker needs here. */
function anotherRound(arena: Arena): HostileRound {
  return new HostileRound(arena, { honest: arena.honest.slice(5) }).attestRoster();
}

export const replays: Attack[] = [
  {
    name: 'a Hello from another connection',
    designRow,
    stoppedBy: 'a fresh challenge in what is signed',
    refusal: 'hello-refused',
    weaken: {
      file: 'protocol/src/device/hello.ts',
      find: 'LABELS.hello, challenge, nonce, url, taskId',
      replace: 'LABELS.hello, nonce, url, taskId',
    },
    run: replayHello,
  },
  {
    name: 'a Hello meant for another coordinator',
    designRow,
    stoppedBy: 'URL and task in what is signed',
    refusal: 'hello-refused',
    weaken: {
      file: 'protocol/src/device/hello.ts',
      find: 'LABELS.hello, challenge, nonce, url, taskId',
      replace: 'LABELS.hello, challenge, nonce',
    },
    run: relayHello,
  },
  {
    name: 'the advertisements of another round',
    designRow,
    stoppedBy: 'the round in what is signed',
    refusal: 'advertisement-refused',
    weaken: {
      file: 'protocol/src/device/advertise.ts',
      find: 'LABELS.advertise, taskId, window, incarnation, round,',
      replace: 'LABELS.advertise, taskId, window, incarnation,',
    },
    run: replayAdvertisements,
  },
  {
    name: 'a request in the name of another coordinator',
    designRow,
    stoppedBy: "the coordinator's signature over each request",
    refusal: 'request-signature',
    weaken: {
      file: 'protocol/src/registrar/machine.ts',
      find: 'if (results[0] !== true) {',
      replace: 'if (false) {',
    },
    run: askForAnother,
  },
  {
    name: 'a resume token that was used',
    designRow,
    stoppedBy: 'a token works once',
    refusal: 'resume-refused',
    weaken: {
      file: 'protocol/src/coordinator/resume.ts',
      find: 'holder.token = context.rng(KEY_BYTES);',
      replace: '',
    },
    run: reuseToken,
  },
  {
    name: 'the signature over the same U2 of another round',
    designRow,
    stoppedBy: 'the context in what is signed over U2',
    refusal: 'shared-set-signature',
    weaken: {
      file: 'protocol/src/context.ts',
      find: 'LABELS.sharedSet, context, sharedSet',
      replace: 'LABELS.sharedSet, sharedSet',
    },
    run: (build) => {
      const arena = sevenDevices(build, 7);
      const signature = anotherRound(arena).attest('shared-set', SHOWN);
      return showAnotherSharedSet(arena, { late: () => signature });
    },
  },
  {
    name: 'the signature over the same U3 of another round',
    designRow,
    stoppedBy: 'the context in what is signed over U3',
    refusal: 'survivor-set-signature',
    weaken: {
      file: 'protocol/src/context.ts',
      find: 'LABELS.survivorSet, context2, survivorSet',
      replace: 'LABELS.survivorSet, survivorSet',
    },
    run: (build) => {
      const arena = sevenDevices(build, 7);
      const other = anotherRound(arena);
      const { everyone } = other;
      other.attest('shared-set', everyone);
      const signature = other.attest(
        'survivor-set',
        everyone.filter((seat) => seat !== VICTIM),
      );
      return tellBoth(arena, () => signature);
    },
  },
];
