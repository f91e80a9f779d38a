/**
 * A round led by a hostile coordinator, step by step, so that an attack can show anything to anybody at
 * any time. Seats: the honest devices first, then the attacker's own.
 * What it computes from what it sees is what docs/protocol.md gives to everybody.
 */
import type {
  Announcement,
  Graph,
  MerkleTree,
  RosterFacts,
  RosterMember,
  Task,
} from './surface.js';
import { type Arena, type Identity, Machine } from './arena.js';

export interface Keys {
  readonly c: Uint8Array;
  readonly s: Uint8Array;
}

interface Secrets {
  readonly c: Uint8Array;
  readonly s: Uint8Array;
}

/** Two shares, as a box holds them. */
export interface SharePair {
  readonly ofSelfMask: Uint8Array;
  readonly ofMaskKey: Uint8Array;
}

export interface Share {
  readonly x: number;
  readonly share: Uint8Array;
}

export interface RoundSeats {
  readonly honest: readonly Identity[];
  readonly colluders?: readonly Identity[];
  readonly task?: Task;
  /** Keys that a colluder advertises in place of its own, by colluder. */
  readonly advertised?: ReadonlyMap<number, (honest: readonly RosterMember[]) => Partial<Keys>>;
  readonly announcement?: Announcement;
  /** Of the coordinator's choice, or fresh. */
  readonly round?: Uint8Array;
}

const RECORD_BYTES = 36;

export class HostileRound {
  readonly arena: Arena;
  readonly task: Task;
  readonly machines: readonly Machine[];
  readonly colluders: readonly Identity[];
  readonly n: number;
  readonly round: Uint8Array;
  readonly announcement: Announcement;
  readonly members: readonly RosterMember[];
  /** By seat; undefined for honest ones. */
  readonly secrets: readonly (Secrets | undefined)[];
  facts!: RosterFacts;
  graph!: Graph;
  context!: Uint8Array;
  rosterSignature!: Uint8Array;
  tree!: MerkleTree;
  readonly boxes: Uint8Array[] = [];

