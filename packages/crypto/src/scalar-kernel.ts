/**
 * The kernel in plain JavaScript, for where WebAssembly SIMD is missing or a content security policy
 * forbids to compile it: noble's ChaCha20, and GF(2^16) by shifts and masks.
 */
import { chacha20 } from '@noble/ciphers/chacha.js';
import { wipe } from './bytes.js';
import { PAIRS, evaluatePairs, multiplyPair } from './gf65536.js';
import type { Kernel } from './kernel.js';

const NONCE = new Uint8Array(12);

export const scalarKernel: Kernel = {
  name: 'scalar',

  addStreams(lanes, streams) {
    for (const { key, sign } of streams) {
      const stream = scalarKernel.stream(key, 4 * lanes.length);
      const view = new DataView(stream.buffer, stream.byteOffset, stream.length);
      for (let j = 0; j < lanes.length; j++) {
        lanes[j] = lanes[j]! + sign * view.getUint32(4 * j, true);
      }
      wipe(stream);
    }
  },

  stream: (key, length) => chacha20(key, NONCE, new Uint8Array(length)),

  evaluate(coefficients, xs) {
    const values = new Uint32Array(PAIRS * xs.length);
    xs.forEach((x, i) => evaluatePairs(coefficients, x, values, PAIRS * i));
    return values;
  },

  powerSums(rows, weights, xs, count) {
    const sums = new Uint32Array(PAIRS * count);
    xs.forEach((x, i) => {
      let multiplier = weights[i]!;
      for (let at = 0; at < sums.length; at += PAIRS) {
        for (let p = 0; p < PAIRS; p++) {
          const term = multiplyPair(rows[PAIRS * i + p]!, multiplier);
          rows[PAIRS * i + p] = term;
          sums[at + p]! ^= term;
        }
        multiplier = x;
      }
    });
    return sums;
  },
};
