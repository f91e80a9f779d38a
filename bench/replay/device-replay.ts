/**
 * One recorded device played again through the shipped machine: the same keys, the same messages in,
 * and therefore the same bytes out. Knows: the machine's effects. Doesn't know: sockets, time.
 */
import { type DeriveOp, type DeriveResult, type DeriveRunner, type Suite } from '@onlysum/crypto';
import { equalBytes, runDerive } from '@onlysum/crypto';
import { type DeviceEffect, type DeviceEvent, startDevice, stepDevice } from '@onlysum/protocol';
import { type RecordedDevice, deviceRandomness, recordedParams } from '@onlysum/simulator';
import type { RecordedService } from './recorded-files.js';

/** What a device needs of the round's service to be played again. */
export type ReplayedService = Pick<RecordedService, 'plan' | 'nowMs'> & {
  readonly options: Pick<RecordedService['options'], 'seed'>;
};

/**
 * From Challenge to Closed.
 *
 * @throws {Error} if it sends anything else than it did when it was recorded.
 */
export function replayDevice(suite: Suite, service: ReplayedService, device: RecordedDevice): void {
  const steps = deviceSteps(suite, service, device);
  let asked = steps.next();
  while (asked.done !== true) asked = steps.next(runDerive(suite, asked.value));
}

/** The same, with public-key operations by another runner. */
export async function replayDeviceBy(
  derive: DeriveRunner,
  suite: Suite,
  service: ReplayedService,
  device: RecordedDevice,
): Promise<void> {
  const steps = deviceSteps(suite, service, device);
  let asked = steps.next();
  while (asked.done !== true) asked = steps.next(await derive(asked.value));
}

/** Yields each batch of public-key operations and takes its results. */
function* deviceSteps(
  suite: Suite,
  service: ReplayedService,
  device: RecordedDevice,
): Generator<readonly DeriveOp[], void, DeriveResult[]> {
  const params = recordedParams(service, device);
  const [, rng] = deviceRandomness(service.options.seed, device.number);
  const context = { suite, rng, nowMs: service.nowMs };
  let state = startDevice();
  let sent = 0;
  for (const bytes of device.down) yield* step({ kind: 'message', bytes });
  if (state.phase !== 'finished' || sent !== device.up.length) {
    throw new Error(`device ${device.number} is ${state.phase} after ${sent} messages`);
  }

  function* step(event: DeviceEvent): ReturnType<typeof deviceSteps> {
    const [next, effects] = stepDevice(state, event, params, context);
    state = next;
    for (const effect of effects) yield* perform(effect);
  }

  function* perform(effect: DeviceEffect): ReturnType<typeof deviceSteps> {
    switch (effect.kind) {
      case 'send':
        if (!equalBytes(effect.bytes, device.up[sent] ?? new Uint8Array(0))) {
          throw new Error(`message ${sent} of device ${device.number} is not the recorded one`);
        }
        sent++;
        return;
      case 'derive':
        return yield* step({ kind: 'derived', results: yield effect.batch });
      case 'need-input':
        return yield* step({ kind: 'input', lanes: device.input.slice() });
      case 'persist':
        return yield* step({ kind: 'persisted', outcome: 'reserved' });
      case 'draw-noise':
        throw new Error('a recording has no noise');
      default:
        return;
    }
  }
}
