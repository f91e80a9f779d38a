/**
 * §5.0: who may talk to a coordinator at all. A fresh challenge per connection; the answer is checked
 * against the registrar's certificate, the epoch, and the coordinator's own URL and task.
 */
import { type DeriveOp, type DeriveResult, PeerError, toHex } from '@onlysum/crypto';
import { type Task, windowAt } from '@onlysum/task';
import { certificateCheck } from '../certificate.js';
import { helloStatement } from '../device/hello.js';
import { challenge } from '../messages/from-coordinator.js';
import { type Hello, hello } from '../messages/from-device.js';
import { CHALLENGE_BYTES } from '../sizes.js';
import { decodeFrame } from '../wire/codec.js';
import type { MachineContext } from './types.js';

/** @returns what to send, and what to remember until the device answers. */
export function makeChallenge(context: MachineContext): {
  bytes: Uint8Array;
  challenge: Uint8Array;
} {
  const fresh = context.rng(CHALLENGE_BYTES);
  return { bytes: challenge.encode({ challenge: fresh }), challenge: fresh };
}

export interface HelloCheck {
  readonly hello: Hello;
  readonly task: Task;
  /** To be run, and its results given to {@link admit}. */
  readonly batch: readonly DeriveOp[];
}

/**
 * @param tasks - by hex task id.
 * @throws {WireError} `wire-invalid`; {@link PeerError} `task-unknown`, `certificate-refused`.
 */
export function checkHello(
  bytes: Uint8Array,
  fresh: Uint8Array,
  tasks: ReadonlyMap<string, Task>,
  nowMs: number,
): HelloCheck {
  const raw = decodeFrame(bytes);
  if (raw[0] !== hello.type) {
    throw new PeerError(
      'wrong-stage',
      `expected Hello (${hello.type}), got type ${String(raw[0])}`,
    );
  }
  const message = hello.parse(raw);
  const task = tasks.get(toHex(message.taskId));
  if (task === undefined) {
    throw new PeerError(
      'task-unknown',
      `task ${toHex(message.taskId).slice(0, 16)}… is not served here: update the manifest`,
    );
  }
  const { certificate } = message;
  const { epoch } = windowAt(task.manifest, nowMs);
  if (certificate.epoch !== epoch || certificate.epochLengthMs !== task.manifest.epoch.lengthMs) {
    throw new PeerError(
      'certificate-refused',
      `the certificate is for epoch ${certificate.epoch}, now is epoch ${epoch}: renew it`,
    );
  }
  const statement = helloStatement(
    fresh,
    message.nonce,
    task.manifest.coordinator.url,
    message.taskId,
  );
  return {
    hello: message,
    task,
    batch: [
      certificateCheck(task.registrarKey, certificate),
      {
        op: 'ed25519-verify',
        publicKey: certificate.pseudonym,
        message: statement,
        signature: message.signature,
      },
    ],
  };
}

/** @throws {PeerError} `certificate-refused`, `hello-refused`. */
export function admit(results: readonly DeriveResult[]): void {
  if (results[0] !== true) {
    throw new PeerError(
      'certificate-refused',
      'the certificate is not signed by the registrar that the manifest names: enrol again',
    );
  }
  if (results[1] !== true) {
    throw new PeerError(
      'hello-refused',
      "the signature does not match this connection's challenge, URL and task",
    );
  }
}
