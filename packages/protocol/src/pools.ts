/**
 * Pools of a window: who may meet whom, and how many colluders one pool can hold. Protocol §2.
 * Knows: N enrolled for the epoch, L enrolments in all, P pools, γ_p (per million of L). Nobody can choose a pool: it comes from a
 * value drawn after the enrolled set is frozen.
 */
import { LABELS, type Suite, encodeLabelled } from '@onlysum/crypto';
import { corruptBound } from '@onlysum/task';
import { logAdd, logChoose } from './log-combinatorics.js';

/** P = max(1, ⌊N / (3·max)⌋). */
export function poolCount(enrolled: number, cohortMax: number): number {
  return Math.max(1, Math.floor(enrolled / (3 * cohortMax)));
}

/** HMAC(value, label ‖ pseudonym) mod P, the MAC read as a big-endian number. */
export function poolOf(
  suite: Suite,
  value: Uint8Array,
  pseudonym: Uint8Array,
  pools: number,
): number {
  if (pools === 1) return 0;
  const mac = suite.hmacSha256(value, encodeLabelled(LABELS.pool, pseudonym));
  return mac.reduce((rest, byte) => (rest * 256 + byte) % pools, 0);
}

/** −60: the probability 2^-60 that a pool holds more colluders than {@link colludersInPool} says. */
const LOG2_TAIL = -60;

/**
 * A_pool: the least x with Pr[Binomial(⌈γ_p·L⌉, 1/P) > x] ≤ 2^-60; all colluders if P = 1.
 *
 * γ_p is a fraction of all enrolments that are not revoked (L), not of those of this epoch: colluders
 * can renew before everybody else does. The tail is summed from the far end in logarithms: 1 − cdf has
 * no digits left at 2^-60.
 */
export function colludersInPool(
  population: number,
  pools: number,
  populationPerMillion: number,
): number {
  const colluders = Number(
    (BigInt(population) * BigInt(populationPerMillion) + 999_999n) / 1_000_000n,
  );
  if (pools === 1) return colluders;
  const logHit = -Math.log(pools);
  const logMiss = Math.log1p(-1 / pools);
  const limit = LOG2_TAIL * Math.LN2;
  let tail = Number.NEGATIVE_INFINITY;
  for (let x = colluders; x > 0; x--) {
    const term = logChoose(colluders, x) + x * logHit + (colluders - x) * logMiss;
    tail = logAdd(tail, term);
    // tail = ln Pr[X ≥ x] = ln Pr[X > x − 1]
    if (tail > limit) return x;
  }
  return 0;
}

/**
 * The largest γ_p, per million, under which ⌈γn⌉ covers A_pool: what an operator may promise.
 *
 * @returns −1 if not even an honest population is tolerated (cannot happen with γ ≥ 0).
 */
export function toleratedPopulation(
  n: number,
  corruptPerMille: number,
  enrolled: number,
  cohortMax: number,
): number {
  const pools = poolCount(enrolled, cohortMax);
  const covered = corruptBound(n, corruptPerMille);
  let low = -1;
  let high = 1_000_000;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (colludersInPool(enrolled, pools, middle) <= covered) low = middle;
    else high = middle - 1;
  }
  return low;
}