  /** Everybody is offered the round, and advertises. */
  constructor(arena: Arena, seats: RoundSeats) {
    const {
      honest,
      colluders = [],
      task = arena.task,
      announcement = arena.announce(task),
    } = seats;
    this.arena = arena;
    this.task = task;
    this.colluders = colluders;
    this.n = honest.length + colluders.length;
    this.round = seats.round ?? arena.rng(16);
    this.announcement = announcement;
    this.machines = honest.map((identity) => new Machine(arena, identity, task));
    const own = colluders.map(() => ({ c: arena.rng(32), s: arena.rng(32) }));
    this.secrets = [...honest.map(() => undefined), ...own];
    const joined = this.machines.map((machine) => this.#join(machine));
    this.members = [
      ...joined,
      ...colluders.map((identity, i) =>
        this.#advertise(identity, own[i]!, seats.advertised?.get(i)?.(joined)),
      ),
    ];
  }

  /** Everybody's seat. */
  get everyone(): number[] {
    return this.members.map((_, seat) => seat);
  }

  /** @throws {Stopped} if the registrar refuses the roster. */
  attestRoster(): this {
    const { arena, members, task, round, announcement } = this;
    const { build, suite } = arena;
    const { window } = announcement;
    const answer = arena.ask({
      kind: 'roster',
      taskId: task.taskId,
      window,
      round,
      lifetimeMs: 600_000,
      members,
    });
    if (answer.kind !== 'roster') throw new RangeError(answer.kind);
    const { incarnation, k, t, seed, root, signature } = answer;
    this.facts = { taskId: task.taskId, window, incarnation, round, n: this.n, k, t, seed, root };
    const parameters = build.rosterParameters(this.n, task.manifest.assumptions);
    this.graph = build.drawGraph(suite, parameters, seed);
    const leaves = build.rosterLeaves(members, this.graph);
    this.tree = build.merkleTree(
      suite,
      leaves.map(({ leaf }) => leaf),
    );
    this.context = build.roundContext(suite, this.facts);
    this.rosterSignature = signature;
    return this;
  }

  neighboursOf(seat: number): readonly number[] {
    return this.graph.neighbours[seat] ?? [];
  }

  /** What the roster message to a seat truly says. */
  rosterMessage(seat: number) {
    const { facts, rosterSignature: signature, members, arena } = this;
    const { n, k, t, seed, root, round } = facts;
    const neighbours = arena.build.encodeNeighbours(
      this.neighboursOf(seat).map((index) => ({ index, ...members[index]! })),
    );
    const path = this.tree.path(seat);
    return { round, n, k, t, seed, root, signature, index: seat, neighbours, path };
  }

  /** Everybody, or those named, gets the roster and deals shares. */
  share(seats: readonly number[] = this.everyone): this {
    const { build } = this.arena;
    for (const seat of seats) {
      const machine = this.machines[seat];
      if (machine === undefined) {
        this.boxes[seat] = this.#deal(seat);
        continue;
      }
      machine.deliver(build.roster.encode(this.rosterMessage(seat)));
      this.boxes[seat] = machine.take(build.shareKeys).boxes;
    }
    return this;
  }

  /** The box that `dealer` sealed to `holder`. */
  box(dealer: number, holder: number): Uint8Array {
    const size = this.arena.build.BOX_BYTES;
    const from = this.neighboursOf(dealer).indexOf(holder) * size;
    return (this.boxes[dealer] ?? new Uint8Array(0)).subarray(from, from + size);
  }

  bitmap(seats: Iterable<number>): Uint8Array {
    return this.arena.build.encodeBitmap(seats, this.n);
  }

  context2(shared: readonly number[]): Uint8Array {
    return this.arena.build.maskContext(this.arena.suite, this.context, this.bitmap(shared));
  }

  /** @throws {Stopped} if the registrar refuses. */
  attest(kind: 'shared-set' | 'survivor-set', seats: readonly number[]): Uint8Array {
    const answer = this.arena.ask({ kind, round: this.round, members: this.bitmap(seats) });
    if (answer.kind !== 'set') throw new RangeError(answer.kind);
    return answer.signature;
  }

  sharedSetMessage(
    seat: number,
    shared: readonly number[],
    signature: Uint8Array,
    box = (dealer: number): Uint8Array => this.box(dealer, seat),
  ): Uint8Array {
    const { build } = this.arena;
    const dealers = this.neighboursOf(seat).filter((other) => shared.includes(other));
    return build.sharedSet.encode({
      round: this.round,
      members: this.bitmap(shared),
      signature,
      boxes: build.concatBytes(...dealers.map(box)),
    });
  }

  /** @returns the masked vector of an honest seat. @throws {Stopped} if it sends none. */
  mask(seat: number, shared: readonly number[], signature: Uint8Array): Uint8Array {
    return this.maskedBy(seat, this.sharedSetMessage(seat, shared, signature));
  }

  maskedBy(seat: number, sharedSetMessage: Uint8Array): Uint8Array {
    const { build } = this.arena;
    return this.machines[seat]!.deliver(sharedSetMessage).take(build.maskedInput).vector;
  }

  /** All honest members of U2 mask. @returns their vectors by seat. */
  maskAll(shared: readonly number[], signature: Uint8Array, except: readonly number[] = []) {
    const honest = shared.filter((seat) => seat < this.machines.length && !except.includes(seat));
    return new Map(honest.map((seat) => [seat, this.mask(seat, shared, signature)]));
  }

  /** @returns b of an honest seat and its pair secrets with its neighbours in U2 \ U3, by seat. */
  reveal(
    seat: number,
    shared: readonly number[],
    survivors: readonly number[],
    signature: Uint8Array,
  ): { readonly b: Uint8Array; readonly pairs: Map<number, Uint8Array> } {
    const { build } = this.arena;
    const members = this.bitmap(survivors);
    const message = build.survivorSet.encode({ round: this.round, members, signature });
    const { b, pairSecrets } = this.machines[seat]!.deliver(message).take(build.unmasking);
    const dropped = this.neighboursOf(seat).filter(
      (other) => shared.includes(other) && !survivors.includes(other),
    );
    const pairs = dropped.map(
      (other, i) => [other, pairSecrets.slice(32 * i, 32 * (i + 1))] as const,
    );
    return { b, pairs: new Map(pairs) };
  }

  /** Shares of b of `silent` and of s of `dropped` that an honest seat gives. */
  recover(seat: number, silent: readonly number[], dropped: readonly number[]) {
    const { build } = this.arena;
    const message = build.recover.encode({
      round: this.round,
      silent: this.bitmap(silent),
      dropped: this.bitmap(dropped),
    });
    const { selfShares, keyShares } = this.machines[seat]!.deliver(message).take(
      build.revealShares,
    );
    return { selfShares: records(selfShares, seat), keyShares: records(keyShares, seat) };
  }

  /** The two shares that `dealer` sealed to one of the attacker's own devices. */
  colludersShares(holder: number, dealer: number): SharePair {
    const { build, suite } = this.arena;
    const agreement = suite.x25519(this.secrets[holder]!.c, this.members[dealer]!.c);
    const key = build.channelKey(
      suite,
      agreement,
      this.context,
      this.#end(dealer),
      this.#end(holder),
    );
    const plain = suite.open(key, this.box(dealer, holder));
    if (plain === undefined) throw new RangeError(`box of ${dealer} to ${holder} does not open`);
    return { ofSelfMask: plain.subarray(0, 32), ofMaskKey: plain.subarray(32) };
  }

  /** p of a pair, for whoever holds the mask key of one end. */
  pairSecret(ofSeat: number, sSecret: Uint8Array, other: number): Uint8Array {
    const { build, suite } = this.arena;
    const agreement = suite.x25519(sSecret, this.members[other]!.s);
    return build.pairSecret(suite, agreement, this.context, this.#end(ofSeat), this.#end(other));
  }

  /** p of one of the attacker's own devices with another seat. */
  colludersPairSecret(colluder: number, other: number): Uint8Array {
    return this.pairSecret(colluder, this.secrets[colluder]!.s, other);
  }

  /** Takes the self mask and the given pair masks off a packed vector. */
  strip(
    vector: Uint8Array,
    context2: Uint8Array,
    seat: number,
    b: Uint8Array,
    pairs: ReadonlyMap<number, Uint8Array>,
  ): Uint32Array {
    const { build, suite } = this.arena;
    const { widths } = this.task.layout;
    const lanes = new Uint32Array(widths.length);
    build.addPacked(lanes, vector, widths);
    build.removeMasks(suite, lanes, [build.selfMask(suite, context2, seat, b)]);
    for (const [other, p] of pairs) {
      build.removeMasks(suite, lanes, [build.pairMask(suite, context2, seat, other, p)]);
    }
    return lanes.map((lane, j) => lane % 2 ** widths[j]!);
  }

  /** A round of honest devices by the book, to its end. @returns the opened sum. */
  play(): Uint32Array {
    const { build, suite } = this.arena;
    this.attestRoster().share();
    const everyone = this.everyone;
    const vectors = this.maskAll(everyone, this.attest('shared-set', everyone));
    const signature = this.attest('survivor-set', everyone);
    const context2 = this.context2(everyone);
    const { widths } = this.task.layout;
    const sum = new Uint32Array(widths.length);
    for (const [seat, vector] of vectors) {
      build.addPacked(sum, vector, widths);
      const { b } = this.reveal(seat, everyone, everyone, signature);
      build.removeMasks(suite, sum, [build.selfMask(suite, context2, seat, b)]);
    }
    return sum.map((lane, j) => lane % 2 ** widths[j]!);
  }

  /** All seats that are the attacker's. */
  get colluderSeats(): number[] {
    return this.everyone.slice(this.machines.length);
  }

  #end(seat: number) {
    return { index: seat, ...this.members[seat]! };
  }

  #join(machine: Machine): RosterMember {
    const { arena, round, announcement } = this;
    const { build } = arena;
    machine.deliver(build.challenge.encode({ challenge: arena.rng(32) }));
    const offered = { round, remainingMs: 600_000, announcement, token: arena.rng(32) };
    machine.deliver(build.offer.encode(offered));
    const { c, s, signature } = machine.take(build.advertiseKeys);
    return { certificate: machine.identity.certificate, c, s, signature };
  }

