/** Both kinds for one victim: its b, and what takes its pair masks off. */
import { type Attack, type Outcome, recovered } from './attack.js';
import { HostileRound, type Share } from './hostile-round.js';
import { VICTIM, sevenDevices } from './two-shared-sets.js';
import type { Build } from './weakened-build.js';

const designRow = 'both b and s of one victim over Unmasking and Recovery';
const HOLDERS = [1, 2, 3, 4];

/** The victim survives and gives b; then its neighbours are asked for shares of its s. */
function askForKeyOfSurvivor(build: Build): Outcome {
  const { round, vectors, everyone } = playUntilSurvivors(build);
  const signature = round.attest('survivor-set', everyone);
  const { b } = round.reveal(VICTIM, everyone, everyone, signature);
  const shares = HOLDERS.map((seat) => {
    round.reveal(seat, everyone, everyone, signature);
    return round.recover(seat, [], [VICTIM]).keyShares.get(VICTIM)!;
  });
  const s = build.recoverSecret(shares, round.facts.t);
  const pairs = round.neighboursOf(VICTIM).map((seat) => {
    return [seat, round.pairSecret(VICTIM, s, seat)] as const;
  });
  const vector = vectors.get(VICTIM)!;
  const lanes = round.strip(vector, round.context2(everyone), VICTIM, b, new Map(pairs));
  return recovered(lanes, round.arena.honest[VICTIM]!.input);
}

/** The victim's masked input is held back, so its pair secrets are given; then shares of its b. */
function askForSelfMaskOfDropout(build: Build): Outcome {
  const { round, vectors, everyone } = playUntilSurvivors(build);
  const survivors = everyone.filter((seat) => seat !== VICTIM);
  const signature = round.attest('survivor-set', survivors);
  const pairs = new Map<number, Uint8Array>();
  const shares = HOLDERS.map((seat): Share => {
    pairs.set(seat, round.reveal(seat, everyone, survivors, signature).pairs.get(VICTIM)!);
    return round.recover(seat, [VICTIM], []).selfShares.get(VICTIM)!;
  });
  for (const seat of round.colluderSeats) {
    pairs.set(seat, round.colludersPairSecret(seat, VICTIM));
  }
  const b = build.recoverSecret(shares, round.facts.t);
  const lanes = round.strip(vectors.get(VICTIM)!, round.context2(everyone), VICTIM, b, pairs);
  return recovered(lanes, round.arena.honest[VICTIM]!.input);
}

function playUntilSurvivors(build: Build) {
  const arena = sevenDevices(build);
  const { honest, colluders } = arena;
  const round = new HostileRound(arena, { honest, colluders }).attestRoster().share();
  const everyone = round.everyone;
  const vectors = round.maskAll(everyone, round.attest('shared-set', everyone));
  return { round, vectors, everyone };
}

export const bothKinds: Attack[] = [
  {
    name: 'shares of s of a survivor',
    designRow,
    stoppedBy: 'S lies in U2 \\ U3, whatever is asked',
    refusal: 'recovery-refused',
    weaken: {
      file: 'protocol/src/device/unmasking.ts',
      find: 'if (isShared.has(index) && !isSurvivor.has(index)) continue;',
      replace: 'continue;',
    },
    run: askForKeyOfSurvivor,
  },
  {
    name: 'shares of b of a dropout',
    designRow,
    stoppedBy: 'R lies in U3, whatever is asked',
    refusal: 'recovery-refused',
    weaken: {
      file: 'protocol/src/device/unmasking.ts',
      find: 'if (isSurvivor.has(index)) continue;',
      replace: 'continue;',
    },
    run: askForSelfMaskOfDropout,
  },
];
