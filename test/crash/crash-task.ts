/** The task of a crash run: each device is a category of its own, so that a value counted twice shows. */
import { systemRng, toHex } from '@onlysum/crypto';
import { nativeSuite as suite } from '@onlysum/crypto/node';
import { type SignedManifest, signManifest } from '@onlysum/task';

export const DEVICES = 8;
export const METRIC = 'device';
export const nameOf = (device: number): string => `d${device}`;

export interface CrashTask {
  readonly signed: SignedManifest;
  readonly publisherKey: string;
  /** Hex, of registrar and coordinator. */
  readonly registrarSeed: string;
  readonly coordinatorSeed: string;
}

export function makeCrashTask(port: number, windowMs: number): CrashTask {
  const [publisher, registrar, coordinator] = [systemRng(32), systemRng(32), systemRng(32)];
  const key = (seed: Uint8Array) => toHex(suite.ed25519PublicKey(seed));
  const signed = signManifest(
    suite,
    {
      onlysum: 1,
      suite: 1,
      name: 'crash',
      version: 1,
      publisher: key(publisher),
      registrar: key(registrar),
      coordinator: { key: key(coordinator), url: `ws://127.0.0.1:${port}/v1` },
      window: { lengthMs: windowMs },
      // The devices enrol once.
      epoch: { lengthMs: windowMs * Math.ceil(86_400_000 / windowMs) },
      cohort: { min: 3, target: 4, max: 5 },
      minSurvivors: 3,
      attempts: 16,
      assumptions: { corrupt: 10, dropout: 250, population: 0 },
      minRespondents: 1,
      privacy: { mechanism: 'none' },
      validity: { notBeforeMs: 0, notAfterMs: Number.MAX_SAFE_INTEGER },
      groups: [{ name: 'essential', purpose: 'to be counted once', essential: true }],
      metrics: [
        {
          name: METRIC,
          kind: 'category',
          categories: Array.from({ length: DEVICES }, (_, i) => nameOf(i)),
          group: 'essential',
          purpose: 'who is in the sum',
          owner: 'tests',
          retentionDays: 30,
          access: ['analyst'],
        },
      ],
    },
    publisher,
  );
  return {
    signed,
    publisherKey: key(publisher),
    registrarSeed: toHex(registrar),
    coordinatorSeed: toHex(coordinator),
  };
}
