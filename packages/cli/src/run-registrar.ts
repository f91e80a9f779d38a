/** A registrar with its key and its store, opened together and closed together. */
import { toHex, wipe } from '@onlysum/crypto';
import { lmdbStore, type Registrar, startRegistrar } from '@onlysum/registrar';
import type { RegistrarSettings } from './registrar-settings.js';
import { loadRole } from './role.js';
import type { Terminal } from './terminal.js';
import { lmdbPath } from './unsupported-lines.js';

export interface OpenRegistrar {
  readonly url: string;
  /** Hex. */
  readonly publicKey: string;
  readonly registrar: Registrar;
  readonly close: () => Promise<void>;
}

export async function openRegistrar(
  settings: RegistrarSettings,
  terminal: Terminal,
): Promise<OpenRegistrar> {
  const { tasks, seed, publicKey } = loadRole('registrar', settings, terminal);
  const store = lmdbStore(lmdbPath('registrar.store', settings.store));
  const release = async () => {
    await store.close();
    wipe(seed);
  };
  try {
    const running = await startRegistrar({
      seed,
      tasks,
      epochLengthMs: settings.epochLengthMs ?? tasks[0]?.manifest.epoch.lengthMs ?? 0,
      store,
      host: settings.host,
      port: settings.port,
      limits: settings.limits,
      metrics: settings.metrics,
      logLevel: settings.logLevel,
    });
    return {
      url: running.url,
      publicKey: toHex(publicKey),
      registrar: running.registrar,
      close: async () => {
        await running.close();
        await release();
      },
    };
  } catch (error) {
    await release();
    throw error;
  }
}
