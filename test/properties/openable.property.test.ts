/**
 * Steps 2 to 4 of docs/security-argument.md, on the shipped machines: a coordinator with its colluders asks
 * honest devices for all that they give, in whatever order, and combines it. What it can open is one sum,
 * over the honest devices in U3, or nothing.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Arena } from '../attacks/arena.js';
import { HostileRound, type Share } from '../attacks/hostile-round.js';
import { intactBuild } from '../attacks/weakened-build.js';

const { build } = await intactBuild('src');

/** When a device sends its masked input: before U3 is attested, after all have revealed, never. */
type Sending = 'before' | 'late' | 'never';

interface Plan {
  readonly n: number;
  readonly corrupt: number;
  readonly dropout: number;
  /** Seats in no U2, and seats in U2 \ U3: together at most D. */
  readonly unshared: readonly number[];
  readonly dropped: readonly number[];
  /** By seat: what a dropout does; a survivor has sent unless it is `unsent`. */
  readonly sending: readonly Sending[];
  /** A seat that the coordinator puts into U3 although it has not sent. */
  readonly unsent: number | undefined;
}

function plans(
  n: fc.Arbitrary<number>,
  corrupt: number,
  dropout: number,
  unsent: boolean,
): fc.Arbitrary<Plan> {
  return n.chain((n) => {
    const most = Math.floor((n * dropout) / 1000);
    const honest = n - Math.ceil((n * corrupt) / 1000);
    const seats = Array.from({ length: n }, (_, seat) => seat);
    return fc
      .record({
        lost: fc.shuffledSubarray(seats, { maxLength: most }),
        split: fc.nat(most),
        sending: fc.array(fc.constantFrom<Sending>('before', 'late', 'never'), {
          minLength: n,
          maxLength: n,
        }),
        unsent: fc.nat(honest - 1),
      })
      .filter((plan) => !unsent || !plan.lost.includes(plan.unsent))
      .map(({ lost, split, sending, ...plan }) => ({
        n,
        corrupt,
        dropout,
        unshared: lost.slice(0, split),
        dropped: lost.slice(split),
        sending,
        unsent: unsent ? plan.unsent : undefined,
      }));
  });
}

/** What the coordinator ends up with. */
interface Loot {
  readonly round: HostileRound;
  readonly context2: Uint8Array;
  readonly shared: readonly number[];
  readonly vectors: ReadonlyMap<number, Uint8Array>;
  readonly b: ReadonlyMap<number, Uint8Array>;
  /** By {@link pairName}. */
  readonly p: ReadonlyMap<string, Uint8Array>;
}

function plunder(plan: Plan): Loot {
  const { n, corrupt, dropout, unshared, dropped, sending, unsent } = plan;
  const colluders = Math.ceil((n * corrupt) / 1000);
  const cohort = { min: n, max: n };
  const arena = new Arena(build, { honest: n - colluders, colluders, cohort, corrupt, dropout });
  const seats = { honest: arena.honest, colluders: arena.colluders };
  const round = new HostileRound(arena, seats).attestRoster().share();
  const isHonest = (seat: number) => seat < round.machines.length;
  const shared = round.everyone.filter((seat) => !unshared.includes(seat));
  const survivors = shared.filter((seat) => !dropped.includes(seat));
  const signature = round.attest('shared-set', shared);
  const vectors = new Map<number, Uint8Array>();
  const send = (when: Sending): void => {
    for (const seat of shared.filter(isHonest)) {
      const isDropped = dropped.includes(seat);
      const sends = isDropped ? sending[seat] : seat === unsent ? 'never' : 'before';
      if (sends === when) vectors.set(seat, round.mask(seat, shared, signature));
    }
  };
  send('before');

  const b = new Map<number, Uint8Array>();
  const p = new Map<string, Uint8Array>();
  const selfShares = new Map<number, Share[]>();
  const keyShares = new Map<number, Share[]>();
  const keep = (into: Map<number, Share[]>, dealer: number, share: Share): void => {
    into.set(dealer, [...(into.get(dealer) ?? []), share]);
  };
  const attested = round.attest('survivor-set', survivors);
  for (const seat of survivors.filter((seat) => isHonest(seat) && seat !== unsent)) {
    const revealed = round.reveal(seat, shared, survivors, attested);
    b.set(seat, revealed.b);
    for (const [other, secret] of revealed.pairs) p.set(pairName(seat, other), secret);
    const shares = round.recover(seat, survivors, dropped);
    for (const [dealer, share] of shares.selfShares) keep(selfShares, dealer, share);
    for (const [dealer, share] of shares.keyShares) keep(keyShares, dealer, share);
  }
  send('late');
  for (const seat of shared.filter(isHonest)) {
    if (survivors.includes(seat)) continue;
    const members = round.bitmap(survivors);
    const message = { round: round.round, members, signature: attested };
    const machine = round.machines[seat]!;
    const before = machine.sent.length;
    machine.deliver(build.survivorSet.encode(message));
    expect(machine.sent.length).toBe(before);
  }

  for (const colluder of round.colluderSeats) {
    for (const dealer of round.neighboursOf(colluder)) {
      p.set(pairName(colluder, dealer), round.colludersPairSecret(colluder, dealer));
      if (!isHonest(dealer)) continue;
      const { ofSelfMask, ofMaskKey } = round.colludersShares(colluder, dealer);
      keep(selfShares, dealer, { x: colluder + 1, share: ofSelfMask });
      keep(keyShares, dealer, { x: colluder + 1, share: ofMaskKey });
    }
  }
  const { t } = round.facts;
  for (const [dealer, shares] of selfShares) {
    if (shares.length >= t) b.set(dealer, build.recoverSecret(shares, t));
  }
  for (const [dealer, shares] of keyShares) {
    if (shares.length < t) continue;
    const s = build.recoverSecret(shares, t);
    for (const other of round.neighboursOf(dealer)) {
      p.set(pairName(dealer, other), round.pairSecret(dealer, s, other));
    }
  }
  return { round, context2: round.context2(shared), shared, vectors, b, p };
}

