/**
 * The registrar's store, opened beside a running registrar or alone.
 * Knows: which store. Doesn't know: the registrar's key, which administration does not need.
 */
import { existsSync } from 'node:fs';
import { systemRng, UsageError } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import type { Ledger, MachineContext } from '@onlysum/protocol';
import type { Command } from 'commander';
import { loadConfiguration } from './configuration.js';
import { pathFlag, required } from './flags.js';
import type { Terminal } from './terminal.js';

export interface StoreFlags {
  readonly config?: string;
  readonly store?: string;
  readonly json?: true;
}

export function addStoreFlags(command: Command, { cwd }: Terminal): Command {
  return command
    .option('--config <file>', 'configuration (default: onlysum.yaml if there is one)')
    .option(
      '--store <folder>',
      "folder of the registrar's durable record",
      pathFlag('--store', cwd),
    );
}

/**
 * Runs `run` in one transaction.
 *
 * @throws {UsageError} `store-missing` if no registrar has ever run on it: a typing error must not
 *   make a second store.
 */
export async function inRegistrarStore<T>(
  flags: StoreFlags,
  terminal: Terminal,
  run: (ledger: Ledger, context: MachineContext) => T,
): Promise<T> {
  const { registrar } = loadConfiguration(flags.config, terminal.cwd);
  const path = required(flags.store ?? registrar.store, '--store', 'registrar.store');
  if (!existsSync(path)) {
    const expected = 'the store of a registrar that has been started once';
    throw new UsageError('store-missing', `${path}: expected ${expected}, got nothing there`, {
      field: '--store',
      expected,
      got: 'nothing there',
    });
  }
  const { lmdbStore } = await import('@onlysum/registrar');
  const store = lmdbStore(path);
  try {
    const context = { suite: nativeSuite, rng: systemRng, nowMs: Date.now() };
    return await store.transact((ledger) => run(ledger, context));
  } finally {
    await store.close();
  }
}
