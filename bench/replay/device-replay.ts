/**
 * One recorded device played again through the shipped machine: the same keys, the same messages in,
 * and therefore the same bytes out. Knows: the machine's effects. Doesn't know: sockets, time.
 */
import { type Suite, equalBytes, runDerive } from '@onlysum/crypto';
import { type DeviceEffect, type DeviceEvent, startDevice, stepDevice } from '@onlysum/protocol';
import { type RecordedDevice, deviceRandomness, recordedParams } from '@onlysum/simulator';
import type { RecordedService } from './recorded-files.js';

/**
 * From Challenge to Closed.
 *
 * @throws {Error} if it sends anything else than it did when it was recorded.
 */
export function replayDevice(suite: Suite, service: RecordedService, device: RecordedDevice): void {
  const params = recordedParams(service, device);
  const [, rng] = deviceRandomness(service.options.seed, device.number);
  const context = { suite, rng, nowMs: service.nowMs };
  let state = startDevice();
  let sent = 0;
  const step = (event: DeviceEvent): void => {
    const [next, effects] = stepDevice(state, event, params, context);
    state = next;
    for (const effect of effects) perform(effect);
  };
  const perform = (effect: DeviceEffect): void => {
    switch (effect.kind) {
      case 'send':
        if (!equalBytes(effect.bytes, device.up[sent] ?? new Uint8Array(0))) {
          throw new Error(`message ${sent} of device ${device.number} is not the recorded one`);
        }
        sent++;
        return;
      case 'derive':
        return step({ kind: 'derived', results: runDerive(suite, effect.batch) });
      case 'need-input':
        return step({ kind: 'input', lanes: device.input.slice() });
      case 'persist':
        return step({ kind: 'persisted', outcome: 'reserved' });
      default:
        return;
    }
  };
  for (const bytes of device.down) step({ kind: 'message', bytes });
  if (state.phase !== 'finished' || sent !== device.up.length) {
    throw new Error(`device ${device.number} is ${state.phase} after ${sent} messages`);
  }
}
