/** Every bench by the name that `npm run bench -- --only` takes, in the order in which they run. */
import { bytesBench } from './bytes.js';
import { coordinatorRoundBench } from './coordinator-round.js';
import { deviceRoundBench } from './device-round.js';
import type { Bench } from './figure.js';
import { growthBench } from './growth.js';
import { kernelBench } from './kernel.js';
import { largeRoundBench } from './large-round.js';
import { peersBench } from './peers.js';
import { serverGridBench } from './server-grid.js';
import { unmaskingBench } from './unmasking.js';
import { webCryptoBench } from './web-crypto.js';

export const BENCHES: Readonly<Record<string, Bench>> = {
  kernel: kernelBench,
  'device-round': deviceRoundBench,
  'web-crypto': webCryptoBench,
  bytes: bytesBench,
  'coordinator-round': coordinatorRoundBench,
  unmasking: unmaskingBench,
  'server-grid': serverGridBench,
  growth: growthBench,
  peers: peersBench,
  'large-round': largeRoundBench,
};

/** What a quick run leaves out unless it is asked for by name: there is no target in it. */
export const NOT_QUICK: ReadonlySet<string> = new Set(['web-crypto', 'peers', 'large-round']);
