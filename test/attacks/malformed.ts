/** Bytes that say more, or less, than they should. */
import type { Attack, Outcome } from './attack.js';
import { Arena } from './arena.js';
import { HostileRound } from './hostile-round.js';
import { DEVICES, instead, isRightSum, simulate, whySentAway } from './simulated-fleet.js';
import type { Build } from './weakened-build.js';

const designRow = 'vector of the wrong length, stray bits, padding bits in bitmaps';
const LIAR = 2;

function sendVector(build: Build, change: (vector: Uint8Array) => Uint8Array): Outcome {
  const lie = instead(
    build,
    (device) => device === LIAR,
    build.maskedInput,
    (message) => ({ ...message, vector: change(message.vector) }),
  );
  const round = simulate(build, { intercept: lie });
  const { outcome } = round;
  if (outcome.kind !== 'result') throw new RangeError(outcome.kind);
  if (outcome.result.survivors < DEVICES) throw whySentAway(round, LIAR);
  const sum = isRightSum(build, round) ? 'right' : 'wrong';
  return { succeeded: true, detail: `the vector was taken (the sum is ${sum})` };
}

/** A seventh device in sets of six, so that four survivors count as five. The registrar helps. */
function countPhantom(build: Build): Outcome {
  const arena = new Arena(build, { honest: 6, cohort: { min: 6, max: 6 }, dropout: 200 });
  const round = new HostileRound(arena, { honest: arena.honest }).attestRoster().share();
  const phantom = 6;
  const shared = [...round.everyone, phantom];
  const survivors = [0, 1, 2, 3, phantom];
  const sharedStatement = build.sharedSetStatement(round.context, round.bitmap(shared));
  round.mask(0, shared, arena.asRegistrar(sharedStatement));
  const context2 = round.context2(shared);
  const survivorStatement = build.survivorSetStatement(context2, round.bitmap(survivors));
  round.reveal(0, shared, survivors, arena.asRegistrar(survivorStatement));
  return { succeeded: true, detail: 'the victim reveals b for a sum of 4, where n − D is 5' };
}

export const malformed: Attack[] = [
  {
    name: 'a vector that ends early',
    designRow,
    stoppedBy: 'exact lengths',
    refusal: 'wire-invalid',
    weaken: {
      file: 'protocol/src/packing.ts',
      find: 'if (packed.length !== bytes) {',
      replace: 'if (false) {',
    },
    run: (build) => sendVector(build, (vector) => vector.slice(0, -1)),
  },
  {
    name: 'bits after the last lane',
    designRow,
    stoppedBy: 'padding bits are zero',
    refusal: 'wire-invalid',
    weaken: {
      file: 'protocol/src/packing.ts',
      find: '>> usedBits !== 0',
      replace: '>> usedBits < 0',
    },
    run: (build) =>
      sendVector(build, (vector) =>
        vector.map((byte, i) => (i === vector.length - 1 ? byte | 0x80 : byte)),
      ),
  },
  {
    name: 'a phantom device in the padding bits of U2 and U3',
    designRow,
    stoppedBy: 'padding bits are zero',
    refusal: 'wire-invalid',
    weaken: {
      file: 'protocol/src/bitmap.ts',
      find: '(members.at(-1) ?? 0) >= n && members.length > 0',
      replace: 'false',
    },
    run: countPhantom,
  },
];
