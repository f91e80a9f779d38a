/**
 * The theorem: however a job is split and whichever part is opened first, the outcome is the plain sum,
 * the wrong shares in the job's order, or the first dealer in that order who cannot be recovered.
 */
import { splitSecret, unsafeSeededRng } from '@onlysum/crypto';
import { nativeSuite as suite } from '@onlysum/crypto/node';
import type { Lane } from '@onlysum/task';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { at } from '../at.js';
import { addMasks, pairMask, pairSecret, selfCommitment, selfMask } from '../masking.js';
import { openPart } from './open-part.js';
import { type OpenJob, type OpenOutcome, mergeParts, openSum, splitOpenJob } from './open-sum.js';

const THRESHOLD = 3;
const HOLDERS = [11, 12, 13, 14, 15, 16, 17];
/** Of 7 shares with t = 3, two wrong ones are corrected. */
const RADIUS = 2;
const PLAIN = [5, 4_000_000_000];
const lanes = PLAIN.map((_, index): Lane => {
  const lane = {
    index,
    metric: 'm',
    group: 'g',
    label: `lane ${index}`,
    bound: 1,
    noise: undefined,
    tail: 0,
  };
  return { ...lane, role: 'value', width: 32 };
});

/** How many of a dealer's shares are wrong, or that too few came. */
type Fault = 0 | 1 | 2 | 3 | 'few';

interface Sources {
  readonly seed: number;
  readonly direct: number;
  readonly silent: readonly Fault[];
  readonly dropped: readonly Fault[];
}

/** A job whose masks sum to what its sum holds beyond PLAIN, with what opening it must give. */
function jobOf({ seed, direct, silent, dropped }: Sources): [OpenJob, OpenOutcome] {
  const rng = unsafeSeededRng(`open-parts ${seed}`);
  const [context, context2] = [rng(32), rng(32)];
  const sum = Uint32Array.from(PLAIN);
  const inconsistent: { dealer: number; holder: number }[] = [];
  let unrecoverable: OpenOutcome | undefined;
  const shares = (dealer: number, kind: 'b' | 's', secret: Uint8Array, fault: Fault) => {
    const count = fault === 'few' ? THRESHOLD - 1 : HOLDERS.length;
    const split = splitSecret(secret, THRESHOLD, HOLDERS, rng).slice(0, count);
    if (fault === 'few' || fault > RADIUS) {
      unrecoverable ??= { kind: 'unrecoverable', dealer, secret: kind, shares: count };
    }
    const wrong = fault === 'few' ? 0 : fault;
    const first = at(rng(1), 0) % (HOLDERS.length - 3);
    return split.map((share, i) => {
      const x = at(HOLDERS, i);
      if (i < first || i >= first + wrong) return { x, share };
      inconsistent.push({ dealer, holder: x - 1 });
      return { x, share: share.map((byte, at) => (at === i ? byte ^ 1 : byte)) };
    });
  };
  const job: OpenJob = {
    lanes,
    sum,
    context,
    context2,
    threshold: THRESHOLD,
    selfSeeds: Array.from({ length: direct }, (_, index) => ({ index, b: rng(32) })),
    pairs: Array.from({ length: 2 * direct }, (_, i) => {
      return { survivor: i % 5, dropped: 3 * i, p: rng(32) };
    }),
    silent: silent.map((fault, i) => {
      const [index, b] = [100 - i, rng(32)];
      addMasks(suite, sum, [selfMask(suite, context2, index, b)]);
      const commitment = selfCommitment(suite, context2, index, b);
      return { index, commitment, shares: shares(index, 'b', b, fault) };
    }),
    dropped: dropped.map((fault, i) => {
      const secret = rng(32);
      const end = { index: 50 + i, s: suite.x25519PublicKey(secret) };
      const partners = [40, 60].map((index) => ({ index, s: suite.x25519PublicKey(rng(32)) }));
      for (const partner of partners) {
        const p = pairSecret(suite, suite.x25519(secret, partner.s), context, end, partner);
        addMasks(suite, sum, [pairMask(suite, context2, partner.index, end.index, p)]);
      }
      return { end, shares: shares(end.index, 's', secret, fault), partners };
    }),
  };
  const masks = [
    ...job.selfSeeds.map(({ index, b }) => selfMask(suite, context2, index, b)),
    ...job.pairs.map((pair) => pairMask(suite, context2, pair.survivor, pair.dropped, pair.p)),
  ];
  addMasks(suite, sum, masks);
  return [job, unrecoverable ?? { kind: 'sum', lanes: PLAIN, inconsistent }];
}

const faults = fc.array(fc.constantFrom<Fault[]>(0, 0, 0, 1, 2), { maxLength: 6 });
const direct = fc.nat(9);
const seed = fc.nat();
const parts = fc.integer({ min: 1, max: 7 });

function expectSame(sources: Sources, count: number, order: number): void {
  const [job, expected] = jobOf(sources);
  expect(openSum(suite, job)).toEqual(expected);
  const outcomes = splitOpenJob(job, count).map((part) => openPart(suite, part));
  expect(outcomes).toHaveLength(count);
  // Any rotation, forwards or backwards.
  const turned = outcomes.map((_, i) => at(outcomes, (i + order) % count));
  const arrived = order % 2 === 0 ? turned : turned.toReversed();
  expect(mergeParts(job, arrived)).toEqual(expected);
  for (const outcome of outcomes) {
    if (outcome.kind === 'unmasking') expect(outcome.unmasking).toEqual(new Uint32Array(2));
  }
}

test('1 to 7 parts give the plain sum, and wrong shares in the order of the job', () => {
  fc.assert(
    fc.property(
      seed,
      direct,
      faults,
      faults,
      parts,
      fc.nat(13),
      (s, d, silent, dropped, n, order) =>
        expectSame({ seed: s, direct: d, silent, dropped }, n, order),
    ),
    { numRuns: 60 },
  );
});

test('1 to 7 parts name the first dealer who cannot be recovered', () => {
  const any = fc.array(fc.constantFrom<Fault[]>(0, 1, 2, 3, 'few'), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(seed, any, any, parts, fc.nat(13), (s, silent, dropped, n, order) =>
      expectSame({ seed: s, direct: 3, silent, dropped }, n, order),
    ),
    { numRuns: 60 },
  );
});
