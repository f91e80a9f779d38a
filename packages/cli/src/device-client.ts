/**
 * A client for one command of `onlysum device`.
 * Knows: where its manifest, its record and its registrar are. Doesn't know: what the command does.
 */
import type { Client, ClientStore } from '@onlysum/client';
import { printable } from '@onlysum/crypto';
import type { Command } from 'commander';
import { loadConfiguration } from './configuration.js';
import { readJson } from './files.js';
import { httpUrlFlag, keyFlag, pathFlag, required } from './flags.js';
import { note } from './output.js';
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
    .option('--manifest <file>', 'signed manifest', pathFlag('--manifest', cwd))
    .option('--publisher <hex>', "publisher's public key to trust", keyFlag('--publisher'))
    .option('--registrar-url <url>', 'where the registrar is', httpUrlFlag('--registrar-url'))
    .option('--store <folder>', "folder of this device's durable record", pathFlag('--store', cwd));
}

/**
 * Opens the device's client and closes it when `use` has ended.
 *
 * @param groups - optional consent groups that are given.
 * @throws {UsageError} `setting-missing`, or as `createClient`.
 */
export async function withClient<T>(
  flags: DeviceFlags,
  groups: readonly string[],
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
  const { createClient, fileStore } = await import('@onlysum/client/node');
  const store = fileStore(storePath);
  const open = () =>
    createClient({
      manifest,
      publisherKey,
      registrarUrl,
      store,
      consent: groups,
      onProgress: ({ stage, detail }) => {
        // It may quote the coordinator.
        note(terminal, printable(detail === undefined ? stage : `${stage}: ${detail}`));
      },
    });
  const client = await open().catch(async (error: unknown) => {
    await store.close();
    throw error;
  });
  try {
    return await use(client, store);
  } finally {
    await client.close();
  }
}
