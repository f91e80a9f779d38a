/** Who takes part in the round of the vectors, under which manifest, with which input. */
import { type Suite, toHex } from '@onlysum/crypto';
import type { Manifest } from '@onlysum/task';

export const NOW_MS = 1_767_261_600_000;
export const FLOOR = { minHonest: 2, maxDevices: 1000, minCorrupt: 10, minPopulation: 1000 };
export const DROPOUT = 1;
export const SILENT = 3;

/** Lanes of each device; the layout is in round.json. Device 0 puts in the most a lane may hold. */
export const INPUTS = [
  [1, 1, 1, 1_000_000_000, 1, 1, 0xffff, 0xffff, 0xff, 1, 1],
  [1, 0, 1, 999_999_999, 1, 0, 0x1234, 0x5678, 0x9a, 1, 1],
  [1, 1, 1, 0, 0, 0, 0, 0, 0, 1, 0],
  [1, 0, 1, 123_456_789, 1, 0, 0xabcd, 0x0123, 0x45, 1, 0],
];

export interface Seeds {
  readonly publisher: Uint8Array;
  readonly registrar: Uint8Array;
  readonly coordinator: Uint8Array;
}

/** Lanes of 1 to 32 bits, a value in limbs, and a cohort that can lose one device. */
export function roundManifest(suite: Suite, seeds: Seeds): Manifest {
  const key = (seed: Uint8Array) => toHex(suite.ed25519PublicKey(seed));
  const about = {
    purpose: 'vectors',
    owner: 'vectors',
    retentionDays: 30,
    access: ['analyst'] as const,
  };
  return {
    onlysum: 1,
    suite: 1,
    name: 'round-vectors',
    version: 1,
    publisher: key(seeds.publisher),
    registrar: key(seeds.registrar),
    coordinator: { key: key(seeds.coordinator), url: 'wss://sum.example/v1' },
    window: { lengthMs: 3_600_000 },
    epoch: { lengthMs: 86_400_000 },
    cohort: { min: 3, target: 4, max: 4 },
    minSurvivors: 3,
    attempts: 1,
    assumptions: { corrupt: 10, dropout: 250, population: 1000 },
    minRespondents: 1,
    privacy: { mechanism: 'none' },
    validity: { notBeforeMs: 1_767_225_600_000, notAfterMs: 1_798_761_600_000 },
    groups: [{ name: 'essential', purpose: 'vectors', essential: true }],
    metrics: [
      { name: 'active', kind: 'flag', group: 'essential', ...about },
      { name: 'events', kind: 'count', group: 'essential', max: 1_000_000_000, ...about },
      { name: 'bytes', kind: 'count', group: 'essential', max: 2 ** 40 - 1, ...about },
    ],
  };
}
