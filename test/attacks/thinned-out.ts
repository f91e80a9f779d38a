/** Dropouts of the coordinator's choice: all neighbours of one victim, or a cut through the graph. */
import { type Attack, type Outcome, recovered } from './attack.js';
import { Arena } from './arena.js';
import { HostileRound } from './hostile-round.js';
import type { Build } from './weakened-build.js';

const designRow = "victim's neighbours dropped one by one, or the graph cut in two";
const VICTIM = 0;
const COLLUDERS = 3;

/** n = 300, γ = 1 %, δ = 10 %: k = 30 = D, so that all neighbours of one device can be dropped. */
function sparseRound(build: Build): HostileRound {
  const arena = new Arena(build, {
    honest: 300 - COLLUDERS,
    colluders: COLLUDERS,
    cohort: { min: 300, max: 300 },
    corrupt: 10,
    dropout: 100,
  });
  const { honest, colluders } = arena;
  return new HostileRound(arena, { honest, colluders }).attestRoster();
}

/** @param sign - over the U3 in which the victim is alone among strangers. */
function dropNeighbours(
  build: Build,
  sign: (round: HostileRound, survivors: readonly number[]) => Uint8Array,
): Outcome {
  const round = sparseRound(build);
  const neighbours = round.neighboursOf(VICTIM);
  round.share([VICTIM, ...neighbours]);
  const everyone = round.everyone;
  const vector = round.mask(VICTIM, everyone, round.attest('shared-set', everyone));
  const survivors = everyone.filter((seat) => !neighbours.includes(seat));
  const signature = sign(round, survivors);
  const { b, pairs } = round.reveal(VICTIM, everyone, survivors, signature);
  const lanes = round.strip(vector, round.context2(everyone), VICTIM, b, pairs);
  return recovered(lanes, round.arena.honest[VICTIM]!.input);
}

/** A registrar that helps: it signs any U3, so that only the victim's own check is left. */
function byHelpfulRegistrar(round: HostileRound, survivors: readonly number[]): Uint8Array {
  const { build } = round.arena;
  const context2 = round.context2(round.everyone);
  return round.arena.asRegistrar(build.survivorSetStatement(context2, round.bitmap(survivors)));
}

/** Nobody near the victim is said to have shared keys: no pair mask lies over its input. */
function shareWithNobody(build: Build): Outcome {
  const round = sparseRound(build);
  const neighbours = round.neighboursOf(VICTIM);
  round.share([VICTIM]);
  const shown = round.everyone.filter((seat) => !neighbours.includes(seat));
  const statement = build.sharedSetStatement(round.context, round.bitmap(shown));
  const vector = round.mask(VICTIM, shown, round.arena.asRegistrar(statement));
  const context2 = round.context2(shown);
  const survived = build.survivorSetStatement(context2, round.bitmap(shown));
  const signature = round.arena.asRegistrar(survived);
  const { b } = round.reveal(VICTIM, shown, shown, signature);
  const lanes = round.strip(vector, context2, VICTIM, b, new Map());
  return recovered(lanes, round.arena.honest[VICTIM]!.input);
}

/** Each roster has a new seed: ask until the graph is as it should be for the attacker. */
function drawUntilItFits(build: Build): Outcome {
  const attempts = 2;
  const arena = new Arena(build, { honest: 5, cohort: { min: 5, max: 5 }, attempts });
  const { honest } = arena;
  const announcement = arena.announce();
  for (let asked = 0; asked <= attempts; asked++) {
    const round = new HostileRound(arena, { honest, announcement }).attestRoster();
    arena.ask({ kind: 'close', round: round.round });
  }
  return { succeeded: true, detail: 'the same devices have three graphs where two are allowed' };
}

function getThinSetAttested(build: Build): Outcome {
  const round = sparseRound(build);
  const neighbours = round.neighboursOf(VICTIM);
  round.attest('shared-set', round.everyone);
  const survivors = round.everyone.filter((seat) => !neighbours.includes(seat));
  round.attest('survivor-set', survivors);
  return { succeeded: true, detail: 'U3 attested in which the victim has no neighbour' };
}

/** Two sums out of one U3: that of an island, and thereby that of the rest. */
function cutGraph(build: Build): Outcome {
  const round = sparseRound(build);
  const cut = findCut(round);
  if (cut === undefined) {
    const detail = 'no set of survivors that 30 drops cut off while everybody keeps t neighbours';
    return { succeeded: false, detail };
  }
  const { island, dropped } = cut;
  const { build: made, suite, honest } = round.arena;
  const around = new Set([...island, ...island.flatMap((seat) => round.neighboursOf(seat))]);
  round.share([...around]);
  const everyone = round.everyone;
  const shared = round.attest('shared-set', everyone);
  const vectors = island.map((seat) => [seat, round.mask(seat, everyone, shared)] as const);
  const survivors = everyone.filter((seat) => !dropped.includes(seat));
  const signature = round.attest('survivor-set', survivors);
  const context2 = round.context2(everyone);
  const { widths } = round.task.layout;
  const sum = new Uint32Array(widths.length);
  for (const [seat, vector] of vectors) {
    made.addPacked(sum, vector, widths);
    const { b, pairs } = round.reveal(seat, everyone, survivors, signature);
    made.removeMasks(suite, sum, [made.selfMask(suite, context2, seat, b)]);
    for (const other of round.neighboursOf(seat)) {
      if (other >= round.machines.length) pairs.set(other, round.colludersPairSecret(other, seat));
    }
    for (const [other, p] of pairs)
      made.removeMasks(suite, sum, [made.pairMask(suite, context2, seat, other, p)]);
  }
  const plain = widths.map((width, j) =>
    island.reduce((total, seat) => (total + honest[seat]!.input[j]!) % 2 ** width, 0),
  );
  const succeeded = plain.every((value, j) => value === sum[j]! % 2 ** widths[j]!);
  const detail = `the sum over ${island.length} of ${survivors.length} survivors alone`;
  return { succeeded, detail };
}

