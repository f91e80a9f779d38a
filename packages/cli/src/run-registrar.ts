/** A registrar with its key and its store, opened together and closed together. */
import { toHex, wipe } from '@onlysum/crypto';
import {
  type Registrar,
  type RegistrarStore,
  startRegistrar,
  type TokenIssuer,
} from '@onlysum/registrar';
import { readJson } from './files.js';
import { openRegistrarStore } from './open-store.js';
import type { RegistrarSettings } from './registrar-settings.js';
import { loadRole } from './role.js';
import type { Terminal } from './terminal.js';

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
  const tokenIssuers = settings.tokens.map((lines) => ({
    ...lines,
    keys: readJson(lines.keys) as TokenIssuer['keys'],
  }));
  const { tasks, seed, publicKey, previousSeeds } = loadRole('registrar', settings, terminal);
  let store: RegistrarStore | undefined;
  const release = async () => {
    await store?.close();
    wipe(seed, ...previousSeeds);
  };
  try {
    store = await openRegistrarStore(settings.store, terminal);
    const running = await startRegistrar({
      seed,
      previousSeeds,
      tasks,
      tokenIssuers,
      ...settings.optional,
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
