/**
 * A round's noise, drawn before the device connects, in slices between which the host's event loop runs.
 * Nobody then sees how long it took, which tells how large it is.
 * Knows: when to pause. Doesn't know: distributions, messages.
 */
import { type Rng, wipe } from '@onlysum/crypto';
import { drawNoise } from '@onlysum/metrics';
import type { Layout } from '@onlysum/task';
import { sleep } from './timers.js';

/** Of drawing at a time: half of what a frame of an animation takes. */
const SLICE_MS = 8;

export interface NoiseRequest {
  readonly layout: Layout;
  readonly rng: Rng;
  readonly holdsProcess: boolean;
  /** Asked before each slice; aborts with its reason. */
  readonly signal: AbortSignal;
}

/**
 * @returns one number a lane, owned by the caller, who wipes it; undefined for a task without noise.
 * @throws the signal's reason once it has aborted.
 */
export async function drawNoiseInSlices(request: NoiseRequest): Promise<Int32Array | undefined> {
  const { layout, rng, holdsProcess, signal } = request;
  const { lanes } = layout;
  if (layout.noise === undefined) return undefined;
  const noise = new Int32Array(lanes.length);
  try {
    let at = 0;
    while (at < lanes.length) {
      await sleep(0, holdsProcess);
      signal.throwIfAborted();
      const untilMs = performance.now() + SLICE_MS;
      do {
        // One by one: a lane of very large noise takes a slice for itself.
        const drawn = drawNoise(lanes.slice(at, at + 1), layout.noise.shares, rng);
        noise.set(drawn, at++);
        wipe(drawn);
      } while (at < lanes.length && performance.now() < untilMs);
    }
    return noise;
  } catch (error) {
    wipe(noise);
    throw error;
  }
}
