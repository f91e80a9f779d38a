/**
 * The coordinator's store, opened beside a running coordinator or alone.
 * Knows: which store. Doesn't know: the coordinator's key, which administration does not need.
 */
import type { CoordinatorStore } from '@onlysum/coordinator';
import type { Command } from 'commander';
import { loadConfiguration } from './configuration.js';
import { coordinatorStore } from './coordinator-settings.js';
import { addStorePlaceFlags } from './flags.js';
import { openCoordinatorStore } from './open-store.js';
import type { Terminal } from './terminal.js';

type Coordinator = typeof import('@onlysum/coordinator');

export interface CoordinatorStoreFlags {
  readonly config?: string;
  readonly store?: string;
  readonly json?: true;
}

export function addCoordinatorStoreFlags(command: Command, terminal: Terminal): Command {
  const store = "folder of the coordinator's durable record (default: that of the configuration)";
  return addStorePlaceFlags(command, terminal, store);
}

/**
 * @param run - also gets the package, which is loaded only now.
 * @throws {UsageError} `store-missing` if no coordinator has run on it: a typing error makes no second one;
 *   or as `openCoordinatorStore`.
 */
export async function inCoordinatorStore<T>(
  flags: CoordinatorStoreFlags,
  terminal: Terminal,
  run: (store: CoordinatorStore, coordinator: Coordinator) => Promise<T>,
): Promise<T> {
  const setting =
    flags.store === undefined
      ? coordinatorStore(loadConfiguration(flags.config, terminal.cwd), flags.config, terminal.cwd)
      : { lmdb: flags.store };
  const store = await openCoordinatorStore(setting, terminal, { create: false });
  const coordinator = await import('@onlysum/coordinator');
  try {
    return await run(store, coordinator);
  } finally {
    await store.close();
  }
}
