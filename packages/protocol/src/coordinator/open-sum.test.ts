import { portableSuite, splitSecret, unsafeSeededRng } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import type { Lane } from '@onlysum/task';
import { describe, expect, test } from 'vitest';
import { at } from '../at.js';
import { addMasks, pairMask, pairSecret, selfCommitment, selfMask } from '../masking.js';
import { type OpenJob, openSum } from './open-sum.js';

const suite = nativeSuite;
const THRESHOLD = 3;
const DEVICES = [0, 1, 2, 3, 4];
const SILENT = 3;
const DROPPED = 4;
const SURVIVORS = DEVICES.filter((index) => index !== DROPPED);

const widths = [3, 32, 20];
const lanes = widths.map(
  (width, index): Lane => ({
    index,
    metric: 'm',
    group: 'g',
    role: 'value',
    label: `lane ${index}`,
    bound: 1,
    noise: undefined,
    tail: 0,
    width,
  }),
);
const inputs = DEVICES.map((i) => [1, 800_000_000 + i, 100_000 * i]);
const plain = widths.map((_, j) => SURVIVORS.reduce((sum, i) => sum + at(at(inputs, i), j), 0));

/** The end of a round of five: 4 dropped out before its masked input, 3 fell silent after it. */
function job(
  holders: readonly number[] = [1, 2, 3, 4],
  seed = 'open-sum',
): OpenJob & { readonly dropoutSecret: Uint8Array } {
  const rng = unsafeSeededRng(seed);
  const [context, context2] = [rng(32), rng(32)];
  const devices = DEVICES.map((index) => {
    const secret = rng(32);
    return { index, secret, s: suite.x25519PublicKey(secret), b: rng(32) };
  });
  const p = (i: number, j: number) => {
    const [one, two] = [at(devices, i), at(devices, j)];
    return pairSecret(suite, suite.x25519(one.secret, two.s), context, one, two);
  };
  const sum = new Uint32Array(widths.length);
  for (const i of SURVIVORS) {
    const masked = Uint32Array.from(at(inputs, i));
    addMasks(suite, masked, [selfMask(suite, context2, i, at(devices, i).b)]);
    for (const j of DEVICES)
      if (j !== i) addMasks(suite, masked, [pairMask(suite, context2, i, j, p(i, j))]);
    masked.forEach((lane, j) => (sum[j] = at(sum, j) + lane));
  }
  const [silent, dropout] = [at(devices, SILENT), at(devices, DROPPED)];
  const shares = (secret: Uint8Array) =>
    splitSecret(secret, THRESHOLD, holders, rng).map((share, i) => ({ x: at(holders, i), share }));
  return {
    dropoutSecret: dropout.secret,
    lanes,
    sum,
    context,
    context2,
    threshold: THRESHOLD,
    selfSeeds: SURVIVORS.filter((i) => i !== SILENT).map((index) => ({
      index,
      b: at(devices, index).b,
    })),
    pairs: [],
    silent: [
      {
        index: SILENT,
        commitment: selfCommitment(suite, context2, SILENT, silent.b),
        shares: shares(silent.b),
      },
    ],
    dropped: [
      {
        end: { index: DROPPED, s: dropout.s },
        shares: shares(dropout.secret),
        partners: SURVIVORS.map((index) => ({ index, s: at(devices, index).s })),
      },
    ],
  };
}

/** The same job with the one silent device or the one dropout changed. */
function changed<K extends 'silent' | 'dropped'>(
  key: K,
  change: (entry: OpenJob[K][number], i: number) => Partial<OpenJob[K][number]>,
  holders?: readonly number[],
): OpenJob {
  const made = job(holders);
  const entries: readonly OpenJob[K][number][] = made[key];
  return { ...made, [key]: entries.map((entry, i) => ({ ...entry, ...change(entry, i) })) };
}

/** x of five holders, the dealer among them: what is recovered does not depend on who they are. */
const FIVE = [1, 2, 3, 4, 5];

type Shares = OpenJob['silent'][number]['shares'];

const oneWrong = (shares: Shares, wrong: number): Shares =>
  shares.map((held, i) => ({
    ...held,
    share: i === wrong ? held.share.map((b) => b ^ 1) : held.share,
  }));

