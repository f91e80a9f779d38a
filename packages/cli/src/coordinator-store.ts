/**
 * The coordinator's store, opened beside a running coordinator or alone.
 * Knows: which store. Doesn't know: the keys of coordinator and results, which administration does not need.
 */
import { UsageError } from '@onlysum/crypto';
import { lmdbIsAt } from '@onlysum/service';
import type { CoordinatorStore } from '@onlysum/coordinator';
import type { Command } from 'commander';
import { coordinatorStoreFolder } from './coordinator-settings.js';
import { pathFlag } from './flags.js';
import type { Terminal } from './terminal.js';

type Coordinator = typeof import('@onlysum/coordinator');

export interface CoordinatorStoreFlags {
  readonly config?: string;
  readonly store?: string;
  readonly json?: true;
}

export function addCoordinatorStoreFlags(command: Command, { cwd }: Terminal): Command {
  return command
    .option('--config <file>', 'configuration (default: onlysum.yaml if there is one)')
    .option(
      '--store <folder>',
      "folder of the coordinator's durable record (default: that of the configuration)",
      pathFlag('--store', cwd),
    );
}

/**
 * @param run - also gets the package, which is loaded only now.
 * @throws {UsageError} `store-missing` if no coordinator has run on it: a typing error makes no second one.
 */
export async function inCoordinatorStore<T>(
  flags: CoordinatorStoreFlags,
  { cwd }: Terminal,
  run: (store: CoordinatorStore, coordinator: Coordinator) => Promise<T>,
): Promise<T> {
  const path = flags.store ?? coordinatorStoreFolder(flags.config, cwd);
  if (!lmdbIsAt(path)) {
    const expected = 'the store of a coordinator that has been started once';
    throw new UsageError('store-missing', `${path}: expected ${expected}, got no store`, {
      field: '--store',
      expected,
      got: 'no store',
    });
  }
  const coordinator = await import('@onlysum/coordinator');
  const store = coordinator.lmdbCoordinatorStore(path);
  try {
    return await run(store, coordinator);
  } finally {
    await store.close();
  }
}
