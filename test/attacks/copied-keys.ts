/**
 * A colluder advertises the victim's mask key, as it is or in disguise, and drops out: then common
 * neighbours reveal their pair secret with the colluder, hoped to be the one with the victim.
 */
import { type Attack, type Outcome, recovered } from './attack.js';
import { HostileRound, type Keys } from './hostile-round.js';
import type { RosterMember } from './surface.js';
import { VICTIM, sevenDevices } from './two-shared-sets.js';
import type { Build } from './weakened-build.js';

const designRow =
  "colluder copies a victim's advertised s (also non-canonical, or plus a low-order point), is " +
  'dropped, and a common neighbour reveals the pair secret';
const COPIER = 5;
const OTHER_COLLUDER = 6;
const NEIGHBOURS = [1, 2, 3, 4];
const PRIME = 2n ** 255n - 19n;

type Disguise = (s: Uint8Array) => Uint8Array;

function copyKey(build: Build, disguise: Disguise): HostileRound {
  const arena = sevenDevices(build);
  const copy = (honest: readonly RosterMember[]): Partial<Keys> => ({
    s: disguise(honest[VICTIM]!.s),
  });
  const { honest, colluders } = arena;
  return new HostileRound(arena, { honest, colluders, advertised: new Map([[0, copy]]) });
}

/** The whole attack: everybody but the copier survives, and does as the protocol says. */
function dropCopier(round: HostileRound): Outcome {
  round.attestRoster().share();
  const shared = round.everyone;
  const survivors = shared.filter((seat) => seat !== COPIER);
  const vectors = round.maskAll(shared, round.attest('shared-set', shared));
  const signature = round.attest('survivor-set', survivors);
  const { b, pairs } = round.reveal(VICTIM, shared, survivors, signature);
  for (const seat of NEIGHBOURS) {
    const revealed = round.reveal(seat, shared, survivors, signature);
    pairs.set(seat, revealed.pairs.get(COPIER)!);
  }
  pairs.set(OTHER_COLLUDER, round.colludersPairSecret(OTHER_COLLUDER, VICTIM));
  const lanes = round.strip(vectors.get(VICTIM)!, round.context2(shared), VICTIM, b, pairs);
  return recovered(lanes, round.arena.honest[VICTIM]!.input);
}

/** Whether the registrar takes the key at all; p is bound to both keys and indices besides. */
function getAttested(build: Build, disguise: Disguise): Outcome {
  copyKey(build, disguise).attestRoster();
  return { succeeded: true, detail: 'the registrar attested a roster with it' };
}

/** S + (0, 0): on a Montgomery curve u becomes 1/u. Every X25519 secret is even, so S is what counts. */
const addPointOfOrderTwo: Disguise = (s) => encode(power(decode(s), PRIME - 2n));

const setTopBit: Disguise = (s) => s.map((byte, i) => (i === 31 ? byte | 0x80 : byte));

export const copiedKeys: Attack[] = [
  {
    name: "victim's mask key plus a point of low order",
    designRow,
    stoppedBy: 'both keys and indices in p',
    weaken: {
      file: 'protocol/src/masking.ts',
      find: 'LABELS.pairSecret, lo.index, hi.index, lo.s, hi.s',
      replace: 'LABELS.pairSecret',
    },
    run: (build) => dropCopier(copyKey(build, addPointOfOrderTwo)),
  },
  {
    name: "victim's mask key as it is",
    designRow,
    stoppedBy: 'the 2n keys of a roster are distinct',
    refusal: 'key-repeated',
    weaken: {
      file: 'protocol/src/registrar/roster.ts',
      find: 'named.some((key) => taken.has(key))',
      replace: 'false',
    },
    run: (build) => getAttested(build, (s) => s),
  },
  {
    name: "victim's mask key with its ignored top bit set",
    designRow,
    stoppedBy: 'keys are canonical',
    refusal: 'key-refused',
    weaken: {
      file: 'protocol/src/registrar/roster.ts',
      find: 'x25519KeyProblem(key) !== undefined',
      replace: 'false',
    },
    run: (build) => getAttested(build, setTopBit),
  },
  {
    name: 'a mask key of low order, with which everybody agrees on zero',
    designRow,
    stoppedBy: 'keys are not of low order',
    refusal: 'key-refused',
    weaken: {
      file: 'protocol/src/registrar/roster.ts',
      find: 'x25519KeyProblem(key) !== undefined',
      replace: 'false',
    },
    run: (build) => getAttested(build, (s) => s.map((_, i) => Number(i === 0))),
  },
];

function decode(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => value * 256n + BigInt(byte), 0n);
}

function encode(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 255n));
}

function power(base: bigint, exponent: bigint): bigint {
  let out = 1n;
  for (let square = base, rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) out = (out * square) % PRIME;
    square = (square * square) % PRIME;
  }
  return out;
}
