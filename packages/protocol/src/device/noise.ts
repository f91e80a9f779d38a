/**
 * §5.4, §7: the noise of one round, from the host that draws it to the vector it is added to.
 * Knows: when it is asked for, and that it comes once. Doesn't know: distributions.
 * Invariant: no vector of a task with noise is masked without it, and none is used in another round.
 */
import { InternalError, wipe } from '@onlysum/crypto';
import { honestDevices } from '@onlysum/task';
import { at } from '../at.js';
import type {
  DeviceEffect,
  DeviceParams,
  DeviceState,
  DeviceStep,
  InPhase,
  OfferedRound,
  Seat,
  Secrets,
} from './types.js';

/** Asked for once the roster is checked, after what the coordinator waits for has been sent. */
export function askForNoise(seat: Seat, { task }: DeviceParams): DeviceEffect[] {
  if (task.layout.noise === undefined) return [];
  return [{ kind: 'draw-noise', honest: honestDevices(seat.facts.n, task.manifest) }];
}

/** @param drawn - one number a lane; kept, and wiped with the other secrets. */
export function takeNoise(state: DeviceState, drawn: Int32Array, params: DeviceParams): DeviceStep {
  const { lanes, noise } = params.task.layout;
  if (noise === undefined || !isBeforeInput(state) || hasNoise(state.secrets)) {
    throw new InternalError('internal', `noise came unasked while ${state.phase}`);
  }
  if (drawn.length !== lanes.length) {
    const expected = `expected ${lanes.length} lanes, got ${drawn.length}`;
    throw new InternalError('internal', `noise: ${expected}`);
  }
  state.secrets.noise = drawn;
  return [state, state.phase === 'encoding' ? askForInput(state.offered) : []];
}

/** Nothing while noise is still being drawn: {@link takeNoise} then asks. */
export function askOnceNoiseIsThere(
  { offered, secrets }: Pick<InPhase<'checking-shared-set'>, 'offered' | 'secrets'>,
  { task }: DeviceParams,
): DeviceEffect[] {
  return task.layout.noise === undefined || hasNoise(secrets) ? askForInput(offered) : [];
}

/** Adds modulo 2^32, and wipes it. @param lanes - within their bounds. */
export function addNoise(lanes: Uint32Array, secrets: Secrets, { task }: DeviceParams): void {
  if (task.layout.noise === undefined) return;
  const { noise } = secrets;
  if (!hasNoise(secrets)) {
    throw new InternalError('internal', 'the input of a task with noise came before its noise');
  }
  for (let j = 0; j < lanes.length; j++) lanes[j] = at(lanes, j) + at(noise, j);
  wipe(noise);
  secrets.noise = new Int32Array(0);
}

function askForInput({ round, window }: OfferedRound): DeviceEffect[] {
  return [{ kind: 'need-input', round, window }];
}

/** A layout has at least one lane, so that noise which was drawn is never empty. */
function hasNoise({ noise }: Secrets): boolean {
  return noise.length > 0;
}

type BeforeInput = InPhase<'shared' | 'checking-shared-set' | 'encoding'>;

function isBeforeInput(state: DeviceState): state is BeforeInput {
  return ['shared', 'checking-shared-set', 'encoding'].includes(state.phase);
}
