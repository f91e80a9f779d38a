/**
 * Whether a connection keeps what crosses it from whoever listens on the network.
 * Knows: addresses, TLS, what proxies say. Doesn't know: tokens, routes.
 * Invariant: without TLS up to us or up to a named proxy, nothing but loopback carries a token or a result.
 */
import { isIP } from 'node:net';
import { clientOf, type TrustedProxies } from '@onlysum/service';
import { refuse } from './refusal.js';

type Incoming = Parameters<typeof clientOf>[0];

/** Also a name that the system resolves to it. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1') return true;
  return isIP(host) === 4 && host.startsWith('127.');
}

/**
 * The hop from a named proxy to us is the operator's; what came to the proxy must have come by TLS.
 *
 * @throws {Refusal} 421 `tls-required`.
 */
export function requirePrivate({ socket, headers }: Incoming, proxies: TrustedProxies): void {
  const near = clientOf({ socket, headers: {} }, NOBODY).address;
  // Who is on this machine may say on whose behalf, and by what, without being named: it harms only itself.
  const says = { has: (address: string) => proxies.has(address) || isLoopback(address) };
  const { address, isSecure } = clientOf({ socket, headers }, says);
  // That the client came to the proxy in the clear is not mended by the last hop, whatever that is.
  const isForwarded = says.has(near) && headers['x-forwarded-proto'] !== undefined;
  const hop = { remoteAddress: socket.remoteAddress };
  const cameInClear = isForwarded && !clientOf({ socket: hop, headers }, says).isSecure;
  if (!cameInClear && (isSecure || (isLoopback(near) && isLoopback(address)))) return;
  const expected =
    'TLS, as a named proxy says by `X-Forwarded-Proto: https`, or a loopback address';
  const isProxy = cameInClear || proxies.has(near);
  const got = isProxy ? 'a proxy that does not say so' : 'plain HTTP over a network';
  const message = `connection: expected ${expected}, got ${got}: use https, and revoke a token that was sent`;
  throw refuse('tls-required', 421, message, { field: 'connection', expected, got });
}

const NOBODY: TrustedProxies = { has: () => false };
