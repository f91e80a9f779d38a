/**
 * With what the listener for operators is started, checked as a whole before it listens.
 * Invariant: a listener that would be on a network has TLS, or names the proxy that ends TLS before it; what
 * comes to it otherwise is refused for each request (connection.ts).
 */
import { invalidField, UsageError } from '@onlysum/crypto';
import type { TlsFiles } from '../tls.js';
import { parseTrustedProxies, type TrustedProxies } from '@onlysum/service';
import { isLoopback } from './connection.js';

export interface AdminOptions {
  /** Default: 127.0.0.1. */
  readonly host?: string;
  /** 0 lets the system choose. Default: 8789. */
  readonly port?: number;
  readonly tls?: TlsFiles;
  /** Addresses or networks (CIDR) of proxies whose `X-Forwarded-For` and `-Proto` are believed. */
  readonly trustProxy?: readonly string[];
  readonly rateLimits?: Partial<AdminRateLimits>;
  /** The built dashboard, served at `/`; nothing is served if it is not there. */
  readonly dashboardDir?: string;
}

export interface AdminRateLimits {
  /** By token. Default: 600. */
  readonly requestsPerMinute: number;
  /** By address, whatever the token. Default: 1,200. */
  readonly requestsPerMinutePerAddress: number;
}

export interface AdminSettings {
  readonly host: string;
  readonly port: number;
  readonly tls: TlsFiles | undefined;
  readonly proxies: TrustedProxies;
  readonly rateLimits: AdminRateLimits;
  readonly dashboardDir: string | undefined;
}

const DEFAULT_ADMIN_PORT = 8789;
const DEFAULT_RATE_LIMITS: AdminRateLimits = {
  requestsPerMinute: 600,
  requestsPerMinutePerAddress: 1200,
};

/** @throws {UsageError} `argument-invalid`, `tls-required`. */
export function checkAdminOptions(options: AdminOptions): AdminSettings {
  const { host = '127.0.0.1', port = DEFAULT_ADMIN_PORT, tls, trustProxy = [] } = options;
  if (typeof host !== 'string' || host === '') throw invalid('admin.host', 'a host name', host);
  if (!Number.isSafeInteger(port) || port < 0 || port > 65_535) {
    throw invalid('admin.port', 'an integer from 0 to 65535', port);
  }
  const proxies = parseTrustedProxies(trustProxy);
  if (tls === undefined && trustProxy.length === 0) requireLoopback('admin', host);
  const rateLimits = { ...DEFAULT_RATE_LIMITS, ...options.rateLimits };
  for (const [name, limit] of Object.entries(rateLimits)) {
    if (!Number.isSafeInteger(limit) || limit < 1 || limit > 1_000_000) {
      throw invalid(`admin.rateLimits.${name}`, 'an integer from 1 to 1000000', limit);
    }
  }
  return { host, port, tls, proxies, rateLimits, dashboardDir: options.dashboardDir };
}

function requireLoopback(section: string, host: string): void {
  if (isLoopback(host)) return;
  const expected =
    `${section}.tls, or in ${section}.trustProxy the proxy that ends TLS, ` +
    'or a loopback address such as 127.0.0.1';
  throw new UsageError(
    'tls-required',
    `${section}.host: tokens and results would cross the network in the clear: expected ${expected}, got ${host} without TLS`,
    { field: `${section}.host`, expected, got: host },
  );
}

function invalid(field: string, expected: string, got: unknown): UsageError {
  return invalidField(UsageError, 'argument-invalid', field, expected, got);
}
