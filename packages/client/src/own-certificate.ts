/**
 * A certificate that came for this device. Knows: what it must say. Doesn't know: for what it was asked.
 * Invariant: none is taken but from the registrar that the manifest names, for the key that was sent.
 */
import {
  equalBytes,
  parseHex,
  type Rng,
  runDerive,
  type Suite,
  toHex,
  WireError,
  wipe,
} from '@onlysum/crypto';
import { type Certificate, certificateCheck } from '@onlysum/protocol';
import type { Task } from '@onlysum/task';
import type { PseudonymRecord } from './record.js';
import type { RegistrarCall } from './registrar-http.js';
import type { ClientStore } from './store.js';

export interface EnrolmentPorts {
  readonly task: Task;
  readonly store: ClientStore;
  readonly suite: Suite;
  readonly rng: Rng;
  readonly call: RegistrarCall;
}

/** A certificate is taken only from the registrar that the manifest names, for the key asked for. */
export function checkCertificate(
  ports: Pick<EnrolmentPorts, 'task' | 'suite'>,
  certificate: Certificate,
  seedHex: string,
): void {
  const { task, suite } = ports;
  const { lengthMs } = task.manifest.epoch;
  if (certificate.epochLengthMs !== lengthMs) {
    throw certificateInvalid(`epochs of ${lengthMs} ms`, `${certificate.epochLengthMs} ms`);
  }
  const seed = parseHex('seed', seedHex, 32);
  const isOwn = equalBytes(certificate.pseudonym, suite.ed25519PublicKey(seed));
  wipe(seed);
  if (!isOwn) throw certificateInvalid('the key that was sent', 'another one');
  const [isSigned] = runDerive(suite, [certificateCheck(task.registrarKey, certificate)]);
  if (isSigned !== true) {
    throw certificateInvalid(
      'the signature of the registrar that the manifest names',
      'another one',
    );
  }
}

export function certificateInvalid(expected: string, got: string): WireError {
  return new WireError(
    'certificate-invalid',
    `the registrar's certificate: expected ${expected}, got ${got}: check that registrarUrl belongs to the manifest`,
    { field: 'certificate', expected, got },
  );
}

export function pseudonymRecord(
  { epoch, pseudonym, signature }: Certificate,
  seed: string,
): PseudonymRecord {
  return { epoch, seed, publicKey: toHex(pseudonym), signature: toHex(signature) };
}

/** Lends a seed, and wipes it. */
export async function withSeed<T>(
  hex: string,
  use: (seed: Uint8Array) => T | Promise<T>,
): Promise<T> {
  const seed = parseHex('seed', hex, 32);
  try {
    return await use(seed);
  } finally {
    wipe(seed);
  }
}
