/** The victim is told that it survived, and gives b; its neighbours are told that it did not, and give p. */
import { type Attack, type Outcome, recovered } from './attack.js';
import type { Arena } from './arena.js';
import { HostileRound } from './hostile-round.js';
import { VICTIM, sevenDevices } from './two-shared-sets.js';
import type { Build } from './weakened-build.js';

const designRow = 'different U3; device told it survived while its neighbours are told it did not';

/** @param secondSignature - over the U3 that the neighbours are shown. */
export function tellBoth(
  arena: Arena,
  secondSignature: (round: HostileRound, survivors: readonly number[]) => Uint8Array,
): Outcome {
  const { colluders } = arena;
  const honest = arena.honest.slice(0, 5);
  const round = new HostileRound(arena, { honest, colluders }).attestRoster().share();
  const everyone = round.everyone;
  const vectors = round.maskAll(everyone, round.attest('shared-set', everyone));
  const first = round.attest('survivor-set', everyone);
  const { b, pairs } = round.reveal(VICTIM, everyone, everyone, first);

  const others = everyone.filter((seat) => seat !== VICTIM);
  const second = secondSignature(round, others);
  for (const seat of [1, 2, 3, 4]) {
    pairs.set(seat, round.reveal(seat, everyone, others, second).pairs.get(VICTIM)!);
  }
  for (const seat of round.colluderSeats) {
    pairs.set(seat, round.colludersPairSecret(seat, VICTIM));
  }
  const lanes = round.strip(vectors.get(VICTIM)!, round.context2(everyone), VICTIM, b, pairs);
  return recovered(lanes, arena.honest[VICTIM]!.input);
}

/**
 * The registrar helps, and the victim alone is told three U3, one after the other: that all survived, for
 * which it gives b, and then that its neighbours did not, two at a time, for which it gives their p.
 */
function tellAgain(build: Build): Outcome {
  const arena = sevenDevices(build);
  const { honest, colluders } = arena;
  const round = new HostileRound(arena, { honest, colluders }).attestRoster().share();
  const everyone = round.everyone;
  const context2 = round.context2(everyone);
  const vector = round.mask(VICTIM, everyone, round.attest('shared-set', everyone));
  const pairs = new Map(
    round.colluderSeats.map((seat) => [seat, round.colludersPairSecret(seat, VICTIM)]),
  );
  let b = new Uint8Array(0);
  for (const dropped of [[], [1, 2], [3, 4]]) {
    const survivors = everyone.filter((seat) => !dropped.includes(seat));
    const statement = build.survivorSetStatement(context2, round.bitmap(survivors));
    const revealed = round.reveal(VICTIM, everyone, survivors, arena.asRegistrar(statement));
    b = new Uint8Array(revealed.b);
    for (const [seat, p] of revealed.pairs) pairs.set(seat, p);
  }
  const lanes = round.strip(vector, context2, VICTIM, b, pairs);
  return recovered(lanes, honest[VICTIM]!.input);
}

export const differentSurvivorSets: Attack[] = [
  {
    name: 'one device is told one U3 after the other, with the help of the registrar',
    designRow,
    stoppedBy: 'a device accepts one message of each stage',
    refusal: 'second-message',
    weaken: [
      {
        file: 'protocol/src/device/machine.ts',
        find: 'if (before !== undefined) {',
        replace: 'if (false) {',
      },
      // Behind it: the phase in which a first one would come.
      {
        file: 'protocol/src/device/machine.ts',
        find: "expectMessage(state, 'masked', 'SurvivorSet')",
        replace: 'state as never',
      },
    ],
    run: tellAgain,
  },
  {
    name: 'the registrar is asked for a second U3',
    designRow,
    stoppedBy: "the registrar's record of the U3 it attested",
    refusal: 'set-known',
    weaken: {
      file: 'protocol/src/registrar/sets.ts',
      find: 'records.survivorSet.put(ledger, { members, signature }, round);',
      replace: '',
    },
    run: (build) =>
      tellBoth(sevenDevices(build), (round, survivors) => round.attest('survivor-set', survivors)),
  },
  {
    name: 'the neighbours are shown a U3 that nobody signed',
    designRow,
    stoppedBy: "registrar's signature over U3",
    refusal: 'survivor-set-signature',
    weaken: {
      file: 'protocol/src/device/unmasking.ts',
      find: '!isVerified(results[0])',
      replace: 'false',
    },
    run: (build) => tellBoth(sevenDevices(build), () => new Uint8Array(64).fill(7)),
  },
];
