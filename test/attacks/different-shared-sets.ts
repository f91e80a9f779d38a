/** Different rosters or different U2 for different devices. */
import type { Attack } from './attack.js';
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
    weaken: {
      file: 'protocol/src/device/masked-input.ts',
      find: '!isVerified(results[0])',
      replace: 'false',
    },
    run: (build) =>
      showAnotherSharedSet(sevenDevices(build), { late: () => new Uint8Array(64).fill(7) }),
  },
];
