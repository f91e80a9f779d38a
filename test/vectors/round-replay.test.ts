/**
 * The shipped device machine in each seat of round.json, with the vectors' secrets in place of
 * randomness: it says what the transcript says, and refuses what the file says it must refuse.
 */
import { type Suite, portableSuite, runDerive, toHex } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import { type Task, verifySignedManifest } from '@onlysum/task';
import { describe, expect, test } from 'vitest';
import { startDevice, stepDevice } from '../../packages/protocol/src/device/machine.js';
import type { DeviceEvent, DeviceOutcome } from '../../packages/protocol/src/device/types.js';
import { verifyReceipt } from '../../packages/protocol/src/receipt.js';
import { bytesOf } from './json.js';
import { DROPOUT, SILENT } from './round-setup.js';
import vectors from './v1/round.json' with { type: 'json' };

describe.each([portableSuite, nativeSuite])('round.json with the $name suite', (suite) => {
  const task = verifySignedManifest(suite, vectors.signedManifest);

  test.each([0, 1, 2, 3])(
    'the device machine in seat %i says what the transcript says',
    (index) => {
      const device = replay(suite, task, index, messagesTo(index));
      const sentByIt = device.sent.map(toHex);
      const expected = carried(index, 'up').map(({ hex }) => hex);
      // The dropout was gone before it could send its masked input.
      expect(index === DROPOUT ? sentByIt.slice(0, -1) : sentByIt).toEqual(expected);
      if (index === DROPOUT || index === SILENT) {
        expect(device.outcome).toBeUndefined();
        return;
      }
      if (device.outcome?.kind !== 'receipt') throw new RangeError('no receipt');
      const { receipt } = device.outcome;
      expect(receipt).toMatchObject({ included: true, opened: true, devices: 4, survivors: 3 });
      verifyReceipt(suite, { registrar: task.registrarKey }, receipt);
    },
  );

  test.each(vectors.refused)(
    'device 0 refuses $name ($code)',
    ({ device, received, hex, code }) => {
      const before = messagesTo(device).slice(0, received);
      const honest = replay(suite, task, device, before);
      expect(honest.outcome).toBeUndefined();
      const { outcome, sent: sentByIt } = replay(suite, task, device, [...before, bytesOf(hex)]);
      expect(outcome?.kind === 'failed' ? outcome.error.code : outcome?.kind).toBe(code);
      expect(sentByIt).toEqual(honest.sent);
    },
  );
});

function carried(device: number, direction: string) {
  return vectors.transcript.filter((m) => m.device === device && m.direction === direction);
}

function messagesTo(device: number): Uint8Array[] {
  return carried(device, 'down').map(({ hex }) => bytesOf(hex));
}

/** The shipped device with the vectors' secrets in place of randomness. */
function replay(suite: Suite, task: Task, index: number, messages: readonly Uint8Array[]) {
  const { pseudonymSeed, epoch, epochLengthMs, pseudonym, signature } = at(
    vectors.enrolment,
    index,
  );
  const { nonce, cSecret, sSecret } = at(vectors.advertised, index);
  const { b, randomOfB, randomOfS } = at(vectors.dealt, index);
  const draws = [nonce, cSecret, sSecret, b, randomOfB, randomOfS].map(bytesOf);
  const params = {
    task,
    floor: vectors.floor,
    pseudonymSeed: bytesOf(pseudonymSeed),
    certificate: {
      epoch,
      epochLengthMs,
      pseudonym: bytesOf(pseudonym),
      signature: bytesOf(signature),
    },
    incarnation: 0,
  };
  const rng = (length: number): Uint8Array => {
    const drawn = draws.shift();
    if (drawn?.length !== length) throw new RangeError(`a draw of ${length} bytes is not expected`);
    return drawn;
  };
  const machineContext = { suite, rng, nowMs: vectors.nowMs };
  const out: Uint8Array[] = [];
  let outcome: DeviceOutcome | undefined;
  let state = startDevice();
  const step = (event: DeviceEvent): void => {
    const [next, effects] = stepDevice(state, event, params, machineContext);
    state = next;
    for (const effect of effects) {
      if (effect.kind === 'send') out.push(effect.bytes);
      if (effect.kind === 'derive') {
        step({ kind: 'derived', results: runDerive(suite, effect.batch) });
      }
      if (effect.kind === 'need-input') {
        const input = vectors.masked.find((row) => row.index === index)?.input;
        step({ kind: 'input', lanes: Uint32Array.from(input ?? vectors.lanes.map(() => 0)) });
      }
      if (effect.kind === 'persist') step({ kind: 'persisted', outcome: 'reserved' });
      if (effect.kind === 'finish') outcome = effect.outcome;
    }
  };
  for (const bytes of messages) step({ kind: 'message', bytes });
  return { sent: out, outcome };
}

function at<T>(list: readonly T[], index: number): T {
  const value = list[index];
  if (value === undefined) throw new RangeError(`no element ${index} in a list of ${list.length}`);
  return value;
}