/** Grows a set from every device in turn, always by the neighbour that leaves the smallest border. */
function findCut(round: HostileRound) {
  const most = 30;
  const isColluder = (seat: number) => seat >= round.machines.length;
  for (const start of round.machines.keys()) {
    const island = new Set([start]);
    const borderWith = (more: readonly number[]) => {
      const all = new Set([...island, ...more]);
      const border = new Set<number>();
      for (const seat of all) {
        for (const other of round.neighboursOf(seat)) if (!all.has(other)) border.add(other);
      }
      return border;
    };
    for (let border = borderWith([]); island.size < 150; ) {
      const dropped = [...border].filter((seat) => !isColluder(seat));
      if (dropped.length > 2 * most) break;
      if (dropped.length <= most && island.size > 1 && keepsNeighbours(round, dropped)) {
        return { island: [...island].filter((seat) => !isColluder(seat)), dropped };
      }
      const grown = dropped.map((seat) => ({ seat, border: borderWith([seat]) }));
      const best = grown.reduce((a, b) => (b.border.size < a.border.size ? b : a));
      island.add(best.seat);
      border = best.border;
    }
  }
  return undefined;
}

function keepsNeighbours(round: HostileRound, dropped: readonly number[]): boolean {
  const gone = new Set(dropped);
  return round.everyone.every((seat) => {
    const left = round.neighboursOf(seat).filter((other) => !gone.has(other)).length;
    return gone.has(seat) || left >= round.facts.t;
  });
}

/** k/2 neighbours on each side of one random circle: cheaper to draw than k/2 tables. */
const RING = `if (graph === 'tables') {
    const key = (i: number) => suite.hmacSha256(seed, Uint8Array.of(i >> 8, i & 255)).join();
    const order = Array.from({ length: n }, (_, i) => i)
      .sort((a, b) => (key(a) < key(b) ? -1 : 1));
    const place = new Map(order.map((index, seat) => [index, seat]));
    return {
      neighbours: Array.from({ length: n }, (_, index) =>
        Array.from({ length: k }, (_, j) => {
          const step = j < k / 2 ? j + 1 : n - (j - k / 2 + 1);
          return order[((place.get(index) ?? 0) + step) % n] ?? 0;
        }).sort((a, b) => a - b),
      ),
    };
  }
  `;

export const thinnedOut: Attack[] = [
  {
    name: 'all neighbours of the victim dropped, with the help of the registrar',
    designRow,
    stoppedBy: 'the device itself wants t neighbours in U3',
    refusal: 'set-too-thin',
    weaken: {
      file: 'protocol/src/device/masked-input.ts',
      find: 'if (members.includes(seat.index) && near < seat.parameters.t) {',
      replace: 'if (false) {',
    },
    run: (build) => dropNeighbours(build, byHelpfulRegistrar),
  },
  {
    name: 'all neighbours of the victim dropped',
    designRow,
    stoppedBy: 'the registrar attests only sets in which everybody keeps t neighbours',
    refusal: 'set-too-thin',
    weaken: {
      file: 'protocol/src/registrar/sets.ts',
      find: 'if (thin !== undefined) {',
      replace: 'if (false) {',
    },
    run: getThinSetAttested,
  },
  {
    name: 'a cut through the graph',
    designRow,
    stoppedBy: 'random round tables, and rule 4',
    weaken: {
      file: 'protocol/src/graph.ts',
      find: "if (graph === 'complete') return completeGraph(n);",
      replace: `if (graph === 'complete') return completeGraph(n);
  ${RING}`,
    },
    run: cutGraph,
  },
  {
    name: 'a U2 without any neighbour of the victim, with the help of the registrar',
    designRow,
    stoppedBy: 'the device itself wants t neighbours in U2',
    refusal: 'set-too-thin',
    weaken: [
      {
        file: 'protocol/src/device/masked-input.ts',
        find: 'if (members.includes(seat.index) && near < seat.parameters.t) {',
        replace: 'if (false) {',
      },
      // Behind it: t boxes that open.
      {
        file: 'protocol/src/device/masked-input.ts',
        find: 'if (secrets.held.length < seat.parameters.t) {',
        replace: 'if (false) {',
      },
    ],
    run: shareWithNobody,
  },
  {
    name: 'a new graph until one fits',
    designRow,
    stoppedBy: 'a number of attempts per device and window',
    refusal: 'attempts-exhausted',
    weaken: {
      file: 'protocol/src/registrar/roster.ts',
      find: "if (seen.attempts >= task.manifest.attempts) return 'attempts-exhausted';",
      replace: '',
    },
    run: drawUntilItFits,
  },
];
