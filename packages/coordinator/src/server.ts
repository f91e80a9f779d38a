/**
 * The port: HTTP for health and metrics, WebSocket for devices, and what neither may use up. Protocol §6.
 * Knows: HTTP, upgrades, addresses, counts. Doesn't know: messages, rounds.
 * Invariant: no more than `connections` devices are served; those beyond are told `overloaded`.
 */
import { type IncomingMessage, type RequestListener, createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { getRequestListener } from '@hono/node-server';
import { SUBPROTOCOL } from '@onlysum/protocol';
import { clientOf, limitedAs, listenOn } from '@onlysum/service';
import type { Task } from '@onlysum/task';
import { Hono } from 'hono';
import { secureHeaders } from 'hono/secure-headers';
import type { Registry } from 'prom-client';
import { WebSocketServer } from 'ws';
import { Connection } from './connection.js';
import type { Limits } from './limits.js';
import type { Settings } from './options.js';
import type { Readiness } from './readiness.js';
import { tlsOptions, watchTls } from './tls.js';

export interface DeviceServer {
  readonly port: number;
  readonly connections: number;
  /** Reads certificate and key again. */
  reloadTls(): void;
  /** Ends every connection that is still there after `closeTimeoutMs`, then the server. */
  close(): Promise<void>;
}

export interface ServerEvents {
  onDevice(connection: Connection, tasks: ReadonlyMap<string, Task>): void;
  /** A device that was told `overloaded` at the door. */
  onTurnedAway(code: 'overloaded'): void;
  health(): { readonly status: string };
  readiness(): Promise<Readiness>;
  /** Undefined: there is no such path. */
  readonly metrics: Registry | undefined;
}

/** Refused devices that are still being told so, and health checks, on top of the served ones. */
const SPARE_SOCKETS = 256;
/** A frame beyond a task's largest message, up to this much, is answered with the reason. */
const POLITE_BYTES = 64 * 1024;

/** @throws {UsageError} `listen-failed`, `tls-invalid`. */
export async function listen(settings: Settings, events: ServerEvents): Promise<DeviceServer> {
  const { limits, host, port, log, proxies } = settings;
  const answer = getRequestListener(httpApp(settings, events).fetch, {
    overrideGlobalObjects: false,
  });
  const { tls } = settings;
  const timeouts = {
    headersTimeout: limits.helloTimeoutMs,
    requestTimeout: limits.helloTimeoutMs,
    // How often Node looks for requests past their time; its default is half a minute.
    connectionsCheckingInterval: Math.ceil(limits.helloTimeoutMs / 4),
  };
  const onRequest: RequestListener = (request, response) => void answer(request, response);
  const secure =
    tls === undefined ? undefined : createTlsServer({ ...timeouts, ...tlsOptions(tls) }, onRequest);
  const server = secure ?? createServer(timeouts, onRequest);
  server.maxConnections = limits.connections + SPARE_SOCKETS;
  const sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: limits.frameBytes + POLITE_BYTES,
    handleProtocols: () => SUBPROTOCOL,
  });
  const open = new Set<Connection>();
  const served = new Seats(limits);
  let nextId = 1;
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    const tasks = settings.tasksByPath.get(pathOf(request));
    if (tasks === undefined) return reject(socket, 404, 'no task is served at this path');
    if (!offersSubprotocol(request)) {
      return reject(socket, 400, `expected the WebSocket subprotocol ${SUBPROTOCOL}`);
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      const address = limitedAs(clientOf(request, proxies).address);
      const connection = new Connection(nextId++, address, webSocket, socket, limits, log);
      open.add(connection);
      webSocket.on('close', () => open.delete(connection));
      const excess = served.excess(address);
      if (excess !== undefined) {
        events.onTurnedAway('overloaded');
        return connection.drop('overloaded', excess);
      }
      served.add(address);
      webSocket.on('close', () => served.remove(address));
      events.onDevice(connection, tasks);
    });
  });
  await listenOn(server, { host, port, backlog: BACKLOG }, 'port');
  const watch = secure === undefined || tls === undefined ? undefined : watchTls(secure, tls, log);
  const beat = setInterval(() => {
    for (const connection of open) connection.beat();
  }, limits.pingIntervalMs);
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return open.size;
    },
    reloadTls: () => watch?.reload(),
    close: async () => {
      clearInterval(beat);
      watch?.close();
      const closed = new Promise<void>((resolve) => server.once('close', () => resolve()));
      server.close();
      const cutOff = setTimeout(() => {
        for (const connection of open) connection.terminate();
        server.closeAllConnections();
      }, limits.closeTimeoutMs);
      for (const connection of open) connection.release();
      server.closeIdleConnections();
      await closed;
      clearTimeout(cutOff);
      sockets.close();
    },
  };
}

