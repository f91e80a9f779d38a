/** Cohorts and sets so small that the sum is as good as one device's input. */
import { type Attack, type Outcome, recovered } from './attack.js';
import { Arena } from './arena.js';
import { HostileRound } from './hostile-round.js';
import type { Build } from './weakened-build.js';

const designRow = 'tiny cohort; survivor set cut to one';
const VICTIM = 0;

/** The registrar helps: it signs the U3 in which the victim is alone. */
function surviveAlone(build: Build): Outcome {
  const arena = new Arena(build, { honest: 6, cohort: { min: 6, max: 6 } });
  const round = new HostileRound(arena, { honest: arena.honest }).attestRoster().share();
  const everyone = round.everyone;
  const vector = round.mask(VICTIM, everyone, round.attest('shared-set', everyone));
  const context2 = round.context2(everyone);
  const alone = [VICTIM];
  const statement = build.survivorSetStatement(context2, round.bitmap(alone));
  const { b, pairs } = round.reveal(VICTIM, everyone, alone, arena.asRegistrar(statement));
  return recovered(round.strip(vector, context2, VICTIM, b, pairs), arena.honest[VICTIM]!.input);
}

/** The publisher helps: its manifest allows cohorts of three, and the coordinator has two devices. */
function threeDevices(build: Build): Outcome {
  const arena = new Arena(build, {
    honest: 1,
    colluders: 2,
    cohort: { min: 3, max: 3 },
    minHonest: 10,
  });
  const { honest, colluders } = arena;
  const round = new HostileRound(arena, { honest, colluders }).attestRoster().share();
  const everyone = round.everyone;
  const vector = round.mask(VICTIM, everyone, round.attest('shared-set', everyone));
  const signature = round.attest('survivor-set', everyone);
  const { b } = round.reveal(VICTIM, everyone, everyone, signature);
  const pairs = round.colluderSeats.map((seat) => {
    return [seat, round.colludersPairSecret(seat, VICTIM)] as const;
  });
  const context2 = round.context2(everyone);
  const lanes = round.strip(vector, context2, VICTIM, b, new Map(pairs));
  return recovered(lanes, honest[VICTIM]!.input);
}

function getTinyRosterAttested(build: Build): Outcome {
  const arena = new Arena(build, { honest: 6, cohort: { min: 5, max: 6 } });
  new HostileRound(arena, { honest: arena.honest.slice(0, 3) }).attestRoster();
  return { succeeded: true, detail: 'a roster of 3 attested where the manifest wants 5' };
}

function getSmallSetAttested(build: Build): Outcome {
  const round = nineDevices(build);
  round.attest('shared-set', round.everyone);
  round.attest('survivor-set', round.everyone.slice(0, round.facts.t + 1));
  return { succeeded: true, detail: `U3 of ${round.facts.t + 1} attested where n − D is 8` };
}

/** n = 9, D = 1, t = 5: sets of t + 1 have enough neighbours for everybody, and are too small. */
function nineDevices(build: Build): HostileRound {
  const arena = new Arena(build, { honest: 9, cohort: { min: 9, max: 9 }, dropout: 120 });
  return new HostileRound(arena, { honest: arena.honest }).attestRoster();
}

/** The registrar helps: it signs the small U2. */
function maskForSmallSet(build: Build): Outcome {
  const round = nineDevices(build).share();
  const few = round.everyone.slice(0, round.facts.t + 1);
  const statement = build.sharedSetStatement(round.context, round.bitmap(few));
  round.mask(VICTIM, few, round.arena.asRegistrar(statement));
  return { succeeded: true, detail: `the victim masks for a sum of ${few.length}, n − D is 8` };
}

function getSmallSharedSetAttested(build: Build): Outcome {
  const round = nineDevices(build);
  const few = round.everyone.slice(0, round.facts.t + 1);
  round.attest('shared-set', few);
  return { succeeded: true, detail: `U2 of ${few.length} attested where n − D is 8` };
}

/** n = 7, D = 2: U2 has five, U3 as many, of which two shared no keys: a sum over three. */
const SHARED = [0, 1, 2, 3, 4];
const WITH_STRANGERS = [0, 1, 2, 5, 6];