function pairName(a: number, b: number): string {
  return `${Math.min(a, b)} ${Math.max(a, b)}`;
}

/**
 * Sets of senders whose vectors add up to something without an unknown stream: connected parts, by pairs whose
 * secret is unknown, in which nobody has another unknown stream. No other combination opens anything.
 */
function openable({ round, shared, vectors, b, p }: Loot): number[][] {
  const unknownPairs = (seat: number) =>
    round
      .neighboursOf(seat)
      .filter((other) => shared.includes(other) && !p.has(pairName(seat, other)));
  const seen = new Set<number>();
  const parts: number[][] = [];
  for (const start of vectors.keys()) {
    if (seen.has(start)) continue;
    const part = new Set([start]);
    for (const seat of part) for (const other of unknownPairs(seat)) part.add(other);
    for (const seat of part) seen.add(seat);
    if ([...part].every((seat) => vectors.has(seat) && b.has(seat))) {
      parts.push([...part].toSorted((x, y) => x - y));
    }
  }
  return parts;
}

/** The sum over a part, with every known mask taken off. */
function open({ round, context2, shared, vectors, b, p }: Loot, part: readonly number[]) {
  const { task, arena } = round;
  const { widths } = task.layout;
  const sum = new Uint32Array(widths.length);
  for (const seat of part) {
    build.addPacked(sum, vectors.get(seat)!, widths);
    const masks = [build.selfMask(arena.suite, context2, seat, b.get(seat)!)];
    for (const other of round.neighboursOf(seat)) {
      const secret = p.get(pairName(seat, other));
      if (secret === undefined || !shared.includes(other)) continue;
      masks.push(build.pairMask(arena.suite, context2, seat, other, secret));
    }
    build.removeMasks(arena.suite, sum, masks);
  }
  return modulo(sum, widths);
}

function modulo(sum: Uint32Array, widths: readonly number[]): number[] {
  return [...sum].map((lane, j) => lane % 2 ** widths[j]!);
}

function checkPlan(plan: Plan): void {
  const loot = plunder(plan);
  const { round, shared } = loot;
  const honestSurvivors = shared.filter(
    (seat) => seat < round.machines.length && !plan.dropped.includes(seat),
  );
  const parts = openable(loot);
  if (plan.unsent !== undefined) {
    expect(parts).toEqual([]);
    return;
  }
  expect(parts).toEqual([honestSurvivors]);
  const { widths } = round.task.layout;
  const sum = new Uint32Array(widths.length);
  for (const seat of honestSurvivors) {
    round.arena.honest[seat]!.input.forEach((lane, j) => (sum[j]! += lane));
  }
  expect(open(loot, honestSurvivors)).toEqual(modulo(sum, widths));
}

describe('what a coordinator and its colluders can open', () => {
  const small = fc.integer({ min: 7, max: 10 });

  it('is the sum over the honest survivors, on the complete graph', () => {
    fc.assert(fc.property(plans(small, 200, 286, false), checkPlan), { seed: 51, numRuns: 40 });
  });

  it('is nothing when U3 names a device that has not sent', () => {
    fc.assert(fc.property(plans(small, 200, 286, true), checkPlan), { seed: 52, numRuns: 20 });
  });

  it('is the sum over the honest survivors, on round tables', () => {
    // k = 32, t = 17, A = D = 10.
    fc.assert(fc.property(plans(fc.constant(200), 50, 50, false), checkPlan), {
      seed: 53,
      numRuns: 2,
    });
  });
});