function httpApp(settings: Settings, events: ServerEvents): Hono {
  const app = new Hono();
  app.use(secureHeaders());
  app.get('/healthz', (c) => {
    const health = events.health();
    return c.json(health, health.status === 'ok' ? 200 : 503);
  });
  app.get('/readyz', async (c) => {
    const readiness = await events.readiness();
    return c.json(readiness, readiness.status === 'ready' ? 200 : 503);
  });
  const { metrics } = events;
  if (metrics !== undefined) {
    app.get('/metrics', async (c) => {
      return c.body(await metrics.metrics(), 200, { 'content-type': metrics.contentType });
    });
  }
  app.notFound((c) => {
    if (!settings.tasksByPath.has(c.req.path)) {
      return c.json(errorBody('not-found', 'no such path'), 404);
    }
    const message = `devices connect here by WebSocket, subprotocol ${SUBPROTOCOL}`;
    // RFC 9110 §15.5.22: a 426 must say to what.
    c.header('Upgrade', 'websocket');
    c.header('Connection', 'Upgrade');
    return c.json(errorBody('upgrade-required', message), 426);
  });
  return app;
}

/** As a registrar's errors: the same request will not do later either. */
function errorBody(code: string, message: string) {
  return { error: { code, message, retryable: false } };
}

/** Counts those who are served, in all and by address; who was refused takes nobody's seat. */
class Seats {
  readonly #limits: Limits;
  readonly #perAddress = new Map<string, number>();
  #all = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** @returns why one more of this address is too many. */
  excess(address: string): string | undefined {
    const { connections, connectionsPerAddress } = this.#limits;
    if (this.#all >= connections) {
      return `${connections} devices are connected, no more are served at a time`;
    }
    if ((this.#perAddress.get(address) ?? 0) >= connectionsPerAddress) {
      return `${connectionsPerAddress} devices of this address are connected, no more are served`;
    }
    return undefined;
  }

  add(address: string): void {
    this.#all++;
    this.#perAddress.set(address, (this.#perAddress.get(address) ?? 0) + 1);
  }

  remove(address: string): void {
    this.#all--;
    const rest = (this.#perAddress.get(address) ?? 0) - 1;
    if (rest > 0) this.#perAddress.set(address, rest);
    else this.#perAddress.delete(address);
  }
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? '/').split('?')[0] ?? '/';
}

function offersSubprotocol(request: IncomingMessage): boolean {
  const offered = request.headers['sec-websocket-protocol'] ?? '';
  return offered.split(',').some((name) => name.trim() === SUBPROTOCOL);
}

function reject(socket: Duplex, status: 400 | 404, message: string): void {
  const reason = status === 400 ? 'Bad Request' : 'Not Found';
  const body = JSON.stringify(errorBody('upgrade-refused', message));
  socket.end(
    `HTTP/1.1 ${status} ${reason}\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}

/** Devices come when their cohort meets, thousands within a second; beyond it the system resets them. */
const BACKLOG = 4096;
