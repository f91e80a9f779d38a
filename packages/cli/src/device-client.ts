/**
 * A client for one command of `onlysum device`.
 * Knows: where its manifest, its record and its registrar are. Doesn't know: what the command does.
 */
import type { Client, ClientStore } from '@onlysum/client';
import { parseHex, UsageError } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import { verifySignedManifest } from '@onlysum/task';
import type { Command } from 'commander';
import { loadConfiguration } from './configuration.js';
import { inFile, readJson } from './files.js';
import { keyFlag, pathFlag, REQUIRED, registrarUrlFlag, required } from './flags.js';
import { note } from './output.js';
import { progressLine } from './progress-text.js';
import type { Terminal } from './terminal.js';

export interface DeviceFlags {
  readonly config?: string;
  readonly manifest?: string;
  readonly publisher?: string;
  readonly registrarUrl?: string;
  readonly store?: string;
  readonly json?: true;
}

export function addDeviceFlags(command: Command, { cwd }: Terminal): Command {
  return command
    .option('--config <file>', 'configuration (default: onlysum.yaml if there is one)')
    .option('--manifest <file>', `signed manifest ${REQUIRED}`, pathFlag('--manifest', cwd))
    .option(
      '--publisher <hex>',
      `publisher's public key to trust ${REQUIRED}`,
      keyFlag('--publisher'),
    )
    .option(
      '--registrar-url <url>',
      `where the registrar is ${REQUIRED}`,
      registrarUrlFlag('--registrar-url'),
    )
    .option(
      '--store <folder>',
      `folder of this device's durable record ${REQUIRED}`,
      pathFlag('--store', cwd),
    );
}

export interface ClientUse {
  /** Optional consent groups that are given. */
  readonly groups?: readonly string[];
  /** Whether the device's record may be made; else it must be there. */
  readonly mayBegin?: true;
}

/**
 * Opens the device's client and closes it when `use` has ended.
 *
 * @throws {UsageError} `setting-missing`, `store-missing`, or as `createClient`.
 */
export async function withClient<T>(
  flags: DeviceFlags,
  { groups = [], mayBegin }: ClientUse,
  terminal: Terminal,
  use: (client: Client, store: ClientStore) => Promise<T>,
): Promise<T> {
  const { device } = loadConfiguration(flags.config, terminal.cwd);
  const manifestPath = required(flags.manifest ?? device.manifest, '--manifest', 'device.manifest');
  const publisherKey = required(
    flags.publisher ?? device.publisher,
    '--publisher',
    'device.publisher',
  );
  const registrarUrl = required(
    flags.registrarUrl ?? device.registrarUrl,
    '--registrar-url',
    'device.registrarUrl',
  );
  const storePath = required(flags.store ?? device.store, '--store', 'device.store');
  const manifest = readJson(manifestPath);
  // The client checks it too, but knows no files.
  const publisher = parseHex('device.publisher', publisherKey, 32);
  inFile(manifestPath, () => verifySignedManifest(nativeSuite, manifest, publisher));
  const { createClient, fileStore } = await import('@onlysum/client/node');
  const store = fileStore(storePath);
  const open = async () => {
    if (mayBegin !== true) await checkBegun(store, storePath);
    return createClient({
      manifest,
      publisherKey,
      registrarUrl,
      store,
      consent: groups,
      onProgress: (progress) => note(terminal, progressLine(progress)),
    });
  };
  const client = await open().catch(async (error: unknown) => {
    await store.close();
    throw error;
  });
  try {
    return await use(client, store);
  } catch (error) {
    const { inCommandTerms } = await import('./device-failure.js');
    throw inCommandTerms(error, storePath);
  } finally {
    await client.close();
  }
}

/** A client notes in the record which version of the manifest it took: without one there never was any. */
async function checkBegun(store: ClientStore, path: string): Promise<void> {
  const { versions } = await store.read();
  if (Object.keys(versions).length > 0) return;
  const expected = "a device's record";
  const got = "none there: check --store, or run 'onlysum device enrol CODE' first";
  throw new UsageError('store-missing', `${path}: expected ${expected}, got ${got}`, {
    field: '--store',
    expected,
    got,
  });
}
