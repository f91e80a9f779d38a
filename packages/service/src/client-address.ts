/**
 * Who a request is from, and whether it came by TLS, when a proxy may stand before us.
 * Knows: addresses, `X-Forwarded-*`. Doesn't know: requests' contents.
 * Invariant: a header is believed only as far as proxies that were named vouch for it.
 */
import { BlockList, isIP } from 'node:net';
import { invalidField, UsageError } from '@onlysum/crypto';

export interface TrustedProxies {
  has(address: string): boolean;
}

export interface Client {
  /** Empty if the socket has none. IPv4 in its own form, also where it came mapped into IPv6. */
  readonly address: string;
  readonly isSecure: boolean;
}

interface Hop {
  readonly remoteAddress: string | undefined;
  readonly isEncrypted: boolean;
  readonly forwardedFor: string | undefined;
  readonly forwardedProto: string | undefined;
}

/** @throws {UsageError} `argument-invalid`. */
export function parseTrustedProxies(given: readonly string[]): TrustedProxies {
  const list = new BlockList();
  given.forEach((entry, i) => {
    const [, address = '', prefix] = /^([^/]+)(?:\/([0-9]{1,3}))?$/.exec(entry) ?? [];
    const family = isIP(address);
    const bits = family === 4 ? 32 : 128;
    const length = prefix === undefined ? bits : Number(prefix);
    if (family === 0 || length < 1 || length > bits) {
      const expected = 'an address, or a network such as 10.0.0.0/8';
      throw invalidField(UsageError, 'argument-invalid', `trustProxy[${i}]`, expected, entry);
    }
    list.addSubnet(address, length, family === 4 ? 'ipv4' : 'ipv6');
  });
  return {
    has: (address) => {
      const family = isIP(address);
      return family !== 0 && list.check(address, family === 4 ? 'ipv4' : 'ipv6');
    },
  };
}

/** Follows `X-Forwarded-For` from its end, where the nearest proxy wrote, to the first that is not named. */
export function clientOf(hop: Hop, proxies: TrustedProxies): Client {
  const near = plainAddress(hop.remoteAddress ?? '');
  if (!proxies.has(near)) return { address: near, isSecure: hop.isEncrypted };
  const isSecure = hop.isEncrypted || lastOf(hop.forwardedProto) === 'https';
  const path = (hop.forwardedFor ?? '').split(',').map((part) => plainAddress(part.trim()));
  let address = near;
  for (const before of path.reverse()) {
    // What is no address was made up by somebody: whoever passed it on stands for it.
    if (isIP(before) === 0) break;
    address = before;
    if (!proxies.has(before)) break;
  }
  return { address, isSecure };
}

/** Whom a rate limit counts as one: an IPv6 network of 64 bits is a single customer. */
export function limitedAs(address: string): string {
  if (isIP(address) !== 6) return address;
  const [head = '', tail] = address.split('%', 1)[0]?.split('::') ?? [];
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups =
    tail === undefined
      ? left
      : [
          ...left,
          ...Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0'),
          ...right,
        ];
  return `${groups
    .slice(0, 4)
    .map((group) => group.padStart(4, '0'))
    .join(':')}/64`;
}

/** IPv4 in its own form, also where a socket has it mapped into IPv6. */
export function plainAddress(address: string): string {
  return /^::ffff:([0-9.]+)$/i.exec(address)?.[1] ?? address;
}

function lastOf(header: string | undefined): string | undefined {
  return header?.split(',').at(-1)?.trim().toLowerCase();
}
