/** pools.json: which pool a pseudonym is in, and how many colluders one pool can hold. */
import type { Suite } from '@onlysum/crypto';
import { colludersInPool, poolCount, poolOf } from '../../packages/protocol/src/pools.js';
import { hexOf, patterned } from './json.js';

export function poolVectors(suite: Suite) {
  return {
    about:
      'pool = HMAC-SHA-256(value, labelled encoding of "onlysum/1 pool" and pseudonym), read as a ' +
      'big-endian number, mod pools. colluders: the least x with Pr[Binomial(⌈perMillion·N/10^6⌉, 1/P) > x] ≤ ' +
      '2^-60, all of them if P = 1.',
    pools: [1, 2, 3, 100, 65_537, 0xffff_ffff].map((pools, i) => {
      const value = patterned(32, 3 * i);
      const pseudonym = patterned(32, 100 + i);
      return {
        value: hexOf(value),
        pseudonym: hexOf(pseudonym),
        pools,
        pool: poolOf(suite, value, pseudonym, pools),
      };
    }),
    colluders: [
      [999, 333, 1000],
      [6000, 1000, 1000],
      [6000, 1000, 10_000],
      [300_000, 1000, 3700],
      [300_000, 1000, 12_000],
      [30_000, 100, 0],
    ].map(([enrolled = 0, cohortMax = 0, perMillion = 0]) => {
      const pools = poolCount(enrolled, cohortMax);
      const colluders = colludersInPool(enrolled, pools, perMillion);
      return { enrolled, cohortMax, perMillion, pools, colluders };
    }),
  };
}
