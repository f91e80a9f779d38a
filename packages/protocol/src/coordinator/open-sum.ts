/**
 * Taking the masks off: the one heavy job of a coordinator, as plain data in and out, so that a worker
 * can run it. Protocol §5.6, §5.7. What was reconstructed from shares is checked against commitment
 * and public key before it is used.
 */
import { type SignedStream, type Suite, decodeSecret, equalBytes, wipe } from '@onlysum/crypto';
import type { Lane } from '@onlysum/task';
import { decodeLane } from '@onlysum/task';
import { at } from '../at.js';
import {
  type PairEnd,
  pairMask,
  pairSecret,
  removeMasks,
  selfCommitment,
  selfMask,
} from '../masking.js';
import type { RevealedShare } from './types.js';

export interface OpenJob {
  readonly lanes: readonly Lane[];
  /** Running sum of the masked inputs of U3, modulo 2^32. */
  readonly sum: Uint32Array;
  readonly context: Uint8Array;
  readonly context2: Uint8Array;
  readonly threshold: number;
  readonly selfSeeds: readonly { readonly index: number; readonly b: Uint8Array }[];
  readonly pairs: readonly {
    readonly survivor: number;
    readonly dropped: number;
    readonly p: Uint8Array;
  }[];
  /** Silent survivors: b from shares. */
  readonly silent: readonly {
    readonly index: number;
    readonly commitment: Uint8Array;
    readonly shares: readonly RevealedShare[];
  }[];
  /** Dropouts whose pair secrets nobody revealed correctly: s from shares, p with each partner. */
  readonly dropped: readonly {
    readonly end: PairEnd;
    readonly shares: readonly RevealedShare[];
    readonly partners: readonly PairEnd[];
  }[];
}

export type OpenOutcome =
  | {
      readonly kind: 'sum';
      readonly lanes: readonly number[];
      readonly inconsistent: readonly InconsistentShare[];
    }
  /** The shares of `dealer`, as many as came, do not give what it committed to. */
  | {
      readonly kind: 'unrecoverable';
      readonly dealer: number;
      readonly secret: 'b' | 's';
      readonly shares: number;
    };

/** A share that does not fit the others: the dealer dealt it wrong, or the holder changed it. */
export interface InconsistentShare {
  readonly dealer: number;
  readonly holder: number;
}

/** @param job - its sum and secrets are consumed. */
export function openSum(suite: Suite, job: OpenJob): OpenOutcome {
  const { context2 } = job;
  const masks = [
    ...job.selfSeeds.map(({ index, b }) => selfMask(suite, context2, index, b)),
    ...job.pairs.map(({ survivor, dropped, p }) => pairMask(suite, context2, survivor, dropped, p)),
  ];
  const inconsistent: InconsistentShare[] = [];
  for (const { index, commitment, shares } of job.silent) {
    const isRight = (b: Uint8Array): boolean =>
      equalBytes(selfCommitment(suite, context2, index, b), commitment);
    const b = recover(index, shares, job.threshold, isRight, inconsistent);
    if (b === undefined) return unrecoverable(masks, index, 'b', shares);
    masks.push(selfMask(suite, context2, index, b));
    wipe(b);
  }
  for (const { end, shares, partners } of job.dropped) {
    const isRight = (s: Uint8Array): boolean => equalBytes(suite.x25519PublicKey(s), end.s);
    const s = recover(end.index, shares, job.threshold, isRight, inconsistent);
    if (s === undefined) return unrecoverable(masks, end.index, 's', shares);
    for (const partner of partners) {
      const agreement = suite.x25519(s, partner.s);
      const p = pairSecret(suite, agreement, job.context, end, partner);
      masks.push(pairMask(suite, context2, partner.index, end.index, p));
      wipe(agreement, p);
    }
    wipe(s);
  }
  const lanes = job.sum.slice();
  removeMasks(suite, lanes, masks);
  const sums = job.lanes.map((lane, j) => decodeLane(at(lanes, j), lane));
  return { kind: 'sum', lanes: sums, inconsistent };
}

/**
 * Up to ⌊(r − t)/2⌋ wrong shares of r are corrected and noted. More that agree with each other can decode
 * to another secret, so what comes out is checked all the same.
 */
function recover(
  dealer: number,
  shares: readonly RevealedShare[],
  threshold: number,
  isRight: (secret: Uint8Array) => boolean,
  inconsistent: InconsistentShare[],
): Uint8Array | undefined {
  if (shares.length < threshold) return undefined;
  const decoded = decodeSecret(shares, threshold);
  if (decoded === undefined) return undefined;
  if (!isRight(decoded.secret)) {
    wipe(decoded.secret);
    return undefined;
  }
  for (const x of decoded.wrong) inconsistent.push({ dealer, holder: x - 1 });
  return decoded.secret;
}

function unrecoverable(
  masks: readonly SignedStream[],
  dealer: number,
  secret: 'b' | 's',
  shares: readonly RevealedShare[],
): OpenOutcome {
  for (const { key } of masks) wipe(key);
  return { kind: 'unrecoverable', dealer, secret, shares: shares.length };
}
