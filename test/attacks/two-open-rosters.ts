/** One device in two rosters at once, to spoil the round of the first. */
import { type Attack, type Outcome, Stopped } from './attack.js';
import { Arena } from './arena.js';
import { HostileRound } from './hostile-round.js';
import type { Build } from './weakened-build.js';

function joinTwice(build: Build): Outcome {
  const arena = new Arena(build, { honest: 8, colluders: 1, cohort: { min: 5, max: 8 } });
  const { honest, colluders } = arena;
  const first = new HostileRound(arena, { honest: honest.slice(0, 4), colluders }).attestRoster();
  new HostileRound(arena, { honest: honest.slice(4), colluders }).attestRoster();
  try {
    first.attest('shared-set', first.everyone);
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
    return { succeeded: true, detail: `the first round cannot go on (${error.message})` };
  }
  return { succeeded: false, detail: 'the first round goes on' };
}

export const twoOpenRosters: Attack[] = [
  {
    name: 'a second roster while the first is open',
    designRow: 'one device in two open rosters, to poison a running sum',
    stoppedBy: 'one open roster per device and window',
    refusal: 'in-open-roster',
    weaken: {
      file: 'protocol/src/registrar/roster.ts',
      find: "? 'in-open-roster' : undefined",
      replace: '? undefined : undefined',
    },
    run: joinTwice,
  },
];
