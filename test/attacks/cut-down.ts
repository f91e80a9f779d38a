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

/** On the complete graph t + 1 devices have t neighbours each: only the size is wrong. */
function getSmallSetAttested(build: Build): Outcome {
  const arena = new Arena(build, { honest: 9, cohort: { min: 9, max: 9 }, dropout: 120 });
  const round = new HostileRound(arena, { honest: arena.honest }).attestRoster();
  round.attest('shared-set', round.everyone);
  round.attest('survivor-set', round.everyone.slice(0, round.facts.t + 1));
  return { succeeded: true, detail: `U3 of ${round.facts.t + 1} attested where n − D is 8` };
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
];
