/** What the tasks of the kernel bench are made of, for those who run them and those who read them. */

/** Streams added in one call: those of a device with 44 neighbours. */
export const STREAMS = 45;
export const LENGTHS = [
  { bytes: 256, least: 15 },
  { bytes: 4096, least: undefined },
  { bytes: 65_536, least: 5 },
];
export const SHARINGS = [
  { k: 44, t: 24, mostMs: 0.7 },
  { k: 300, t: 150, mostMs: 12 },
];
export const PACKED_LANES = [256, 1000, 10_000];
