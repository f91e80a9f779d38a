/**
 * A roster of one victim and the attacker's own devices: invented, enrolled within its share of the
 * population, or enrolled late to land in the victim's pool. Then the sum is the victim's input.
 */
import { type Attack, type Outcome, recovered } from './attack.js';
import { Arena, type Identity } from './arena.js';
import { HostileRound } from './hostile-round.js';
import type { Build } from './weakened-build.js';

const designRow =
  'invented devices; own devices gathered around a victim; late enrolment into a pool';
const VICTIM = 0;

/** The rest of the round is by the book. */
export function surround(
  arena: Arena,
  own: readonly Identity[],
  announced = arena.announce(),
): Outcome {
  const honest = arena.honest.slice(0, 1);
  const round = new HostileRound(arena, { honest, colluders: own, announcement: announced });
  round.attestRoster().share();
  const everyone = round.everyone;
  const vector = round.mask(VICTIM, everyone, round.attest('shared-set', everyone));
  const signature = round.attest('survivor-set', everyone);
  const { b } = round.reveal(VICTIM, everyone, everyone, signature);
  const pairs = round.colluderSeats.map((seat) => {
    return [seat, round.colludersPairSecret(seat, VICTIM)] as const;
  });
  const lanes = round.strip(vector, round.context2(everyone), VICTIM, b, new Map(pairs));
  return recovered(lanes, arena.honest[VICTIM]!.input);
}

function inventDevices(build: Build): Outcome {
  const arena = new Arena(build, { honest: 20, cohort: { min: 5, max: 6 } });
  const own = Array.from({ length: 4 }, (): Identity => {
    const pseudonymSeed = arena.rng(32);
    const pseudonym = arena.suite.ed25519PublicKey(pseudonymSeed);
    // Signed by the attacker itself, for want of the registrar.
    const signature = arena.suite.ed25519Sign(pseudonymSeed, pseudonym);
    const certificate = { ...arena.honest[0]!.certificate, pseudonym, signature };
    return { pseudonymSeed, certificate, input: arena.randomInput() };
  });
  return surround(arena, own);
}

/** 4 of 200 enrolled are within γ_p = 2 %, but as many do not belong into one cohort of 5. */
function gatherColluders(build: Build): Outcome {
  const arena = new Arena(build, {
    honest: 196,
    colluders: 4,
    cohort: { min: 5, max: 100 },
    population: 20_000,
  });
  return surround(arena, arena.colluders);
}

/** Pools are known once the window is announced: make keys until they fall into the victim's. */
function enrolLate(build: Build): Outcome {
  const arena = new Arena(build, { honest: 36, cohort: { min: 3, max: 3 }, population: 1000 });
  const announced = arena.announce();
  const { value, pools } = announced;
  const poolOf = (pseudonym: Uint8Array) => build.poolOf(arena.suite, value, pseudonym, pools);
  const pool = poolOf(arena.honest[VICTIM]!.certificate.pseudonym);
  const seeds = [arena.rng(32), arena.rng(32)].map((seed) => {
    let grown = seed;
    while (poolOf(arena.suite.ed25519PublicKey(grown)) !== pool) grown = arena.suite.sha256(grown);
    return grown;
  });
  return surround(
    arena,
    seeds.map((seed) => arena.enrol(seed)),
    announced,
  );
}

/** It has four enrolled devices, which have been found out. */
function useRevoked(build: Build): Outcome {
  const arena = new Arena(build, { honest: 20, colluders: 4, cohort: { min: 5, max: 6 } });
  for (const { certificate } of arena.colluders) {
    build.revoke(arena.ledger, build.toHex(certificate.pseudonym));
  }
  return surround(arena, arena.colluders);
}

/** One colluder is within any assumption; it takes every seat but the victim's. */
function takeAllSeats(build: Build): Outcome {
  const arena = new Arena(build, { honest: 20, colluders: 1, cohort: { min: 5, max: 6 } });
  return surround(arena, new Array<Identity>(4).fill(arena.colluders[0]!));
}

/** Inside one pool A covers the colluders; over all pools there are more of them to choose from. */
function mixPools(build: Build): Outcome {
  const arena = new Arena(build, { honest: 36, cohort: { min: 3, max: 3 } });
  const announcement = arena.announce();
  const { value, pools } = announcement;
  const byPool = new Map(
    arena.honest.map((identity) => {
      const { pseudonym } = identity.certificate;
      return [build.poolOf(arena.suite, value, pseudonym, pools), identity] as const;
    }),
  );
  const honest = [...byPool.values()].slice(0, 3);
  new HostileRound(arena, { honest, announcement }).attestRoster();
  return { succeeded: true, detail: 'a roster attested of devices of three pools' };
}

export const gatheredAround: Attack[] = [
  {
    name: 'a cohort of invented devices',
    designRow,
    stoppedBy: "the registrar's certificates",
    refusal: 'certificate-refused',
    weaken: {
      file: 'protocol/src/registrar/roster.ts',
      find: `signatureProblem(results, index) ??
      enrolmentProblem(ledger, member, window, epoch, task) ??`,
      replace: '',
    },
    run: inventDevices,
  },
  {
    name: 'all enrolled colluders in one small cohort',
    designRow,
    stoppedBy: 'A ≥ A_pool',
    refusal: 'pool-not-covered',
    weaken: {
      file: 'protocol/src/registrar/roster.ts',
      find: 'if (parameters.mostCorrupt >= colluders) return;',
      replace: 'return;',
    },
    run: gatherColluders,
  },
  {
    name: "late enrolment into the victim's pool",
    designRow,
    stoppedBy: 'enrolment is frozen before pools are drawn',
    refusal: 'not-enrolled-yet',
    weaken: {
      file: 'protocol/src/registrar/roster.ts',
      find: 'record.sequence < window.frozenSequence',
      replace: 'true',
    },
    run: enrolLate,
  },
  {
    name: 'revoked devices around the victim',
    designRow,
    stoppedBy: 'the registrar knows who is revoked',
    refusal: 'certificate-refused',
    weaken: {
      file: 'protocol/src/registrar/roster.ts',
      find: "if (isRevoked(ledger, record)) return 'certificate-refused';",
      replace: '',
    },
    run: useRevoked,
  },
  {
    name: 'one device in all the seats around the victim',
    designRow,
    stoppedBy: 'no pseudonym is twice in a roster',
    refusal: 'duplicate-device',
    weaken: [
      {
        file: 'protocol/src/registrar/roster.ts',
        find: "if (taken.has(pseudonym)) return 'duplicate-device';",
        replace: '',
      },
      // Behind it: who enters a roster closes the one it was in, here the same.
      {
        file: 'protocol/src/registrar/roster.ts',
        find: 'if (seen !== undefined) closeForGood(ledger, seen.round);',
        replace: '',
      },
    ],
    run: takeAllSeats,
  },
  {
    name: 'a roster gathered from several pools',
    designRow,
    stoppedBy: 'a roster lies in one pool',
    refusal: 'other-pool',
    weaken: {
      file: 'protocol/src/registrar/roster.ts',
      find: "(pool !== undefined && own !== pool ? 'other-pool' : undefined)",
      replace: 'undefined',
    },
    run: mixPools,
  },
];
