import { describe, expect, test } from 'vitest';
import { type DeriveOp, runDerive, wipeResults } from './derive.js';
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
  const salt = new Uint8Array(32).fill(4);
  const infos = [Uint8Array.of(1), Uint8Array.of(2)];
  const agree = (publicKey: Uint8Array): DeriveOp => {
    return { op: 'agree', secret, publicKey, salt, infos };
  };
  const agreement = suite.x25519(secret, peer);
  const keys = infos.map((info) => suite.hkdfSha256(agreement, salt, info, 32));

  test('answers each operation in its place', () => {
    const results = runDerive(suite, [
      { op: 'ed25519-verify', publicKey, message, signature },
      agree(peer),
      { op: 'ed25519-sign', seed, message },
      { op: 'x25519-public', secret },
      { op: 'ed25519-verify', publicKey, message: secret, signature },
    ]);
    expect(results).toEqual([true, keys, signature, suite.x25519PublicKey(secret), false]);
  });

  test('a bad key of a peer spoils its own answer only', () => {
    const results = runDerive(suite, [
      agree(new Uint8Array(32)),
      agree(new Uint8Array(31)),
      { op: 'ed25519-verify', publicKey: new Uint8Array(32), message, signature },
      { op: 'ed25519-verify', publicKey, message, signature: new Uint8Array(3) },
      agree(peer),
    ]);
    expect(results).toEqual([undefined, undefined, false, false, keys]);
  });

  test('a bad secret is our own fault and throws', () => {
    const bad = new Uint8Array(31);
    const op = { op: 'agree', secret: bad, publicKey: peer, salt, infos } as const;
    expect(() => runDerive(suite, [op])).toThrow(UsageError);
  });

  test('the agreement is wiped', () => {
    const made: Uint8Array[] = [];
    const watched = {
      ...suite,
      x25519With: (own: Uint8Array) => {
        const agreeWith = suite.x25519With(own);
        return (publicKey: Uint8Array) => {
          const bytes = agreeWith(publicKey);
          made.push(bytes);
          return bytes;
        };
      },
    };
    expect(runDerive(watched, [agree(peer)])).toEqual([keys]);
    expect(made).toEqual([new Uint8Array(32)]);
  });

  test('what depends on a secret alone is done once in a batch', () => {
    const prepared: Uint8Array[] = [];
    const watched = {
      ...suite,
      x25519With: (own: Uint8Array) => {
        prepared.push(own);
        return suite.x25519With(own);
      },
    };
    expect(runDerive(watched, [agree(peer), agree(peer), agree(peer)])).toEqual([keys, keys, keys]);
    expect(prepared).toEqual([secret]);
  });

  test('nothing to do', () => {
    expect(runDerive(suite, [])).toEqual([]);
  });
});

test('results that nobody takes can be wiped, also keys in a list', () => {
  const [signature, one, two] = [Uint8Array.of(1), Uint8Array.of(2), Uint8Array.of(3)];
  wipeResults([true, signature, undefined, [one, two]]);
  expect([signature, one, two]).toEqual([Uint8Array.of(0), Uint8Array.of(0), Uint8Array.of(0)]);
});
