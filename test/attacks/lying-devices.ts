/** Devices that lie to the coordinator: disputes, shares, b, pair secrets. */
import type { Attack, Outcome } from './attack.js';
import { Stopped } from './attack.js';
import { DEVICES, flipped, instead, isRightSum, simulate, whySentAway } from './simulated-fleet.js';
import type { SimulatedRound } from './surface.js';
import type { Build } from './weakened-build.js';

const disputeRow = 'a liar disputes all its tags to evict others';
const lieRow = 'device sends bad shares, bad b, lying pair secret';
const LIAR = 2;
const LOST = 5;

function disputeAll(build: Build): Outcome {
  const lie = instead(build, isLiar, build.shareKeys, (m) => ({ ...m, tags: flipped(m.tags) }));
  const round = simulate(build, { intercept: lie });
  const { outcome } = round;
  if (outcome.kind === 'result' && outcome.result.survivors === DEVICES - 1) {
    throw whySentAway(round, LIAR);
  }
  const detail = outcome.kind === 'abort' ? `${outcome.code}: ${outcome.detail}` : outcome.kind;
  return { succeeded: true, detail: `honest devices are sent away (${detail})` };
}

/** A survivor falls silent, and the first holder to answer changes its share of that b. */
function badShare(build: Build): Outcome {
  let liar: number | undefined;
  const lie = instead(
    build,
    (device) => liar === undefined || device === liar,
    build.revealShares,
    (message) => ({ ...message, selfShares: flipLastByte(message.selfShares) }),
  );
  const round = simulate(build, {
    kills: [{ device: LOST, when: 'after', message: 'MaskedInput', noticed: true }],
    intercept: (message) => {
      const sent = lie(message);
      if (sent[0] !== message.bytes) liar ??= message.device;
      return sent;
    },
  });
  const { outcome } = round;
  if (outcome.kind !== 'result')
    return { succeeded: true, detail: 'one bad share ended the round' };
  const [found] = outcome.result.inconsistent;
  if (found === undefined || !isRightSum(build, round)) throw new RangeError('a wrong sum');
  throw new Stopped(
    'inconsistent',
    `the share of ${found.dealer} that ${found.holder} gave is wrong`,
  );
}

/** b does not match the commitment: the sum would be off by a whole mask. */
function badSelfMask(build: Build): Outcome {
  const lie = instead(build, isLiar, build.unmasking, (m) => ({ ...m, b: flipped(m.b) }));
  const round = simulate(build, { intercept: lie });
  return spoilt(build, round, () => whySentAway(round, LIAR));
}

function lyingPairSecret(build: Build): Outcome {
  const lie = instead(build, isLiar, build.unmasking, (message) => ({
    ...message,
    pairSecrets: flipped(message.pairSecrets),
  }));
  const round = simulate(build, {
    kills: [{ device: LOST, when: 'before', message: 'MaskedInput', noticed: true }],
    intercept: lie,
  });
  return spoilt(build, round, () => {
    const isAsked = round.transcript.some(({ bytes, direction }) => {
      return direction === 'down' && build.decodeFrame(bytes)[0] === build.recover.type;
    });
    if (!isAsked) throw new RangeError('nothing was recovered');
    return new Stopped('recovered', 'the secret does not fit the tag, so s was recovered instead');
  });
}

function spoilt(build: Build, round: SimulatedRound, why: () => Stopped): Outcome {
  if (isRightSum(build, round)) throw why();
  return { succeeded: true, detail: 'the published sum is wrong, and nobody knows' };
}

function isLiar(device: number): boolean {
  return device === LIAR;
}

function flipLastByte(records: Uint8Array): Uint8Array {
  return records.map((byte, i) => (i === records.length - 1 ? byte ^ 0xff : byte));
}

export const lyingDevices: Attack[] = [
  {
    name: 'all tags disputed',
    designRow: disputeRow,
    stoppedBy: 'only who has more than t₁ disputes is left out',
    refusal: 'disputed',
    weaken: {
      file: 'protocol/src/coordinator/share-keys.ts',
      find: '<= mostDisputes) continue;',
      replace: '=== 0) continue;',
    },
    run: disputeAll,
  },
  {
    name: 'a bad share',
    designRow: lieRow,
    stoppedBy: 'error correction',
    refusal: 'inconsistent',
    weaken: {
      file: 'protocol/src/coordinator/open-part.ts',
      find: 'decodeSecret(shares, threshold)',
      replace: 'decodeSecret(shares.slice(0, threshold), threshold)',
    },
    run: badShare,
  },
  {
    name: 'a bad b',
    designRow: lieRow,
    stoppedBy: 'the commitment sent with the masked input',
    refusal: 'bad-reveal',
    weaken: {
      file: 'protocol/src/coordinator/unmasking.ts',
      find: '!equalBytes(commitment,',
      replace: '!((..._: unknown[]) => true)(commitment,',
    },
    run: badSelfMask,
  },
  {
    name: 'a lying pair secret',
    designRow: lieRow,
    stoppedBy: "the survivor's own tag",
    refusal: 'recovered',
    weaken: {
      file: 'protocol/src/coordinator/unmasking.ts',
      find: 'if (equalBytes(pairTag(suite, p), tag)) checked.set(dropped, p);',
      replace: 'checked.set(dropped, p);',
    },
    run: lyingPairSecret,
  },
];
