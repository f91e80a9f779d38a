/**
 * How many devices may be corrupt and may drop in the demo, and how many do drop.
 * Legend: n devices, k neighbours each, threshold t, D = ⌊δn⌋.
 * Invariant: at least one device drops, never more than D, and t neighbours are left for every n allowed.
 */
import { type Assumptions, dropoutBound } from '@onlysum/task';

/** n = 3 has k = 2 and t = 2, so D must be 0; n = 4 has k = 3, t = 2 and D = 1. */
export const FEWEST_DEVICES = 4;
/** What two cores and this demo's stage times were tried for. */
export const MOST_DEVICES = 5000;

/** What really drops: about one in twelve. */
const DROPPING_SHARE = 0.08;
/** 20 %: room above the 8 % that drop, and D ≥ 1 from five devices on. */
const DROPOUT_PER_MILLE = 200;
/** The least with D = 1 of four devices. */
const DROPOUT_OF_FOUR_PER_MILLE = 250;
/** 10 % of a cohort. */
const CORRUPT_PER_MILLE = 100;
/** The whole population is in the one cohort, so the same 10 %. */
const CORRUPT_PER_MILLION = 100_000;

export function fleetAssumptions(devices: number): Assumptions {
  return {
    corrupt: CORRUPT_PER_MILLE,
    dropout: devices === FEWEST_DEVICES ? DROPOUT_OF_FOUR_PER_MILLE : DROPOUT_PER_MILLE,
    population: CORRUPT_PER_MILLION,
  };
}

export function dropCount(devices: number): number {
  const most = dropoutBound(devices, fleetAssumptions(devices).dropout);
  return Math.min(most, Math.max(1, Math.round(devices * DROPPING_SHARE)));
}
