/** The published values of every primitive, in both suites. Each vector file names its source. */
import { createCipheriv } from 'node:crypto';
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { extract } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { describe, expect, test } from 'vitest';
import rfc5869 from '../../../test/vectors/v1/rfc/5869.json' with { type: 'json' };
import rfc6962 from '../../../test/vectors/v1/rfc/6962.json' with { type: 'json' };
import rfc7748 from '../../../test/vectors/v1/rfc/7748.json' with { type: 'json' };
import rfc8032 from '../../../test/vectors/v1/rfc/8032.json' with { type: 'json' };
import rfc8439 from '../../../test/vectors/v1/rfc/8439.json' with { type: 'json' };
import { concatBytes, toHex } from './bytes.js';
import { merklePath, merkleRoot, merkleVerify } from './merkle.js';
import { nativeSuite } from './node/index.js';
import { portableSuite } from './portable.js';

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));

describe.each([portableSuite, nativeSuite])('$name suite', (suite) => {
  test.each(rfc7748.function)('RFC 7748 function, scalar $scalar', ({ scalar, u, output }) => {
    expect(toHex(suite.x25519(hex(scalar), hex(u)))).toBe(output);
  });

  // A thousand rounds of the portable ladder take two seconds and show nothing more.
  const iterated = rfc7748.iterated.filter((c) => suite.name === 'native' || c.iterations === 1);
  test.each(iterated)('RFC 7748 iterated $iterations times', ({ iterations, k: expected }) => {
    let [k, u] = [hex('09'.padEnd(64, '0')), hex('09'.padEnd(64, '0'))];
    for (let i = 0; i < iterations; i++) [k, u] = [suite.x25519(k, u), k];
    expect(toHex(k)).toBe(expected);
  });

  test('RFC 7748 agreement', () => {
    const { aliceSecret, alicePublic, bobSecret, bobPublic, shared } = rfc7748.agreement;
    expect(toHex(suite.x25519PublicKey(hex(aliceSecret)))).toBe(alicePublic);
    expect(toHex(suite.x25519PublicKey(hex(bobSecret)))).toBe(bobPublic);
    expect(toHex(suite.x25519(hex(aliceSecret), hex(bobPublic)))).toBe(shared);
    expect(toHex(suite.x25519(hex(bobSecret), hex(alicePublic)))).toBe(shared);
  });

  test.each(rfc8032.cases)('RFC 8032 $name', ({ seed, publicKey, message, signature }) => {
    expect(toHex(suite.ed25519PublicKey(hex(seed)))).toBe(publicKey);
    expect(toHex(suite.ed25519Sign(hex(seed), hex(message)))).toBe(signature);
    expect(suite.ed25519Verify(hex(publicKey), hex(message), hex(signature))).toBe(true);
    const other = concatBytes(hex(message), Uint8Array.of(0));
    expect(suite.ed25519Verify(hex(publicKey), other, hex(signature))).toBe(false);
  });

  test.each(rfc8439.blocks)('RFC 8439 block $name', ({ key, counter, block }) => {
    const stream = suite.stream(hex(key), 64 * (counter + 1));
    expect(toHex(stream.subarray(64 * counter))).toBe(block);
  });

  test.each(rfc8439.zeroNonce)('zero-nonce box of $box', ({ key, plaintext, box }) => {
    expect(toHex(suite.seal(hex(key), hex(plaintext)))).toBe(box);
    expect(suite.open(hex(key), hex(box))).toEqual(hex(plaintext));
  });

  test.each(rfc5869.cases)('RFC 5869 $name', ({ ikm, salt, info, length, prk, okm }) => {
    expect(toHex(suite.hmacSha256(hex(salt), hex(ikm)))).toBe(prk);
    expect(toHex(suite.hkdfSha256(hex(ikm), hex(salt), hex(info), length))).toBe(okm);
  });

  test.each(rfc6962.roots.map((root, size) => ({ size, root })))(
    'RFC 6962 root of $size leaves',
    ({ size, root }) => {
      const leaves = rfc6962.leaves.slice(0, size).map(hex);
      expect(toHex(merkleRoot(suite, leaves))).toBe(root);
    },
  );

  test.each(rfc6962.paths)('RFC 6962 path of leaf $index of $size', ({ index, size, path }) => {
    const leaves = rfc6962.leaves.slice(0, size).map(hex);
    expect(merklePath(suite, leaves, index).map(toHex)).toEqual(path);
    const root = hex(rfc6962.roots[size]!);
    const claim = { root, leaf: leaves[index]!, index, size, path: path.map(hex) };
    expect(merkleVerify(suite, claim)).toBe(true);
  });
});

// The AEAD vector has a nonce and associated data, which the suite never has: it tests the libraries.
describe('RFC 8439 AEAD', () => {
  const { key, nonce, aad, plaintext, ciphertext, tag } = rfc8439.aead;

  test('noble', () => {
    const cipher = chacha20poly1305(hex(key), hex(nonce), hex(aad));
    expect(toHex(cipher.encrypt(hex(plaintext)))).toBe(ciphertext + tag);
    expect(toHex(cipher.decrypt(hex(ciphertext + tag)))).toBe(plaintext);
  });

  test('node:crypto', () => {
    const options = { authTagLength: 16 };
    const cipher = createCipheriv('chacha20-poly1305', hex(key), hex(nonce), options);
    cipher.setAAD(hex(aad), { plaintextLength: hex(plaintext).length });
    expect(cipher.update(hex(plaintext)).toString('hex')).toBe(ciphertext);
    cipher.final();
    expect(cipher.getAuthTag().toString('hex')).toBe(tag);
  });
});

test.each(rfc5869.cases)('RFC 5869 $name: extract of noble', ({ ikm, salt, prk }) => {
  expect(toHex(extract(sha256, hex(ikm), hex(salt)))).toBe(prk);
});
