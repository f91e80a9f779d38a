/** Different rosters or different U2 for different devices. */
import type { Attack, Outcome } from './attack.js';
import { Arena } from './arena.js';
import { HostileRound } from './hostile-round.js';
import { SHOWN, sevenDevices, showAnotherSharedSet } from './two-shared-sets.js';
import type { Build } from './weakened-build.js';

const designRow = 'different rosters or different U2 for different devices';

/** Two cohorts that both believe to be the round of this id. */
function twoRosters(build: Build): Outcome {
  const arena = new Arena(build, { honest: 10, cohort: { min: 5, max: 5 } });
  const round = arena.rng(16);
  const cohorts = [arena.honest.slice(0, 5), arena.honest.slice(5)];
  const rosters = cohorts.map((honest) => new HostileRound(arena, { honest, round }));
  for (const roster of rosters) roster.attestRoster();
  return { succeeded: true, detail: 'two rosters attested under one round id' };
}

export const differentSharedSets: Attack[] = [
  {
    name: 'the registrar is asked for a second roster',
    designRow,
    stoppedBy: 'one roster attested per round id',
    refusal: 'round-known',
    weaken: {
      file: 'protocol/src/registrar/roster.ts',
      find: 'if (before !== undefined) return repeated(before, digest);',
      replace: '',
    },
    run: twoRosters,
  },
  {
    name: 'the registrar is asked for a second U2',
    designRow,
    stoppedBy: 'one U2 attested per round',
    refusal: 'set-known',
    weaken: {
      file: 'protocol/src/registrar/sets.ts',
      find: "if (before !== undefined) return repeated(before, members, 'U2');",
      replace: '',
    },
    run: (build) =>
      showAnotherSharedSet(sevenDevices(build), {
        early: (round) => {
          const signature = round.attest('shared-set', SHOWN);
          // A registrar that signs anything takes the true one again, for U3 to lie within it.
          round.attest('shared-set', round.everyone);
          return signature;
        },
      }),
  },
  {
    name: 'the victim is shown a U2 that nobody signed',
    designRow,
    stoppedBy: "registrar's signature over U2",
    refusal: 'shared-set-signature',
    weaken: {
      file: 'protocol/src/device/masked-input.ts',
      find: '!isVerified(results[0])',
      replace: 'false',
    },
    run: (build) =>
      showAnotherSharedSet(sevenDevices(build), { late: () => new Uint8Array(64).fill(7) }),
  },
];
