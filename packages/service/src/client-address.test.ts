import { describe, expect, it } from 'vitest';
import { clientOf, limitedAs, parseTrustedProxies } from './client-address.js';

const proxies = parseTrustedProxies(['10.0.0.0/8', '2001:db8::1']);

function addressOf(remoteAddress: string, forwardedFor?: string, forwardedProto?: string) {
  return clientOf({ remoteAddress, isEncrypted: false, forwardedFor, forwardedProto }, proxies);
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
    ['whom a proxy names by IPv6', '2001:db8::1', '2001:db8::2', '2001:db8::2'],
  ])('is %s', (_, remote, forwardedFor, expected) => {
    expect(addressOf(remote, forwardedFor).address).toBe(expected);
  });

  it('has TLS if its socket has, or if the proxy says so', () => {
    expect(addressOf('10.0.0.1', '198.51.100.1', 'https').isSecure).toBe(true);
    expect(addressOf('10.0.0.1', '198.51.100.1', 'http').isSecure).toBe(false);
    expect(addressOf('203.0.113.1', undefined, 'https').isSecure).toBe(false);
    const tls = { remoteAddress: '203.0.113.1', isEncrypted: true };
    expect(
      clientOf({ ...tls, forwardedFor: undefined, forwardedProto: undefined }, proxies).isSecure,
    ).toBe(true);
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
