import { describe, expect, test } from 'vitest';
import { runDerive } from './derive.js';
import { UsageError } from './errors.js';
import { nativeSuite } from './node/index.js';
import { portableSuite } from './portable.js';

describe.each([portableSuite, nativeSuite])('runDerive on the $name suite', (suite) => {
  const secret = new Uint8Array(32).fill(1);
  const seed = new Uint8Array(32).fill(2);
  const message = Uint8Array.of(1, 2, 3);
  const peer = suite.x25519PublicKey(new Uint8Array(32).fill(3));
  const publicKey = suite.ed25519PublicKey(seed);
  const signature = suite.ed25519Sign(seed, message);

  test('answers each operation in its place', () => {
    const results = runDerive(suite, [
      { op: 'ed25519-verify', publicKey, message, signature },
      { op: 'x25519', secret, publicKey: peer },
      { op: 'ed25519-sign', seed, message },
      { op: 'x25519-public', secret },
      { op: 'ed25519-verify', publicKey, message: secret, signature },
    ]);
    expect(results).toEqual([
      true,
      suite.x25519(secret, peer),
      signature,
      suite.x25519PublicKey(secret),
      false,
    ]);
  });

  test('a bad key of a peer spoils its own answer only', () => {
    const results = runDerive(suite, [
      { op: 'x25519', secret, publicKey: new Uint8Array(32) },
      { op: 'x25519', secret, publicKey: new Uint8Array(31) },
      { op: 'ed25519-verify', publicKey: new Uint8Array(32), message, signature },
      { op: 'ed25519-verify', publicKey, message, signature: new Uint8Array(3) },
      { op: 'x25519', secret, publicKey: peer },
    ]);
    expect(results).toEqual([undefined, undefined, false, false, suite.x25519(secret, peer)]);
  });

  test('a bad secret is our own fault and throws', () => {
    const bad = new Uint8Array(31);
    expect(() => runDerive(suite, [{ op: 'x25519', secret: bad, publicKey: peer }])).toThrow(
      UsageError,
    );
  });

  test('nothing to do', () => {
    expect(runDerive(suite, [])).toEqual([]);
  });
});
