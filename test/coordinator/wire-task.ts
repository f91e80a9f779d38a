/** The task of a wire fleet, its keys, and inputs for its devices that add up to a known sum. */
import { systemRng, toHex } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import { type Manifest, type Task, signManifest, verifySignedManifest } from '@onlysum/task';

export const suite = nativeSuite;
export const EPOCH_MS = 24 * 3_600_000;

export interface FleetOptions {
  readonly cohort?: Manifest['cohort'];
  readonly dropout?: number;
  readonly name?: string;
  readonly window?: number;
  readonly validity?: Manifest['validity'];
  /** Applied last. */
  readonly manifest?: Partial<Manifest>;
  /** Of `crashes`; `startup_ms` is kept for 90 days. */
  readonly retentionDays?: number;
  readonly privacy?: Manifest['privacy'];
}

export interface Keys {
  readonly publisher: Uint8Array;
  readonly registrar: Uint8Array;
  readonly coordinator: Uint8Array;
}

export function freshKeys(): Keys {
  return { publisher: systemRng(32), registrar: systemRng(32), coordinator: systemRng(32) };
}

export function makeTask(keys: Keys, options: FleetOptions = {}): Task {
  const key = (seed: Uint8Array) => toHex(suite.ed25519PublicKey(seed));
  const manifest: Manifest = {
    onlysum: 1,
    suite: 1,
    name: options.name ?? 'acme-desktop',
    version: 1,
    publisher: key(keys.publisher),
    registrar: key(keys.registrar),
    coordinator: { key: key(keys.coordinator), url: 'ws://127.0.0.1:9/v1/devices' },
    window: { lengthMs: options.window ?? 3_600_000 },
    epoch: { lengthMs: EPOCH_MS },
    cohort: options.cohort ?? { min: 3, target: 5, max: 5 },
    minSurvivors: 3,
    attempts: 3,
    assumptions: { corrupt: 10, dropout: options.dropout ?? 200, population: 0 },
    minRespondents: 1,
    privacy: options.privacy ?? { mechanism: 'none' },
    validity: options.validity ?? { notBeforeMs: 0, notAfterMs: Number.MAX_SAFE_INTEGER },
    groups: [{ name: 'essential', purpose: 'licensing', essential: true }],
    metrics: [
      {
        name: 'crashes',
        kind: 'count',
        max: 1000,
        group: 'essential',
        purpose: 'stability',
        owner: 'desktop team',
        retentionDays: options.retentionDays ?? 90,
        access: ['analyst'],
      },
      {
        name: 'startup_ms',
        kind: 'histogram',
        edges: ['0', '100', '250', '1000'],
        unit: 'ms',
        group: 'essential',
        purpose: 'speed',
        owner: 'desktop team',
        retentionDays: 90,
        access: ['analyst'],
      },
    ],
    ...options.manifest,
  };
  return verifySignedManifest(suite, signManifest(suite, manifest, keys.publisher));
}

/** Distinct lanes for device `i`: reports everything, `value` being i. */
export function lanesOf(task: Task, i: number): Uint32Array {
  return Uint32Array.from(task.layout.lanes, ({ role, position, bound }) => {
    if (role === 'value') return i % (bound + 1);
    if (role === 'bucket') return Number(position === i % 3);
    return role === 'clipped' ? i % 2 : 1;
  });
}

export function sumLanes(lanes: readonly Uint32Array[]): number[] {
  return [...(lanes[0] ?? [])].map((_, j) => lanes.reduce((sum, own) => sum + (own[j] ?? 0), 0));
}
