/**
 * Who a request is from, and whether it came by TLS, when a proxy may stand before us.
 * Knows: addresses, `X-Forwarded-*`. Doesn't know: requests' contents.
 * Invariant: a header is believed only as far as proxies that were named vouch for it.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { BlockList, isIP, SocketAddress } from 'node:net';
import { invalidField, UsageError } from '@onlysum/crypto';

export interface TrustedProxies {
  has(address: string): boolean;
}

export interface Client {
  /** Empty if the socket has none. Each address in one spelling, IPv4 mapped into IPv6 as IPv4. */
  readonly address: string;
  readonly isSecure: boolean;
}

/** A request as Node has it. */
interface Request {
  readonly socket: {
    readonly remoteAddress?: string | undefined;
    readonly encrypted?: boolean | undefined;
  };
  readonly headers: IncomingHttpHeaders;
}

/**
 * @param given - addresses, and networks (CIDR).
 * @throws {UsageError} `argument-invalid`.
 */
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
export function clientOf({ socket, headers }: Request, proxies: TrustedProxies): Client {
  const near = plainAddress(socket.remoteAddress ?? '');
  const isEncrypted = socket.encrypted === true;
  if (!proxies.has(near)) return { address: near, isSecure: isEncrypted };
  const isSecure = isEncrypted || valuesOf(headers['x-forwarded-proto']).at(-1) === 'https';
  let address = near;
  for (const before of valuesOf(headers['x-forwarded-for']).reverse()) {
    // What is no address was made up by somebody: whoever passed it on stands for it.
    if (isIP(before) === 0) break;
    address = plainAddress(before);
    if (!proxies.has(address)) break;
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

/** As the system writes it, so that nobody counts as several; no address stays what it is. */
function plainAddress(address: string): string {
  if (isIP(address) !== 6) return address;
  const written = new SocketAddress({ address, family: 'ipv6' }).address;
  return /^::ffff:([0-9.]+)$/.exec(written)?.[1] ?? written;
}

/** If it came more than once, Node has put them together. */
function valuesOf(header: string | string[] | undefined): string[] {
  return String(header ?? '')
    .split(',')
    .map((value) => value.trim().toLowerCase());
}
