/**
 * An HTTP server on its port, and off it again.
 * Knows: sockets. Doesn't know: requests.
 */
import type { Server } from 'node:http';
import type { Server as TlsServer } from 'node:https';
import { UsageError } from '@onlysum/crypto';

export interface Listening {
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  /** Connections that may wait to be accepted. Default: Node's. */
  readonly backlog?: number;
}

/**
 * @param field - name of the port in the configuration.
 * @throws {UsageError} `listen-failed`.
 */
export function listenOn(
  server: Server | TlsServer,
  where: Listening,
  field: string,
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const { host, port } = where;
      const expected = `a port that ${host} can listen on`;
      const message = `${field}: expected ${expected}, got ${port}: ${error.message}`;
      const details = { field, expected, got: String(port), cause: error };
      reject(new UsageError('listen-failed', message, details));
    });
    server.listen(where, resolve);
  });
}

/** Lets answers in progress end, for at most so long. */
export function closeWithin(server: Server | TlsServer, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const cutOff = setTimeout(() => server.closeAllConnections(), graceMs);
    server.close(() => {
      clearTimeout(cutOff);
      resolve();
    });
    server.closeIdleConnections();
  });
}
