/** §5.0: answer the challenge, in the name of the pseudonym. */
import { type DeriveResult, LABELS, encodeLabelled } from '@onlysum/crypto';
import type { Challenge } from '../messages/from-coordinator.js';
import { PROTOCOL_VERSION, hello } from '../messages/from-device.js';
import { NONCE_BYTES } from '../sizes.js';
import { signatureResult } from './results.js';
import type { DeviceParams, DeviceStep, InPhase, MachineContext } from './types.js';

/** The bytes a device signs: the URL stops a coordinator from passing the answer on to another. */
export function helloStatement(
  challenge: Uint8Array,
  nonce: Uint8Array,
  url: string,
  taskId: Uint8Array,
): Uint8Array {
  return encodeLabelled(LABELS.hello, challenge, nonce, url, taskId);
}

export function answerChallenge(
  state: InPhase<'connecting'>,
  message: Challenge,
  params: DeviceParams,
  context: MachineContext,
): DeviceStep {
  const nonce = context.rng(NONCE_BYTES);
  const { url } = params.task.manifest.coordinator;
  const statement = helloStatement(message.challenge, nonce, url, params.task.taskId);
  return [
    { ...state, phase: 'signing-hello', nonce },
    [
      {
        kind: 'derive',
        batch: [{ op: 'ed25519-sign', seed: params.pseudonymSeed, message: statement }],
      },
    ],
  ];
}

export function sendHello(
  state: InPhase<'signing-hello'>,
  results: readonly DeriveResult[],
  params: DeviceParams,
): DeviceStep {
  const bytes = hello.encode({
    version: PROTOCOL_VERSION,
    taskId: params.task.taskId,
    nonce: state.nonce,
    certificate: params.certificate,
    signature: signatureResult(results[0]),
  });
  const { accepted } = state;
  return [
    { accepted, phase: 'waiting' },
    [
      { kind: 'send', bytes },
      { kind: 'progress', stage: 'waiting' },
    ],
  ];
}
