/** Different rosters or different U2 for different devices. */
import type { Attack } from './attack.js';
import { HostileRound } from './hostile-round.js';
import { SHOWN, sevenDevices, showAnotherSharedSet } from './two-shared-sets.js';

const designRow = 'different rosters or different U2 for different devices';

export const differentSharedSets: Attack[] = [
  {
    name: 'the registrar is asked for a second U2',
    designRow,
    stoppedBy: 'one U2 attested per round',
    weaken: {
      file: 'protocol/src/registrar/sets.ts',
      find: "if (before !== undefined) return repeated(before, members, 'U2');",
      replace: '',
    },
    run: (build) =>
      showAnotherSharedSet(sevenDevices(build), {
        early: (round) => round.attest('shared-set', SHOWN),
      }),
  },
  {
    name: 'the victim is shown a U2 that nobody signed',
    designRow,
    stoppedBy: "registrar's signature over U2",
    weaken: {
      file: 'protocol/src/device/masked-input.ts',
      find: '!isVerified(results[0])',
      replace: 'false',
    },
    run: (build) =>
      showAnotherSharedSet(sevenDevices(build), { late: () => new Uint8Array(64).fill(7) }),
  },
  {
    name: 'the signature over the same U2 of another round',
    designRow: 'replays across rounds, tasks, coordinators',
    stoppedBy: 'the context in what is signed over U2',
    weaken: {
      file: 'protocol/src/context.ts',
      find: 'encodeLabelled(LABELS.sharedSet, context, sharedSet)',
      replace: 'encodeLabelled(LABELS.sharedSet, sharedSet)',
    },
    run: (build) => {
      const arena = sevenDevices(build, 7);
      const other = new HostileRound(arena, { honest: arena.honest.slice(5) }).attestRoster();
      const signature = other.attest('shared-set', SHOWN);
      return showAnotherSharedSet(arena, { late: () => signature });
    },
  },
];
