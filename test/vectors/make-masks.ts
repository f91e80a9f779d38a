/** masks.json: what two devices derive from one agreement, and what it does to their lanes. */
import type { Suite } from '@onlysum/crypto';
import {
  addMasks,
  channelKey,
  pairMask,
  pairSecret,
  pairTag,
  selfCommitment,
  selfMask,
} from '../../packages/protocol/src/masking.js';
import { hexOf, patterned } from './json.js';

const LANES = [0, 1, 0xffff_ffff, 0x8000_0000, 12_345];

export function maskVectors(suite: Suite) {
  return {
    about:
      'Of a pair (i, j): channelKey in both directions (one message each, zero nonce), pairSecret p ' +
      '(the same from both ends), the tag both send, and the lanes after the pair mask at either end; of i ' +
      'alone: the commitment to b and the lanes after the self mask. `lanes` is the input to every mask.',
    lanes: LANES,
    pairs: [
      [0, 1],
      [7, 3],
      [0, 65_534],
      [300, 299],
    ].map(([i = 0, j = 0], row) => pair(suite, i, j, 16 * row)),
  };
}

function pair(suite: Suite, i: number, j: number, start: number) {
  const secret = (offset: number) => patterned(32, start + 40 * offset + 1);
  const end = (index: number, offset: number) => {
    const [cSecret, sSecret] = [secret(offset), secret(offset + 1)];
    const [c, s] = [suite.x25519PublicKey(cSecret), suite.x25519PublicKey(sSecret)];
    return { index, cSecret, sSecret, c, s };
  };
  const [one, two] = [end(i, 0), end(j, 2)];
  const [context, context2] = [secret(4), secret(5)];
  const b = secret(6);
  const channel = suite.x25519(one.cSecret, two.c);
  const p = pairSecret(suite, suite.x25519(one.sSecret, two.s), context, one, two);
  const masked = (change: (lanes: Uint32Array) => void): number[] => {
    const lanes = Uint32Array.from(LANES);
    change(lanes);
    return [...lanes];
  };
  const shown = ({ index, cSecret, sSecret, c, s }: typeof one) => ({
    index,
    cSecret: hexOf(cSecret),
    sSecret: hexOf(sSecret),
    c: hexOf(c),
    s: hexOf(s),
  });
  return {
    i: shown(one),
    j: shown(two),
    context: hexOf(context),
    context2: hexOf(context2),
    channelKeyIToJ: hexOf(channelKey(suite, channel, context, one, two)),
    channelKeyJToI: hexOf(channelKey(suite, channel, context, two, one)),
    pairSecret: hexOf(p),
    tag: hexOf(pairTag(suite, p)),
    lanesAtI: masked((lanes) => addMasks(suite, lanes, [pairMask(suite, context2, i, j, p)])),
    lanesAtJ: masked((lanes) => addMasks(suite, lanes, [pairMask(suite, context2, j, i, p)])),
    b: hexOf(b),
    commitmentOfI: hexOf(selfCommitment(suite, context2, i, b)),
    lanesAfterSelfMaskOfI: masked((lanes) =>
      addMasks(suite, lanes, [selfMask(suite, context2, i, b)]),
    ),
  };
}