function sevenHonest(build: Build): HostileRound {
  const arena = new Arena(build, {
    honest: 7,
    cohort: { min: 7, max: 7 },
    corrupt: 200,
    dropout: 286,
  });
  return new HostileRound(arena, { honest: arena.honest }).attestRoster();
}

/** The registrar helps: it signs a U3 that is not within U2. */
function countStrangers(build: Build): Outcome {
  const round = sevenHonest(build).share();
  round.mask(VICTIM, SHARED, round.attest('shared-set', SHARED));
  const context2 = round.context2(SHARED);
  const statement = build.survivorSetStatement(context2, round.bitmap(WITH_STRANGERS));
  round.reveal(VICTIM, SHARED, WITH_STRANGERS, round.arena.asRegistrar(statement));
  return { succeeded: true, detail: 'the victim reveals b for a sum of 3, where n − D is 5' };
}

function getStrangersAttested(build: Build): Outcome {
  const round = sevenHonest(build);
  round.attest('shared-set', SHARED);
  round.attest('survivor-set', WITH_STRANGERS);
  return { succeeded: true, detail: 'U3 attested of which two shared no keys' };
}

export const cutDown: Attack[] = [
  {
    name: 'a U3 of the victim alone, with the help of the registrar',
    designRow,
    stoppedBy: "the device's own floor for U3",
    refusal: 'set-too-small',
    weaken: {
      file: 'protocol/src/device/unmasking.ts',
      find: "checkPresent('U3', members, seat, Math.max(minSurvivors, seat.parameters.fewestPresent));",
      replace: '',
    },
    run: surviveAlone,
  },
  {
    name: 'a manifest that allows a cohort of three',
    designRow,
    stoppedBy: "the device's own floor for the roster",
    refusal: 'below-floor',
    weaken: {
      file: 'protocol/src/device/roster.ts',
      find: 'checkRosterFloor({ n: message.n, ...task.manifest.assumptions }, floor);',
      replace: '',
    },
    run: threeDevices,
  },
  {
    name: "a roster below the manifest's cohort",
    designRow,
    stoppedBy: "the registrar's floor for the roster",
    refusal: 'cohort-size',
    weaken: {
      file: 'protocol/src/registrar/roster.ts',
      find: 'if (n >= cohort.min && n <= cohort.max) return;',
      replace: 'return;',
    },
    run: getTinyRosterAttested,
  },
  {
    name: 'a U3 below n − D',
    designRow,
    stoppedBy: "the registrar's floor for U3",
    refusal: 'set-too-small',
    weaken: {
      file: 'protocol/src/registrar/sets.ts',
      find: "checkSize('U3', set.members.length, fewest);",
      replace: '',
    },
    run: getSmallSetAttested,
  },
  {
    name: 'a U2 below n − D, with the help of the registrar',
    designRow,
    stoppedBy: "the device's own floor for U2",
    refusal: 'set-too-small',
    weaken: {
      file: 'protocol/src/device/masked-input.ts',
      find: "checkPresent('U2', members, seat, seat.parameters.fewestPresent);",
      replace: '',
    },
    run: maskForSmallSet,
  },
  {
    name: 'a U2 below n − D',
    designRow,
    stoppedBy: "the registrar's floor for U2",
    refusal: 'set-too-small',
    weaken: {
      file: 'protocol/src/registrar/sets.ts',
      find: "checkSize('U2', set.members.length, fewestPresent);",
      replace: '',
    },
    run: getSmallSharedSetAttested,
  },
  {
    name: 'a U3 filled up with devices outside U2, with the help of the registrar',
    designRow,
    stoppedBy: 'the device itself wants U3 within U2',
    refusal: 'set-not-nested',
    weaken: {
      file: 'protocol/src/device/unmasking.ts',
      find: 'if (stranger !== undefined) {',
      replace: 'if (false) {',
    },
    run: countStrangers,
  },
  {
    name: 'a U3 filled up with devices outside U2',
    designRow,
    stoppedBy: 'the registrar attests a U3 within U2 only',
    refusal: 'set-not-nested',
    weaken: {
      file: 'protocol/src/registrar/sets.ts',
      find: 'if (stranger !== undefined) {',
      replace: 'if (false) {',
    },
    run: getStrangersAttested,
  },
];
