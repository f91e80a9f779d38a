/**
 * The attack behind "one attested U2". The victim is shown a U2 without its honest survivors, everybody
 * else the true one. Then the survivors, who have done nothing wrong, give shares of the victim's b (it is
 * in U3) and of the mask keys of the dropouts, which are all the honest neighbours the victim knows of.
 */
import { type Outcome, recovered } from './attack.js';
import { Arena } from './arena.js';
import { HostileRound } from './hostile-round.js';
import type { Build } from './weakened-build.js';

export const VICTIM = 0;
const SURVIVORS = [1, 2];
const DROPOUTS = [3, 4];
const COLLUDERS = [5, 6];

/** What the victim is shown: nobody honest in it but those whose keys will be opened. */
export const SHOWN = [VICTIM, ...DROPOUTS, ...COLLUDERS];
const SURVIVOR_SET = [VICTIM, ...SURVIVORS, ...COLLUDERS];

/** n = 7, A = 2, D = 2, t = 4: as much as the parameters allow the attacker. */
export function sevenDevices(build: Build, spare = 0): Arena {
  return new Arena(build, {
    honest: 5 + spare,
    colluders: 2,
    cohort: { min: 7, max: 7 },
    corrupt: 200,
    dropout: 286,
  });
}

export interface SecondSet {
  /** Gets a signature over {@link SHOWN} while the round is open. */
  readonly early?: (round: HostileRound) => Uint8Array;
  /** Before the true U2 is attested. */
  readonly before?: (round: HostileRound) => void;
  /** Gets it after the others are done. */
  readonly late?: (round: HostileRound) => Uint8Array;
}

/** @throws {Stopped} by whoever refuses. */
export function showAnotherSharedSet(arena: Arena, second: SecondSet): Outcome {
  const { build } = arena;
  const seats = { honest: arena.honest.slice(0, 5), colluders: arena.colluders };
  const round = new HostileRound(arena, seats).attestRoster().share();
  second.before?.(round);
  const shared = round.everyone;
  const sharedSignature = round.attest('shared-set', shared);
  let shownSignature = second.early?.(round);

  for (const seat of SURVIVORS) round.mask(seat, shared, sharedSignature);
  const survivorSignature = round.attest('survivor-set', SURVIVOR_SET);
  const given = SURVIVORS.map((seat) => {
    round.reveal(seat, shared, SURVIVOR_SET, survivorSignature);
    return round.recover(seat, [VICTIM], DROPOUTS);
  });

  shownSignature ??= second.late?.(round) ?? new Uint8Array(64);
  const vector = round.mask(VICTIM, SHOWN, shownSignature);

  const { t } = round.facts;
  const b = build.recoverSecret(
    [
      ...given.map(({ selfShares }) => selfShares.get(VICTIM)!),
      ...COLLUDERS.map((holder) => ({
        x: holder + 1,
        share: round.colludersShares(holder, VICTIM).ofSelfMask,
      })),
    ],
    t,
  );
  const pairs = new Map(COLLUDERS.map((seat) => [seat, round.colludersPairSecret(seat, VICTIM)]));
  for (const dropout of DROPOUTS) {
    const s = build.recoverSecret(
      [
        ...given.map(({ keyShares }) => keyShares.get(dropout)!),
        ...COLLUDERS.map((holder) => ({
          x: holder + 1,
          share: round.colludersShares(holder, dropout).ofMaskKey,
        })),
      ],
      t,
    );
    pairs.set(dropout, round.pairSecret(dropout, s, VICTIM));
  }
  const lanes = round.strip(vector, round.context2(SHOWN), VICTIM, b, pairs);
  return recovered(lanes, arena.honest[VICTIM]!.input);
}
