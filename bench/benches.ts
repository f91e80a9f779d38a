/** Every bench by the name that `npm run bench -- --only` takes, in the order in which they run. */
import { coordinatorRoundBench } from './coordinator-round.js';
import { deviceRoundBench } from './device-round.js';
import type { Bench } from './figure.js';
import { kernelBench } from './kernel.js';

export const BENCHES: Readonly<Record<string, Bench>> = {
  kernel: kernelBench,
  'device-round': deviceRoundBench,
  'coordinator-round': coordinatorRoundBench,
};
