/**
 * A registrar on a socket. Plain HTTP: on anything but a loopback address, put a proxy with TLS before
 * it, since enrolment codes travel in its bodies.
 */
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { closeWithin, listenOn, parseTrustedProxies } from '@onlysum/service';
import type { Task } from '@onlysum/task';
import type { LevelWithSilent, Logger } from 'pino';
import { registrarApp } from './http/app.js';
import { type RegistrarLimits, completeLimits } from './http/limits.js';
import { type RateLimits, completeRateLimits } from './http/rate-limit.js';
import { makeTokenVerifier } from './licence-token.js';
import { errorFields, registrarLog } from './log.js';
import { completeRetention } from './maintenance.js';
import { Observations } from './observations.js';
import { type RegistrarOptions, checkInteger } from './options.js';
import { type Registrar, createRegistrar } from './registrar.js';
import { prefixed } from './start-audit.js';

export interface RegistrarServerOptions extends RegistrarOptions {
  /** Address to listen on, e.g. `127.0.0.1`. */
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  readonly limits?: Partial<RegistrarLimits>;
  readonly rateLimits?: Partial<RateLimits>;
  /** Addresses or networks (CIDR) of proxies whose X-Forwarded-For is believed. Default: none. */
  readonly trustProxy?: readonly string[];
  /** Whether `/metrics` answers, to whoever reaches the port. Default: no. */
  readonly metrics?: boolean;
  /** The finest that is written, unless there is a `logger`. Default: info. */
  readonly logLevel?: LevelWithSilent;
}

/** What an operator may set of it, beside keys, tasks and the store. */
export type RegistrarOperatorOptions = Pick<
  RegistrarServerOptions,
  | 'port'
  | 'limits'
  | 'rateLimits'
  | 'trustProxy'
  | 'tokenIssuers'
  | 'tokenLimits'
  | 'ledgerRetentionDays'
  | 'auditRetentionDays'
>;

export interface RunningRegistrar {
  /** `http://host:port`, without a slash at the end. */
  readonly url: string;
  readonly registrar: Registrar;
  /** Lets requests in progress end, for at most two seconds. The store stays open. */
  close(): Promise<void>;
}

const CLOSE_GRACE_MS = 2000;
/** A fleet renews when an epoch begins: connections that may wait to be accepted. */
const BACKLOG = 4096;

/**
 * @param options - without a `logger`, logs go to standard error.
 * @throws {UsageError} as {@link createRegistrar}; `listen-failed` if the address cannot be had.
 */
export async function startRegistrar(options: RegistrarServerOptions): Promise<RunningRegistrar> {
  const { host, port, tasks } = options;
  const logger = registrarLog(options.logger, options.logLevel);
  const { limits, rateLimits, proxies } = checkOperatorOptions(options, tasks);
  const observations = new Observations();
  const registrar = await createRegistrar({
    ...options,
    logger,
    observer: observations,
    auditedSettings: {
      ...prefixed('limits', limits),
      ...prefixed('rateLimits', rateLimits),
      trustProxy: (options.trustProxy ?? []).join(', '),
    },
  });
  const metrics =
    options.metrics === true ? observations.expose(() => registrar.health()) : undefined;
  const settings = { limits, rateLimits, proxies, now: options.now ?? Date.now };
  const { fetch } = registrarApp(registrar, settings, logger, metrics);
  const server = createAdaptorServer({
    fetch,
    createServer,
    serverOptions: {
      headersTimeout: Math.min(limits.headersTimeoutMs, limits.requestTimeoutMs),
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.keepAliveTimeoutMs,
      // How often Node looks for requests past their time; its default is half a minute.
      connectionsCheckingInterval: 1000,
    },
  }) as Server;
  server.maxConnections = limits.connections;
  try {
    await listenOn(server, { host, port, backlog: BACKLOG }, 'port');
  } catch (error) {
    await registrar.close();
    throw error;
  }
  const url = urlOf(server.address() as AddressInfo);
  logger.info({ url, tasks: tasks.length }, 'registrar listens');
  const endMaintenance = startMaintenance(registrar, logger);
  return {
    url,
    registrar,
    close: async () => {
      await closeWithin(server, CLOSE_GRACE_MS);
      await endMaintenance();
      await registrar.close();
      observations.close();
      logger.info({ url }, 'registrar closed');
    },
  };
}

/**
 * As {@link startRegistrar} checks them, for whoever only looks at a configuration.
 *
 * @throws {UsageError} `argument-invalid` that names the option.
 */
export function checkOperatorOptions(options: RegistrarOperatorOptions, tasks: readonly Task[]) {
  checkInteger('port', options.port, 0, 65_535);
  completeRetention(options);
  makeTokenVerifier(options.tokenIssuers ?? [], options.tokenLimits);
  return {
    limits: completeLimits(tasks, options.limits),
    rateLimits: completeRateLimits(options.rateLimits),
    proxies: parseTrustedProxies(options.trustProxy ?? []),
  };
}

const MAINTENANCE_MS = 3_600_000;

/** Now and every hour. @returns ends it, once what is under way has ended. */
function startMaintenance(registrar: Registrar, logger: Logger): () => Promise<void> {
  let running = Promise.resolve();
  const run = () => {
    running = running
      .then(() => registrar.maintain())
      .then(
        () => undefined,
        (error: unknown) => logger.error(errorFields(error), 'maintenance failed'),
      );
  };
  run();
  const timer = setInterval(run, MAINTENANCE_MS);
  timer.unref();
  return () => {
    clearInterval(timer);
    return running;
  };
}

function urlOf({ address, family, port }: AddressInfo): string {
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
