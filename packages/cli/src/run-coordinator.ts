/** A coordinator with its key, and with the registrar in the same process if that was asked for. */
import { fileURLToPath } from 'node:url';
import {
  type CoordinatorOptions,
  type CoordinatorStore,
  fileSealing,
  httpRegistrar,
  keyedSealing,
  type RegistrarPort,
  startCoordinator,
} from '@onlysum/coordinator';
import { toHex, wipe } from '@onlysum/crypto';
import type { CoordinatorSettings } from './coordinator-settings.js';
import { openCoordinatorStore } from './open-store.js';
import { loadRole } from './role.js';
import { type OpenRegistrar, openRegistrar } from './run-registrar.js';
import type { Terminal } from './terminal.js';

export interface OpenCoordinator {
  /** `http://host:port`, `https:` with TLS; devices come over WebSocket to the same port. */
  readonly url: string;
  /** Hex. */
  readonly publicKey: string;
  /** The registrar in this process, if any. */
  readonly embedded: OpenRegistrar | undefined;
  /** Of the admin API and the dashboard, if they are on. */
  readonly adminUrl: string | undefined;
  /** Reads certificates again. */
  readonly reload: () => void;
  readonly close: () => Promise<void>;
}

/** Its package lies beside this one, in a checkout as in an installation; it may not be built. */
const DASHBOARD = fileURLToPath(new URL('../../dashboard/dist', import.meta.url));

export async function openCoordinator(
  settings: CoordinatorSettings,
  terminal: Terminal,
): Promise<OpenCoordinator> {
  const { resultsDir, admin, tls, resultsKey, overSelection } = settings;
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
    store = await openCoordinatorStore(settings.store, terminal);
    const options: CoordinatorOptions = {
      tasks,
      seed,
      registrar: await reachRegistrar(),
      host: settings.host,
      port: settings.port,
      durations: settings.durations,
      limits: settings.limits,
      store,
      sealing:
        'keyFile' in resultsKey
          ? await fileSealing(resultsKey.keyFile, store)
          : await keyedSealing(resultsKey, { environment: terminal.env }),
      exportRounds: settings.exportRounds,
      metrics: settings.metrics,
      trustProxy: settings.trustProxy,
      logLevel: settings.logLevel,
      ...(resultsDir === undefined ? {} : { resultsDir }),
      ...(admin === undefined ? {} : { admin: { ...admin, dashboardDir: DASHBOARD } }),
      ...(tls === undefined ? {} : { tls }),
      ...(overSelection === undefined ? {} : { overSelection }),
    };
    const coordinator = await startCoordinator(options);
    return {
      url: coordinator.url.replace(/^ws(s?:\/\/[^/]+).*$/, 'http$1'),
      adminUrl: coordinator.adminUrl,
      reload: () => coordinator.reloadTls(),
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
