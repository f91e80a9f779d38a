/**
 * The listener for operators: a port of its own, apart from that of devices.
 * Knows: sockets, TLS, time limits. Doesn't know: routes.
 */
import { createServer as createHttpServer, type Server } from 'node:http';
import { createServer as createHttpsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { AuditTally, closeWithin, listenOn } from '@onlysum/service';
import { errorFields } from '../log.js';
import { answerWithin } from '../store-patience.js';
import { tlsOptions, watchTls } from '../tls.js';
import { adminApp } from './admin-app.js';
import type { AdminSettings } from './admin-options.js';
import { Dashboard } from './dashboard.js';
import type { AdminPorts } from './route.js';

export interface RunningAdmin {
  readonly port: number;
  /** Without a slash at its end. */
  readonly url: string;
  /** Reads certificate and key again. */
  reloadTls(): void;
  /** Ends streams at once; other answers, then the last refusals, have two seconds each to end, or be written. */
  close(): Promise<void>;
}

const CLOSE_GRACE_MS = 2_000;
const MOST_CONNECTIONS = 256;
const HEADERS_MS = 10_000;
const REQUEST_MS = 30_000;
/** Without a byte either way; streams say something every 15 s. */
const IDLE_MS = 60_000;

/** @throws {UsageError} `listen-failed`, `tls-invalid`. */
export async function startAdmin(
  settings: AdminSettings,
  ports: AdminPorts,
): Promise<RunningAdmin> {
  const { host, port, tls, dashboardDir } = settings;
  const { log } = ports;
  const closing = new AbortController();
  const dashboard = new Dashboard(dashboardDir);
  const refusals = new AuditTally({
    append: (events) => ports.store.appendAudit(events),
    onUnwritten: (error, kinds) =>
      log.error({ kinds, ...errorFields(error) }, 'refusals not recorded'),
  });
  const { fetch } = adminApp(ports, settings, dashboard, refusals, closing.signal);
  const limits = {
    headersTimeout: HEADERS_MS,
    requestTimeout: REQUEST_MS,
    keepAliveTimeout: 5_000,
    connectionsCheckingInterval: 1_000,
    maxHeaderSize: 16 * 1024,
  };
  const server =
    tls === undefined
      ? (createAdaptorServer({
          fetch,
          createServer: createHttpServer,
          serverOptions: limits,
        }) as Server)
      : (createAdaptorServer({
          fetch,
          createServer: createHttpsServer,
          serverOptions: { ...limits, ...tlsOptions(tls) },
        }) as TlsServer);
  server.maxConnections = MOST_CONNECTIONS;
  server.timeout = IDLE_MS;
  await listenOn(server, { host, port }, 'admin.port');
  const watch = tls === undefined ? undefined : watchTls(server as TlsServer, tls, log);
  const { port: actual } = server.address() as AddressInfo;
  const shownHost = host.includes(':') ? `[${host}]` : host;
  const url = `${tls === undefined ? 'http' : 'https'}://${shownHost}:${actual}`;
  log.info({ url, dashboard: dashboard.isThere }, 'admin listens');
  return {
    port: actual,
    url,
    reloadTls: () => watch?.reload(),
    close: async () => {
      watch?.close();
      closing.abort();
      await closeWithin(server, CLOSE_GRACE_MS);
      await answerWithin(CLOSE_GRACE_MS, refusals.close()).catch((error: unknown) =>
        log.error(errorFields(error), 'refusals not recorded'),
      );
    },
  };
}
