/**
 * Taking the masks off: the one heavy job of a coordinator, as plain data in and out, so that a worker
 * can run it. Protocol §5.6, §5.7. What was reconstructed from shares is checked against commitment
 * and public key before it is used.
 */
import { type Suite, equalBytes, recoverSecret, wipe } from '@onlysum/crypto';
import type { Lane } from '@onlysum/task';
import { decodeLane } from '@onlysum/task';
import { at } from '../at.js';
import { type PairEnd, maskPair, maskSelf, pairSecret, selfCommitment } from '../masking.js';
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
  | { readonly kind: 'sum'; readonly lanes: readonly number[] }
  /** Shares of `dealer` do not give what it committed to. */
  | { readonly kind: 'unrecoverable'; readonly dealer: number; readonly secret: 'b' | 's' };

/** @param job - its sum and secrets are consumed. */
export function openSum(suite: Suite, job: OpenJob): OpenOutcome {
  const lanes = job.sum.slice();
  for (const { index, b } of job.selfSeeds) maskSelf(suite, lanes, -1, job.context2, index, b);
  for (const { survivor, dropped, p } of job.pairs) {
    maskPair(suite, lanes, -1, job.context2, survivor, dropped, p);
  }
  for (const { index, commitment, shares } of job.silent) {
    const b = recover(shares, job.threshold);
    if (b === undefined || !equalBytes(selfCommitment(suite, job.context2, index, b), commitment)) {
      wipe(b ?? new Uint8Array(0));
      return { kind: 'unrecoverable', dealer: index, secret: 'b' };
    }
    maskSelf(suite, lanes, -1, job.context2, index, b);
    wipe(b);
  }
  for (const dropout of job.dropped) {
    const s = recover(dropout.shares, job.threshold);
    if (s === undefined || !equalBytes(suite.x25519PublicKey(s), dropout.end.s)) {
      wipe(s ?? new Uint8Array(0));
      return { kind: 'unrecoverable', dealer: dropout.end.index, secret: 's' };
    }
    for (const partner of dropout.partners) {
      const agreement = suite.x25519(s, partner.s);
      const p = pairSecret(suite, agreement, job.context, dropout.end, partner);
      maskPair(suite, lanes, -1, job.context2, partner.index, dropout.end.index, p);
      wipe(agreement, p);
    }
    wipe(s);
  }
  return { kind: 'sum', lanes: job.lanes.map((lane, j) => decodeLane(at(lanes, j), lane)) };
}

/** undefined: fewer than t shares came. */
function recover(shares: readonly RevealedShare[], threshold: number): Uint8Array | undefined {
  return shares.length < threshold ? undefined : recoverSecret(shares, threshold);
}
