import { systemRng, toHex, UsageError, unsafeSeededRng } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import { beforeAll, describe, expect, it } from 'vitest';
import { type KeyFile, keyFileOf, openKeyFile } from './key-file.js';

const seed = unsafeSeededRng('key file')(32);
const publicKey = toHex(nativeSuite.ed25519PublicKey(seed));
const PASSPHRASE = 'correct horse é';

const clear = keyFileOf(nativeSuite, seed, undefined, systemRng);
let sealed: KeyFile;

beforeAll(() => {
  sealed = keyFileOf(nativeSuite, seed, PASSPHRASE, systemRng);
});

/** As if it had been written and read again. */
function open(file: unknown, passphrase?: string) {
  return openKeyFile(nativeSuite, JSON.parse(JSON.stringify(file)), passphrase);
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    // Whatever went wrong, the seed is not told.
    expect(error.message).not.toContain(toHex(seed));
    return error.code;
  }
  return 'none';
}

describe('a key in the clear', () => {
  it('holds public key and seed, and comes back', () => {
    expect(clear).toEqual({ onlysum: 'key', type: 'ed25519', publicKey, seed: toHex(seed) });
    expect(toHex(open(clear).seed)).toBe(toHex(seed));
    expect(toHex(open(clear).publicKey)).toBe(publicKey);
  });

  it.each([
    ['no object', 'text', 'key-file-invalid'],
    ['another kind of file', { ...clear, onlysum: 'manifest' }, 'key-file-invalid'],
    ['another type', { ...clear, type: 'x25519' }, 'key-file-invalid'],
    ['an unknown field', { ...clear, sed: '1' }, 'key-file-invalid'],
    ['neither seed nor sealed', { ...clear, seed: undefined }, 'key-file-invalid'],
    ['both', { ...clear, sealed: {} }, 'key-file-invalid'],
    ['a short seed', { ...clear, seed: toHex(seed).slice(2) }, 'hex-invalid'],
    ['a seed in upper case', { ...clear, seed: toHex(seed).toUpperCase() }, 'hex-invalid'],
    ['the public key of another seed', { ...clear, publicKey: toHex(seed) }, 'key-file-invalid'],
  ])('is refused: %s', (_, file, code) => {
    expect(codeOf(() => open(file))).toBe(code);
  });
});

describe('a sealed key', () => {
  it('shows no seed, says how it is sealed, and opens with its passphrase', () => {
    expect(JSON.stringify(sealed)).not.toContain(toHex(seed));
    expect(sealed.seed).toBeUndefined();
    expect(sealed.sealed).toMatchObject({ kdf: 'scrypt', N: 131072, r: 8, p: 1 });
    expect(toHex(open(sealed, PASSPHRASE).seed)).toBe(toHex(seed));
  });

  it('opens with the passphrase typed in another Unicode form', () => {
    expect(toHex(open(sealed, PASSPHRASE.normalize('NFD')).seed)).toBe(toHex(seed));
  });

  it('refuses no passphrase and a wrong one', () => {
    expect(codeOf(() => open(sealed))).toBe('passphrase-missing');
    expect(codeOf(() => open(sealed, 'wrong'))).toBe('passphrase-wrong');
  });

  it('refuses another public key beside it, under the right passphrase', () => {
    const other = toHex(nativeSuite.ed25519PublicKey(new Uint8Array(32)));
    expect(codeOf(() => open({ ...sealed, publicKey: other }, PASSPHRASE))).toBe(
      'passphrase-wrong',
    );
  });

  it('refuses costs that the file chooses, before it spends them', () => {
    for (const change of [{ N: 2 ** 30 }, { N: 2 }, { r: 1 }, { p: 99 }, { kdf: 'pbkdf2' }]) {
      const file = { ...sealed, sealed: { ...sealed.sealed, ...change } };
      expect(codeOf(() => open(file, PASSPHRASE))).toBe('key-file-invalid');
    }
  });

  it('never uses salt or nonce twice', () => {
    const again = keyFileOf(nativeSuite, seed, PASSPHRASE, systemRng);
    expect(again.sealed?.salt).not.toBe(sealed.sealed?.salt);
    expect(again.sealed?.nonce).not.toBe(sealed.sealed?.nonce);
  });
});
