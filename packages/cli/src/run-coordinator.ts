/** A coordinator with its key, and with the registrar in the same process if that was asked for. */
import {
  type CoordinatorOptions,
  type CoordinatorStore,
  fileSealing,
  httpRegistrar,
  lmdbCoordinatorStore,
  type RegistrarPort,
  startCoordinator,
} from '@onlysum/coordinator';
import { toHex, wipe } from '@onlysum/crypto';
import type { CoordinatorSettings } from './coordinator-settings.js';
import { loadRole } from './role.js';
import { type OpenRegistrar, openRegistrar } from './run-registrar.js';
import type { Terminal } from './terminal.js';

export interface OpenCoordinator {
  /** `http://host:port`; devices come over WebSocket to the same port. */
  readonly url: string;
  /** Hex. */
  readonly publicKey: string;
  /** The registrar in this process, if any. */
  readonly embedded: OpenRegistrar | undefined;
  readonly close: () => Promise<void>;
}

export async function openCoordinator(
  settings: CoordinatorSettings,
  terminal: Terminal,
): Promise<OpenCoordinator> {
  const { resultsDir } = settings;
  const { tasks, seed, publicKey } = loadRole('coordinator', settings, terminal);
  let embedded: OpenRegistrar | undefined;
  let store: CoordinatorStore | undefined;
  const release = async () => {
    await embedded?.close();
    await store?.close();
    wipe(seed);
  };
  const reachRegistrar = async (): Promise<RegistrarPort> => {
    if ('url' in settings.registrar) return httpRegistrar(settings.registrar.url);
    embedded = await openRegistrar(settings.registrar.embedded, terminal);
    return embedded.registrar;
  };
  try {
    store = lmdbCoordinatorStore(settings.store);
    const options: CoordinatorOptions = {
      tasks,
      seed,
      registrar: await reachRegistrar(),
      host: settings.host,
      port: settings.port,
      durations: settings.durations,
      limits: settings.limits,
      store,
      sealing: await fileSealing(`${settings.store}.key`),
      exportRounds: settings.exportRounds,
      ...(resultsDir === undefined ? {} : { resultsDir }),
    };
    const coordinator = await startCoordinator(options);
    return {
      url: `http://${new URL(coordinator.url).host}`,
      publicKey: toHex(publicKey),
      embedded,
      close: async () => {
        await coordinator.close();
        await release();
      },
    };
  } catch (error) {
    await release();
    throw error;
  }
}
