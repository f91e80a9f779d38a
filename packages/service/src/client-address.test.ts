import { describe, expect, it } from 'vitest';
import { clientOf, limitedAs, parseTrustedProxies } from './client-address.js';

const proxies = parseTrustedProxies(['10.0.0.0/8', '2001:db8::1']);

function addressOf(remoteAddress: string, forwardedFor?: string) {
  return clientOf(request({ remoteAddress }, { forwardedFor }), proxies).address;
}

function request(
  socket: { readonly remoteAddress: string; readonly encrypted?: boolean },
  { forwardedFor, forwardedProto }: Partial<Record<string, string | undefined>> = {},
) {
  const headers = { 'x-forwarded-for': forwardedFor, 'x-forwarded-proto': forwardedProto };
  return { socket, headers };
}

describe('whom a request is from', () => {
  it.each([
    ['its socket, whatever it says', '203.0.113.1', '198.51.100.1', '203.0.113.1'],
    ['whom the proxy names', '10.0.0.1', '198.51.100.1', '198.51.100.1'],
    ['the last that no proxy vouches for', '10.0.0.1', '1.1.1.1, 198.51.100.1', '198.51.100.1'],
    ['the first of a chain of proxies', '10.0.0.1', '198.51.100.1, 10.0.0.2', '198.51.100.1'],
    ['a proxy, if all are', '10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
    ['the proxy, if it names nobody', '10.0.0.1', undefined, '10.0.0.1'],
    ['the proxy, if it names nonsense', '10.0.0.1', '198.51.100.1, nonsense', '10.0.0.1'],
    ['an IPv4 address in its own form', '::ffff:10.0.0.1', '::ffff:198.51.100.1', '198.51.100.1'],
    ['the same, however it is written', '::FFFF:a00:1', '::ffff:C633:6401', '198.51.100.1'],
    ['an IPv6 address in one spelling', '2001:DB8:0::1', '2001:0DB8::00ff', '2001:db8::ff'],
    ['its socket, if it has no address', '', '198.51.100.1', ''],
    ['whom a proxy names by IPv6', '2001:db8::1', '2001:db8::2', '2001:db8::2'],
  ])('is %s', (_, remote, forwardedFor, expected) => {
    expect(addressOf(remote, forwardedFor)).toBe(expected);
  });

  it('believes a proxy of a network, and one whose IPv4 address was given in IPv6', () => {
    const mapped = parseTrustedProxies(['::ffff:10.0.0.0/104', '2001:db8::/32']);
    const from = (remoteAddress: string) =>
      clientOf(request({ remoteAddress }, { forwardedFor: '198.51.100.1' }), mapped).address;
    expect(from('10.1.2.3')).toBe('198.51.100.1');
    expect(from('::ffff:10.1.2.3')).toBe('198.51.100.1');
    expect(from('2001:db8:7::1')).toBe('198.51.100.1');
    expect(from('11.0.0.1')).toBe('11.0.0.1');
    expect(from('2001:db9::1')).toBe('2001:db9::1');
  });

  it('has TLS if its socket has, or if the proxy says so', () => {
    const isSecure = (remoteAddress: string, forwardedProto?: string, encrypted = false) => {
      const forwarded = { forwardedFor: '198.51.100.1', ...(forwardedProto && { forwardedProto }) };
      return clientOf(request({ remoteAddress, encrypted }, forwarded), proxies).isSecure;
    };
    expect(isSecure('10.0.0.1', 'https')).toBe(true);
    expect(isSecure('10.0.0.1', 'https, HTTPS')).toBe(true);
    expect(isSecure('10.0.0.1', 'https, http')).toBe(false);
    expect(isSecure('203.0.113.1', 'https')).toBe(false);
    expect(isSecure('203.0.113.1', undefined, true)).toBe(true);
    expect(isSecure('10.0.0.1', undefined, true)).toBe(true);
  });

  it.each(['', 'proxy.example.org', '10.0.0.0/33', '10.0.0.0/0', '1.2.3.4/8/8', '::/129'])(
    'refuses %j as a proxy',
    (entry) => {
      expect(() => parseTrustedProxies(['10.0.0.1', entry])).toThrow(/trustProxy\[1\]/);
    },
  );
});

it.each([
  ['198.51.100.1', '198.51.100.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:0db8:0001:0002/64'],
  ['2001:db8::1', '2001:0db8:0000:0000/64'],
  ['fe80::1%eth0', 'fe80:0000:0000:0000/64'],
  ['::1', '0000:0000:0000:0000/64'],
  ['1::', '0001:0000:0000:0000/64'],
])('counts %s as %s', (address, expected) => {
  expect(limitedAs(address)).toBe(expected);
});
