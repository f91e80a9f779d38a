/**
 * The demo's folder: key files, the signed manifest and the configuration, as `onlysum init` and
 * `onlysum manifest sign` would write them.
 * Invariant: only the owner can read it, and it is gone when the demo ends.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemRng, toHex, wipe } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import { type Manifest, type SignedManifest, signManifest } from '@onlysum/task';
import { type FleetTask, fleetManifest } from './manifest.js';

export interface Workspace {
  readonly directory: string;
  readonly resultsDirectory: string;
  readonly signedManifest: SignedManifest;
  /** Takes the folder away, with the keys in it. */
  readonly remove: () => Promise<void>;
}

const HOST = '127.0.0.1';
const ROLES = ['publisher', 'registrar', 'coordinator'] as const;
type Role = (typeof ROLES)[number];

/** Keys are new each time and come from the platform's CSPRNG. */
export async function makeWorkspace(
  fleet: Omit<FleetTask, 'keys' | 'coordinatorUrl'>,
): Promise<Workspace> {
  const directory = await mkdtemp(join(tmpdir(), 'onlysum-fleet-'));
  const remove = () => rm(directory, { recursive: true, force: true });
  const seeds = Object.fromEntries(ROLES.map((role) => [role, systemRng(32)])) as Seeds;
  try {
    const port = { registrar: await freePort(), coordinator: await freePort() };
    const manifest = fleetManifest({
      ...fleet,
      keys: {
        publisher: toHex(nativeSuite.ed25519PublicKey(seeds.publisher)),
        registrar: toHex(nativeSuite.ed25519PublicKey(seeds.registrar)),
        coordinator: toHex(nativeSuite.ed25519PublicKey(seeds.coordinator)),
      },
      coordinatorUrl: `ws://${HOST}:${port.coordinator}`,
    });
    const signedManifest = signManifest(nativeSuite, manifest, seeds.publisher);
    await write(directory, 'manifest.signed.json', signedManifest);
    await write(directory, 'registrar.key.json', keyFile(seeds.registrar));
    await write(directory, 'coordinator.key.json', keyFile(seeds.coordinator));
    // JSON is YAML.
    await write(directory, 'onlysum.yaml', configuration(manifest, port, fleet.devices));
    return { directory, resultsDirectory: join(directory, 'results'), signedManifest, remove };
  } catch (error) {
    await remove();
    throw error;
  } finally {
    wipe(...Object.values(seeds));
  }
}

type Seeds = Record<Role, Uint8Array>;
type Ports = { readonly registrar: number; readonly coordinator: number };

function configuration(manifest: Manifest, port: Ports, devices: number): object {
  const manifests = ['manifest.signed.json'];
  return {
    registrar: {
      host: HOST,
      port: port.registrar,
      key: 'registrar.key.json',
      store: 'registrar-store',
      epochLengthMs: manifest.epoch.lengthMs,
      manifests,
    },
    coordinator: {
      host: HOST,
      port: port.coordinator,
      key: 'coordinator.key.json',
      registrarUrl: `http://${HOST}:${port.registrar}`,
      resultsDir: 'results',
      manifests,
      durations: durations(devices),
      // Some hundred devices share a process, and while one of them computes the others are silent.
      limits: {
        helloTimeoutMs: 60_000,
        pingIntervalMs: 60_000 + 50 * devices,
        // All of them have one address, and those that resume have two connections for a moment.
        connections: 2 * devices,
        connectionsPerAddress: 2 * devices,
      },
    },
  };
}

/**
 * A stage ends as soon as all have answered; these are for machines that are slow or busy: some 20 ms a
 * device and stage on two cores, so five times that, and half a minute.
 */
function durations(devices: number): object {
  const stageMs = 30_000 + 100 * devices;
  return {
    gatherMs: stageMs,
    shareKeysMs: stageMs,
    maskedInputMs: stageMs,
    unmaskingMs: stageMs,
    recoveryMs: stageMs,
    attestMs: stageMs,
    // Most resume within a few hundred milliseconds; where thousands share two cores they wait longer.
    resumeGraceMs: 1_500 + 2 * Math.max(0, devices - 300),
  };
}

function keyFile(seed: Uint8Array): object {
  return {
    onlysum: 'key',
    type: 'ed25519',
    publicKey: toHex(nativeSuite.ed25519PublicKey(seed)),
    seed: toHex(seed),
  };
}

function write(directory: string, name: string, value: object): Promise<void> {
  return writeFile(join(directory, name), `${JSON.stringify(value, undefined, 2)}\n`, {
    mode: 0o600,
  });
}

/** The manifest names the coordinator's URL, so the port must be known before anything listens. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, HOST, () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