  #advertise(identity: Identity, own: Secrets, instead: Partial<Keys> = {}): RosterMember {
    const { arena, task, round, announcement } = this;
    const { build, suite } = arena;
    const keys = {
      c: suite.x25519PublicKey(own.c),
      s: suite.x25519PublicKey(own.s),
      ...instead,
    };
    const statement = build.advertiseStatement(task.taskId, announcement, round, keys);
    const signature = suite.ed25519Sign(identity.pseudonymSeed, statement);
    return { certificate: identity.certificate, ...keys, signature };
  }

  /** A colluder deals as the protocol has it, so that nobody misses its boxes. */
  #deal(seat: number): Uint8Array {
    const { arena, context, facts } = this;
    const { build, suite } = arena;
    const neighbours = this.neighboursOf(seat);
    const xs = neighbours.map((other) => other + 1);
    const own = this.secrets[seat]!;
    const ofSelfMask = build.splitSecret(arena.rng(32), facts.t, xs, arena.rng);
    const ofMaskKey = build.splitSecret(own.s, facts.t, xs, arena.rng);
    const boxes = neighbours.map((other, i) => {
      const agreement = suite.x25519(own.c, this.members[other]!.c);
      const key = build.channelKey(suite, agreement, context, this.#end(seat), this.#end(other));
      return suite.seal(key, build.concatBytes(ofSelfMask[i]!, ofMaskKey[i]!));
    });
    return build.concatBytes(...boxes);
  }
}

function records(bytes: Uint8Array, holder: number): Map<number, Share> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const out = new Map<number, Share>();
  for (let at = 0; at < bytes.length; at += RECORD_BYTES) {
    const share = bytes.slice(at + 4, at + RECORD_BYTES);
    out.set(view.getUint32(at), { x: holder + 1, share });
  }
  return out;
}
