/**
 * The registrar's store, opened beside a running registrar or alone.
 * Knows: which store. Doesn't know: the registrar's key, which administration does not need.
 */
import { systemRng, UsageError } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import type { Ledger, MachineContext } from '@onlysum/protocol';
import type { RegistrarStore } from '@onlysum/registrar';
import type { Command } from 'commander';
import { loadConfiguration } from './configuration.js';
import { addStorePlaceFlags, REQUIRED, required } from './flags.js';
import { openRegistrarStore, storeName } from './open-store.js';
import type { Terminal } from './terminal.js';

export interface StoreFlags {
  readonly config?: string;
  readonly store?: string;
  readonly json?: true;
}

export function addStoreFlags(command: Command, terminal: Terminal): Command {
  const store = `folder of the registrar's durable record ${REQUIRED}`;
  return addStorePlaceFlags(command, terminal, store);
}

/**
 * Runs `run` in one transaction.
 *
 * @param run - also gets the store's name, for messages.
 * @throws {UsageError} as {@link withRegistrarStore}.
 */
export function inRegistrarStore<T>(
  flags: StoreFlags,
  terminal: Terminal,
  run: (ledger: Ledger, context: MachineContext, name: string) => T,
): Promise<T> {
  return withRegistrarStore(flags, terminal, (store, name) => {
    const context = { suite: nativeSuite, rng: systemRng, nowMs: Date.now() };
    return store.transact((ledger) => run(ledger, context, name));
  });
}

/**
 * Opens the store for `use`, and closes it.
 *
 * @throws {UsageError} `store-missing` if no registrar has ever run on it: a typing error must not
 *   make a second store, nor write into another program's.
 */
export async function withRegistrarStore<T>(
  flags: StoreFlags,
  terminal: Terminal,
  use: (store: RegistrarStore, name: string) => T | Promise<T>,
): Promise<T> {
  const { registrar } = loadConfiguration(flags.config, terminal.cwd);
  const flag = flags.store === undefined ? undefined : { lmdb: flags.store };
  const setting = required(flag ?? registrar.store, '--store', 'registrar.store');
  const { storeOwner } = await import('@onlysum/registrar');
  const store = await openRegistrarStore(setting, terminal, { create: false });
  const name = storeName(setting);
  try {
    if (store.read(storeOwner) === undefined) throw notRegistrars(name);
    return await use(store, name);
  } finally {
    await store.close();
  }
}

function notRegistrars(name: string): UsageError {
  const expected = 'the store of a registrar that has been started once';
  const got = "one that holds no registrar's key";
  return new UsageError('store-missing', `${name}: expected ${expected}, got ${got}`, {
    field: '--store',
    expected,
    got,
  });
}
