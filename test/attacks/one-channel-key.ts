/**
 * If both directions of a channel had one key, with the zero nonce, the xor of the two boxes would be
 * the xor of the two plaintexts. A survivor gives its shares of the dropouts' keys, which are one of the
 * two; so each dropout is worth one share of the survivor's own key, as a colluder is.
 */
import { type Attack, type Outcome, recovered } from './attack.js';
import { HostileRound, type Share } from './hostile-round.js';
import { VICTIM, sevenDevices } from './two-shared-sets.js';
import type { Build } from './weakened-build.js';

const DROPOUTS = [3, 4];

function xorBoxes(build: Build): Outcome {
  const arena = sevenDevices(build);
  const { honest, colluders } = arena;
  const round = new HostileRound(arena, { honest, colluders }).attestRoster().share();
  const shared = round.everyone;
  const survivors = shared.filter((seat) => !DROPOUTS.includes(seat));
  const vectors = round.maskAll(shared, round.attest('shared-set', shared), DROPOUTS);
  const signature = round.attest('survivor-set', survivors);
  const { b } = round.reveal(VICTIM, shared, survivors, signature);
  const { keyShares } = round.recover(VICTIM, [], DROPOUTS);

  const fromDropouts = DROPOUTS.map((seat): Share => {
    const [out, back] = [round.box(VICTIM, seat), round.box(seat, VICTIM)];
    const dealtToVictim = keyShares.get(seat)!.share;
    const share = dealtToVictim.map((byte, i) => byte ^ out[32 + i]! ^ back[32 + i]!);
    return { x: seat + 1, share };
  });
  const fromColluders = round.colluderSeats.map((holder): Share => {
    return { x: holder + 1, share: round.colludersShares(holder, VICTIM).ofMaskKey };
  });
  const s = build.recoverSecret([...fromDropouts, ...fromColluders], round.facts.t);
  const pairs = round.neighboursOf(VICTIM).map((seat) => {
    return [seat, round.pairSecret(VICTIM, s, seat)] as const;
  });
  const vector = vectors.get(VICTIM)!;
  const lanes = round.strip(vector, round.context2(shared), VICTIM, b, new Map(pairs));
  return recovered(lanes, arena.honest[VICTIM]!.input);
}

export const oneChannelKey: Attack[] = [
  {
    name: 'xor of the two boxes of a channel',
    designRow: 'both directions of a channel sealed under one key and nonce: xor of two boxes',
    stoppedBy: 'a key per direction, used once',
    weaken: {
      file: 'protocol/src/masking.ts',
      find: 'LABELS.channelKey, from.index, to.index, from.c, to.c',
      replace: 'LABELS.channelKey',
    },
    run: xorBoxes,
  },
];
