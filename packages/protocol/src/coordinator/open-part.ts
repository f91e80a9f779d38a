/**
 * A part of the work of taking masks off: from seeds, pair secrets and shares to what they add to each
 * lane. Protocol §5.6, §5.7.
 * Knows: masks, how a secret is recovered from shares. Doesn't know: the masked sum, what a lane means.
 * Invariant: what was reconstructed from shares is checked against commitment and public key before it
 * is used.
 */
import { type SignedStream, type Suite, decodeSecret, equalBytes, wipe } from '@onlysum/crypto';
import {
  type PairEnd,
  pairMask,
  pairSecret,
  removeMasks,
  selfCommitment,
  selfMask,
} from '../masking.js';
import type { RevealedShare } from './types.js';

/** What masks are made of, with what is needed to recover it. */
export interface MaskSources {
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
  /** Whether what is recovered from shares is handed out. */
  readonly keepRecovered?: boolean;
}

/** The sources of some of the masks on a sum of `laneCount` lanes. */
export interface OpenPart extends MaskSources {
  readonly laneCount: number;
}

export type PartOutcome =
  | {
      readonly kind: 'unmasking';
      /**
       * Minus the sum of the part's masks, modulo 2^32. As secret as they are; owned by the caller,
       * who wipes it.
       */
      readonly unmasking: Uint32Array<ArrayBuffer>;
      readonly inconsistent: readonly InconsistentShare[];
      /** Undefined unless it was to be kept. */
      readonly recovered?: Recovered;
    }
  | Unrecoverable;

/** What shares gave: of silent survivors b, of dropouts s. Owned by the caller. */
export interface Recovered {
  readonly selfSeeds: readonly { readonly index: number; readonly b: Uint8Array }[];
  readonly maskKeys: readonly { readonly index: number; readonly s: Uint8Array }[];
}

export function wipeRecovered(recovered: Recovered | undefined): void {
  for (const { b } of recovered?.selfSeeds ?? []) wipe(b);
  for (const { s } of recovered?.maskKeys ?? []) wipe(s);
}

/** The shares of `dealer`, as many as came, do not give what it committed to. */
export interface Unrecoverable {
  readonly kind: 'unrecoverable';
  readonly dealer: number;
  readonly secret: 'b' | 's';
  readonly shares: number;
}

/** A share that does not fit the others: the dealer dealt it wrong, or the holder changed it. */
export interface InconsistentShare {
  readonly dealer: number;
  readonly holder: number;
}

/**
 * @param part - its secrets are borrowed, the caller wipes them.
 * @returns `unrecoverable` for the first dealer of `silent`, then of `dropped`, that is so.
 */
export function openPart(suite: Suite, part: OpenPart): PartOutcome {
  const { context2, threshold } = part;
  const masks = [
    ...part.selfSeeds.map(({ index, b }) => selfMask(suite, context2, index, b)),
    ...part.pairs.map(({ survivor, dropped, p }) =>
      pairMask(suite, context2, survivor, dropped, p),
    ),
  ];
  const inconsistent: InconsistentShare[] = [];
  const selfSeeds: { index: number; b: Uint8Array }[] = [];
  const maskKeys: { index: number; s: Uint8Array }[] = [];
  for (const { index, commitment, shares } of part.silent) {
    const isRight = (b: Uint8Array): boolean =>
      equalBytes(selfCommitment(suite, context2, index, b), commitment);
    const b = recover(index, shares, threshold, isRight, inconsistent);
    if (b === undefined) return unrecoverable(masks, index, 'b', shares);
    masks.push(selfMask(suite, context2, index, b));
    if (part.keepRecovered === true) selfSeeds.push({ index, b });
    else wipe(b);
  }
  for (const { end, shares, partners } of part.dropped) {
    const isRight = (s: Uint8Array): boolean => equalBytes(suite.x25519PublicKey(s), end.s);
    const s = recover(end.index, shares, threshold, isRight, inconsistent);
    if (s === undefined) return unrecoverable(masks, end.index, 's', shares);
    const agree = suite.x25519With(s);
    for (const partner of partners) {
      const agreement = agree(partner.s);
      const p = pairSecret(suite, agreement, part.context, end, partner);
      masks.push(pairMask(suite, context2, partner.index, end.index, p));
      wipe(agreement, p);
    }
    if (part.keepRecovered === true) maskKeys.push({ index: end.index, s });
    else wipe(s);
  }
  const unmasking = new Uint32Array(part.laneCount);
  removeMasks(suite, unmasking, masks);
  const kept = part.keepRecovered === true ? { recovered: { selfSeeds, maskKeys } } : {};
  return { kind: 'unmasking', unmasking, inconsistent, ...kept };
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
): Unrecoverable {
  for (const { key } of masks) wipe(key);
  return { kind: 'unrecoverable', dealer, secret, shares: shares.length };
}