describe('opening the sum', () => {
  test.each([nativeSuite, portableSuite])(
    'gives the plain sum over the survivors ($name)',
    (each) => {
      expect(openSum(each, job())).toEqual({ kind: 'sum', lanes: plain, inconsistent: [] });
    },
  );

  test('needs no shares of a dropout whose pair secrets were revealed', () => {
    const made = job();
    const [dropout] = made.dropped;
    if (dropout === undefined) throw new RangeError('no dropout');
    const pairs = dropout.partners.map((partner) => {
      const agreement = suite.x25519(made.dropoutSecret, partner.s);
      const p = pairSecret(suite, agreement, made.context, dropout.end, partner);
      return { survivor: partner.index, dropped: DROPPED, p };
    });
    expect(openSum(suite, { ...made, pairs, dropped: [] })).toEqual({
      kind: 'sum',
      lanes: plain,
      inconsistent: [],
    });
    const missing = openSum(suite, { ...job(), pairs: pairs.slice(1), dropped: [] });
    expect(missing).not.toEqual({ kind: 'sum', lanes: plain, inconsistent: [] });
  });

  test.each([0, 1, 2, 3])(
    'one of t + 1 shares of b wrong (%i): the silent device is named',
    (wrong) => {
      const wrongB = changed('silent', ({ shares }) => ({ shares: oneWrong(shares, wrong) }));
      expect(openSum(suite, wrongB)).toEqual({
        kind: 'unrecoverable',
        dealer: SILENT,
        secret: 'b',
        shares: 4,
      });
    },
  );

  test.each([0, 1, 2, 3])('one of t + 1 shares of s wrong (%i): the dropout is named', (wrong) => {
    const wrongS = changed('dropped', ({ shares }) => ({ shares: oneWrong(shares, wrong) }));
    expect(openSum(suite, wrongS)).toEqual({
      kind: 'unrecoverable',
      dealer: DROPPED,
      secret: 's',
      shares: 4,
    });
  });

  test.each(['silent', 'dropped'] as const)(
    'of five shares of a %s device one may be wrong: it is noted by dealer and holder',
    (key) => {
      const dealer = key === 'silent' ? SILENT : DROPPED;
      for (const wrong of [0, 2, 4]) {
        const five = changed(key, ({ shares }) => ({ shares: oneWrong(shares, wrong) }), FIVE);
        const holder = at(FIVE, wrong) - 1;
        expect(openSum(suite, five)).toEqual({
          kind: 'sum',
          lanes: plain,
          inconsistent: [{ dealer, holder }],
        });
        const two = changed(
          key,
          ({ shares }) => ({ shares: oneWrong(oneWrong(shares, wrong), 1) }),
          FIVE,
        );
        expect(openSum(suite, two)).toMatchObject({ kind: 'unrecoverable', dealer, shares: 5 });
      }
    },
  );

  test('shares that agree on another secret are not believed', () => {
    const other = job([1, 2, 3, 4], 'other');
    for (const key of ['silent', 'dropped'] as const) {
      const forged = changed(key, (_, i) => ({
        shares: at<{ shares: Shares }>(other[key], i).shares,
      }));
      expect(openSum(suite, forged)).toMatchObject({ kind: 'unrecoverable', shares: 4 });
    }
  });

  test('a commitment to another b: the silent device is named', () => {
    const other = changed('silent', ({ commitment }) => ({
      commitment: commitment.map((byte, i) => (i === 31 ? byte ^ 1 : byte)),
    }));
    expect(openSum(suite, other)).toEqual({
      kind: 'unrecoverable',
      dealer: SILENT,
      secret: 'b',
      shares: 4,
    });
  });

  test('another public key than that of s: the dropout is named', () => {
    const other = changed('dropped', ({ end, partners }) => ({
      end: { ...end, s: at(partners, 0).s },
    }));
    expect(openSum(suite, other)).toEqual({
      kind: 'unrecoverable',
      dealer: DROPPED,
      secret: 's',
      shares: 4,
    });
  });

  test('t shares are enough, whichever; t − 1 are too few', () => {
    for (const key of ['silent', 'dropped'] as const) {
      const last = changed(key, ({ shares }) => ({ shares: shares.slice(-THRESHOLD) }));
      expect(openSum(suite, last).kind).toBe('sum');
      for (const some of [THRESHOLD - 1, 0]) {
        const few = changed(key, ({ shares }) => ({ shares: shares.slice(0, some) }));
        expect(openSum(suite, few)).toMatchObject({ kind: 'unrecoverable', shares: some });
      }
    }
  });

  test('leaves the running sum as it was', () => {
    const made = job();
    const before = made.sum.slice();
    openSum(suite, made);
    expect(made.sum).toEqual(before);
  });
});
