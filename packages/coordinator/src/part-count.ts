/**
 * Into how many parts a job is worth splitting: as many as there are threads, unless a part would be so
 * small that handing it over costs more than it saves.
 *
 * Costs in µs are CPU time of the native suite, each call alone, the least of 25 runs on one core of a
 * two-core virtual AMD EPYC with Node 20. Parts are made equal without them, so their order of magnitude
 * is enough.
 */
import type { OpenJob } from '@onlysum/protocol';

/** HKDF and its labels, then ChaCha20 added to each lane. */
const MASK_US = 7;
const LANE_US = 0.003;
/** X25519 and the HKDF after it. */
const AGREEMENT_US = 90;
/** For each share against each other one: 40 to 50 µs for 44 shares. */
const DECODE_US = 0.025;
/** Many times what a part’s way there and back takes: 1 ms with its secrets packed and unpacked. */
const LEAST_PART_US = 10_000;

/** @returns 1 to `threads`. */
export function partCount(job: OpenJob, threads: number): number {
  return Math.max(1, Math.min(threads, Math.floor(workUs(job) / LEAST_PART_US)));
}

function workUs({ lanes, selfSeeds, pairs, silent, dropped }: OpenJob): number {
  const agreements = total(dropped.map(({ partners }) => partners.length));
  const masks = selfSeeds.length + pairs.length + silent.length + agreements;
  const decodes = total([...silent, ...dropped].map(({ shares }) => shares.length ** 2));
  return (
    masks * (MASK_US + LANE_US * lanes.length) + agreements * AGREEMENT_US + decodes * DECODE_US
  );
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((sum, each) => sum + each, 0);
}
