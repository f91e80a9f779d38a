/** The coordinator swaps neighbours or their keys for its own, so that it holds every pair secret. */
import { type Attack, type Outcome, recovered } from './attack.js';
import { Arena } from './arena.js';
import { HostileRound } from './hostile-round.js';
import type { Build } from './weakened-build.js';

const designRow = "coordinator swaps a neighbour's keys or neighbours";
const VICTIM = 0;

interface ForgedNeighbour {
  readonly index: number;
  readonly cSecret: Uint8Array;
  readonly sSecret: Uint8Array;
  readonly c: Uint8Array;
  readonly s: Uint8Array;
}

/** Keys of the attacker in the places of all of the victim's neighbours. */
function forge(round: HostileRound): ForgedNeighbour[] {
  const { rng, suite } = round.arena;
  return round.neighboursOf(VICTIM).map((index) => {
    const [cSecret, sSecret] = [rng(32), rng(32)];
    return {
      index,
      cSecret,
      sSecret,
      c: suite.x25519PublicKey(cSecret),
      s: suite.x25519PublicKey(sSecret),
    };
  });
}

/** What the victim sealed to the forged neighbours opens for the attacker: t shares give b and s. */
function secretsOf(round: HostileRound, context: Uint8Array, forged: ForgedNeighbour[]) {
  const { build, suite } = round.arena;
  const victim = { index: VICTIM, ...round.members[VICTIM]! };
  const shares = forged.map((to) => {
    const agreement = suite.x25519(to.cSecret, victim.c);
    const key = build.channelKey(suite, agreement, context, victim, to);
    const plain = suite.open(key, round.box(VICTIM, to.index));
    return { x: to.index + 1, plain: plain ?? new Uint8Array(64) };
  });
  const half = (from: number) =>
    build.recoverSecret(
      shares.map(({ x, plain }) => ({ x, share: plain.slice(from, from + 32) })),
      round.facts.t,
    );
  return { b: half(0), s: half(32) };
}

function swapKeys(build: Build): Outcome {
  const arena = new Arena(build, { honest: 6, cohort: { min: 6, max: 6 } });
  const { suite } = arena;
  const round = new HostileRound(arena, { honest: arena.honest }).attestRoster();
  const forged = forge(round);
  const message = round.rosterMessage(VICTIM);
  const neighbours = build.encodeNeighbours(forged);
  round.machines[VICTIM]!.deliver(build.roster.encode({ ...message, neighbours }));
  round.boxes[VICTIM] = round.machines[VICTIM]!.take(build.shareKeys).boxes;

  const victim = { index: VICTIM, ...round.members[VICTIM]! };
  const shared = round.everyone;
  const vector = round.maskedBy(
    VICTIM,
    round.sharedSetMessage(VICTIM, shared, round.attest('shared-set', shared), (dealer) => {
      const from = forged.find(({ index }) => index === dealer)!;
      const agreement = suite.x25519(from.cSecret, victim.c);
      const key = build.channelKey(suite, agreement, round.context, from, victim);
      return suite.seal(key, new Uint8Array(64));
    }),
  );
  const { b } = secretsOf(round, round.context, forged);
  const pairs = forged.map((end) => {
    const agreement = suite.x25519(end.sSecret, victim.s);
    return [end.index, build.pairSecret(suite, agreement, round.context, end, victim)] as const;
  });
  const lanes = round.strip(vector, round.context2(shared), VICTIM, b, new Map(pairs));
  return recovered(lanes, arena.honest[VICTIM]!.input);
}

/** A whole tree of its own: without the registrar's signature it would get as far as b and s. */
function ownRoster(build: Build): Outcome {
  const arena = new Arena(build, { honest: 6, cohort: { min: 6, max: 6 } });
  const { suite } = arena;
  const round = new HostileRound(arena, { honest: arena.honest }).attestRoster();
  const forged = forge(round);
  const neighbours = build.encodeNeighbours(forged);
  const leaf = build.encodeLeaf(VICTIM, round.members[VICTIM]!, neighbours);
  const leaves = round.everyone.map((seat) => (seat === VICTIM ? leaf : Uint8Array.of(seat)));
  const tree = build.merkleTree(suite, leaves);
  const { root } = tree;
  const message = { ...round.rosterMessage(VICTIM), root, neighbours, path: tree.path(VICTIM) };
  round.machines[VICTIM]!.deliver(build.roster.encode(message));
  round.boxes[VICTIM] = round.machines[VICTIM]!.take(build.shareKeys).boxes;
  const { s } = secretsOf(round, build.roundContext(suite, { ...round.facts, root }), forged);
  const succeeded = build.equalBytes(suite.x25519PublicKey(s), round.members[VICTIM]!.s);
  return { succeeded, detail: succeeded ? "the victim's mask key" : 'not its mask key' };
}

export const swappedNeighbours: Attack[] = [
  {
    name: "all neighbours' keys are the coordinator's",
    designRow,
    stoppedBy: "path of the device's leaf to the attested root",
    refusal: 'roster-proof',
    weaken: {
      file: 'protocol/src/device/roster.ts',
      find: '!merkleVerify(suite, { ...proof, path: message.path })',
      replace: 'false',
    },
    run: swapKeys,
  },
  {
    name: 'a roster of the coordinator’s own making',
    designRow,
    stoppedBy: "registrar's signature over the roster",
    refusal: 'roster-signature',
    weaken: {
      file: 'protocol/src/device/share-keys.ts',
      find: '!isVerified(results[0])',
      replace: 'false',
    },
    run: ownRoster,
  },
];
