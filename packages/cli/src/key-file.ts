/**
 * Ed25519 keys in files, in the clear or sealed under a passphrase.
 * Knows: the file's form. Doesn't know: whose key it is, where the passphrase comes from.
 * Invariant: no error shows a seed or a passphrase, and a loaded seed belongs to its public key.
 */
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { scrypt } from '@noble/hashes/scrypt.js';
import { parseHex, type Rng, type Suite, toHex, UsageError, utf8, wipe } from '@onlysum/crypto';

/** What a key file holds, as JSON: `seed` or `sealed`, never both. */
export interface KeyFile {
  readonly onlysum: 'key';
  readonly type: 'ed25519';
  /** 64 hex digits. */
  readonly publicKey: string;
  /** 64 hex digits, in the clear. */
  readonly seed?: string;
  readonly sealed?: SealedSeed;
}

interface SealedSeed {
  readonly kdf: 'scrypt';
  readonly N: number;
  readonly r: number;
  readonly p: number;
  /** Hex: 16, 24 and 32 + 16 bytes. */
  readonly salt: string;
  readonly nonce: string;
  readonly box: string;
}

/** 128 MiB and about a second per guess: OWASP's first choice for scrypt. */
const SCRYPT = { N: 2 ** 17, r: 8, p: 1 } as const;
const SALT_BYTES = 16;
const NONCE_BYTES = 24;
const SEED_BYTES = 32;
const TAG_BYTES = 16;

/**
 * @param seed - 32 bytes; borrowed, the caller wipes it.
 * @param passphrase - undefined leaves the seed in the clear.
 */
export function keyFileOf(
  suite: Suite,
  seed: Uint8Array,
  passphrase: string | undefined,
  rng: Rng,
): KeyFile {
  const publicKey = suite.ed25519PublicKey(seed);
  const head = { onlysum: 'key', type: 'ed25519', publicKey: toHex(publicKey) } as const;
  if (passphrase === undefined) return { ...head, seed: toHex(seed) };
  const salt = rng(SALT_BYTES);
  const nonce = rng(NONCE_BYTES);
  const key = sealKey(passphrase, salt);
  try {
    const box = xchacha20poly1305(key, nonce, publicKey).encrypt(seed);
    const hex = { salt: toHex(salt), nonce: toHex(nonce), box: toHex(box) };
    return { ...head, sealed: { kdf: 'scrypt', ...SCRYPT, ...hex } };
  } finally {
    wipe(key);
  }
}

/**
 * @param value - JSON value of a key file.
 * @param passphrase - opens a sealed seed; not needed for one in the clear.
 * @returns the seed, 32 bytes, owned by the caller, who wipes it.
 * @throws {UsageError} `key-file-invalid`, `hex-invalid`, `passphrase-missing`, `passphrase-wrong`.
 */
export function openKeyFile(
  suite: Suite,
  value: unknown,
  passphrase: string | undefined,
): { readonly publicKey: Uint8Array; readonly seed: Uint8Array } {
  const file = checkKeyFile(value);
  const publicKey = parseHex('publicKey', file.publicKey, 32);
  const seed =
    file.sealed === undefined
      ? parseHex('seed', file.seed, SEED_BYTES)
      : unseal(file.sealed, publicKey, passphrase);
  if (toHex(suite.ed25519PublicKey(seed)) !== file.publicKey) {
    wipe(seed);
    throw invalid('publicKey', 'the public key of this seed', 'another one');
  }
  return { publicKey, seed };
}

function unseal(
  { salt, nonce, box }: SealedSeed,
  publicKey: Uint8Array,
  passphrase: string | undefined,
): Uint8Array {
  if (passphrase === undefined) {
    throw new UsageError(
      'passphrase-missing',
      'sealed: expected the passphrase of this key in ONLYSUM_PASSPHRASE, got none',
      { field: 'ONLYSUM_PASSPHRASE', expected: 'the passphrase of this key', got: 'none' },
    );
  }
  const sealed = parseHex('sealed.box', box, SEED_BYTES + TAG_BYTES);
  const nonceBytes = parseHex('sealed.nonce', nonce, NONCE_BYTES);
  const key = sealKey(passphrase, parseHex('sealed.salt', salt, SALT_BYTES));
  try {
    return xchacha20poly1305(key, nonceBytes, publicKey).decrypt(sealed);
  } catch {
    throw new UsageError(
      'passphrase-wrong',
      'sealed: expected the passphrase this key was sealed with, got another one (or the file was changed)',
      { field: 'ONLYSUM_PASSPHRASE', expected: 'the passphrase of this key', got: 'another one' },
    );
  } finally {
    wipe(key);
  }
}

function sealKey(passphrase: string, salt: Uint8Array): Uint8Array {
  const bytes = utf8(passphrase.normalize('NFC'));
  try {
    return scrypt(bytes, salt, { ...SCRYPT, dkLen: 32 });
  } finally {
    wipe(bytes);
  }
}

function checkKeyFile(value: unknown): KeyFile {
  const file = fields('key file', value, ['onlysum', 'type', 'publicKey', 'seed', 'sealed']);
  if (file['onlysum'] !== 'key') throw invalid('onlysum', '"key"', kindOf(file['onlysum']));
  if (file['type'] !== 'ed25519') throw invalid('type', '"ed25519"', kindOf(file['type']));
  if ((file['seed'] === undefined) === (file['sealed'] === undefined)) {
    const got = file['seed'] === undefined ? 'neither' : 'both';
    throw invalid('seed', 'either seed or sealed', got);
  }
  if (file['sealed'] !== undefined) checkSealed(file['sealed']);
  return file as unknown as KeyFile;
}

function checkSealed(value: unknown): void {
  const sealed = fields('sealed', value, ['kdf', 'N', 'r', 'p', 'salt', 'nonce', 'box']);
  const expected: Readonly<Record<string, unknown>> = { kdf: 'scrypt', ...SCRYPT };
  for (const [name, wanted] of Object.entries(expected)) {
    // Other costs are refused: a planted file must not choose how much memory is spent.
    if (sealed[name] !== wanted) {
      throw invalid(`sealed.${name}`, JSON.stringify(wanted), 'another value');
    }
  }
}

function fields(field: string, value: unknown, known: readonly string[]): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(field, 'an object', kindOf(value));
  }
  for (const name of Object.keys(value)) {
    if (!known.includes(name)) throw invalid(field, `only ${known.join(', ')}`, 'another field');
  }
  return value as Record<string, unknown>;
}

// What came is named by its kind only: a value in the wrong place may be the seed.
function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  return Array.isArray(value) ? 'an array' : `another ${typeof value}`;
}

function invalid(field: string, expected: string, got: string): UsageError {
  return new UsageError('key-file-invalid', `${field}: expected ${expected}, got ${got}`, {
    field,
    expected,
    got,
  });
}
