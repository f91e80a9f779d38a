/**
 * From which address a request comes, where a proxy stands before the registrar.
 * Invariant: only a proxy of the configuration is believed about others; what a client itself puts into the
 * header stands further left than what a proxy adds, and is not reached.
 */
import { isIP } from 'node:net';
import { UsageError, invalidField } from '@onlysum/crypto';
import { plainAddress } from '@onlysum/service';

/** @throws {UsageError} `argument-invalid`. */
export function checkProxies(addresses: readonly string[]): ReadonlySet<string> {
  addresses.forEach((address, i) => {
    if (isIP(address) !== 0) return;
    throw invalidField(
      UsageError,
      'argument-invalid',
      `trustProxy[${i}]`,
      'an IP address',
      address,
    );
  });
  return new Set(addresses.map(plain));
}

/**
 * @param peer - of the socket.
 * @param forwardedFor - X-Forwarded-For, to which each proxy adds, on the right, whom it had it from.
 */
export function clientAddress(
  peer: string,
  forwardedFor: string | undefined,
  proxies: ReadonlySet<string>,
): string {
  let address = plain(peer);
  const hops = (forwardedFor ?? '').split(',').map((hop) => plain(hop.trim()));
  while (proxies.has(address)) {
    const hop = hops.pop();
    if (hop === undefined || isIP(hop) === 0) return address;
    address = hop;
  }
  return address;
}

function plain(address: string): string {
  return plainAddress(address).toLowerCase();
}
