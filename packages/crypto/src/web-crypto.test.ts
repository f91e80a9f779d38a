/** What WebCrypto is trusted with: each secret once, for one use, and no copy of it left behind. */
import { describe, expect, test } from 'vitest';
import { type DeriveOp, runDerive } from './derive.js';
import { UsageError } from './errors.js';
import { portableSuite } from './portable.js';
import { unsafeSeededRng } from './unsafe-seeded-rng.js';
import { type PlatformCrypto, webCryptoDerive } from './web-crypto.js';

const suite = portableSuite;
const rng = unsafeSeededRng('secrets');
const [c, s, seed, salt] = [rng(32), rng(32), rng(32), rng(32)];
const peers = Array.from({ length: 5 }, () => suite.x25519PublicKey(rng(32)));
const agree = (secret: Uint8Array) =>
  peers.map((publicKey): DeriveOp => ({ op: 'agree', secret, publicKey, salt, infos: [salt, c] }));

interface Import {
  readonly format: string;
  readonly bytes: Uint8Array;
  readonly isExtractable: boolean;
}

/** The platform's own, and what was given to it and made by it since the last `forget`. */
function watched() {
  const real: PlatformCrypto = globalThis.crypto.subtle;
  const imports: Import[] = [];
  const derived: Uint8Array[] = [];
  const subtle: PlatformCrypto = {
    importKey: async (...of) => {
      imports.push({ format: of[0], bytes: of[1] as Uint8Array, isExtractable: of[3] });
      return real.importKey(...of);
    },
    deriveBits: async (...of) => {
      const bits = await real.deriveBits(...of);
      derived.push(new Uint8Array(bits));
      return bits;
    },
    deriveKey: async (...of) => {
      expect(of[3]).toBe(false);
      return real.deriveKey(...of);
    },
    sign: (...of) => real.sign(...of),
    verify: (...of) => real.verify(...of),
  };
  const forget = (): void => {
    imports.length = 0;
    derived.length = 0;
  };
  return { subtle, imports, derived, forget };
}

const nothingElse = (): never => {
  throw new RangeError('left to another runner');
};

describe('secrets by WebCrypto', () => {
  test('enter once in a batch, cannot be taken out, and leave no copy', async () => {
    const { subtle, imports, forget } = watched();
    const run = webCryptoDerive(subtle);
    await run([], nothingElse);
    forget();
    const batch: DeriveOp[] = [
      ...agree(c),
      ...agree(s),
      { op: 'ed25519-sign', seed, message: salt },
      { op: 'x25519-public', secret: c },
    ];
    expect(await run(batch, nothingElse)).toEqual(runDerive(suite, batch));
    const secrets = imports.filter(({ format }) => format === 'pkcs8');
    expect(secrets).toHaveLength(3);
    for (const { bytes } of secrets) expect(bytes).toEqual(new Uint8Array(48));
    for (const { isExtractable } of imports) expect(isExtractable).toBe(false);
  });

  test('may be one secret of two curves', async () => {
    const batch: DeriveOp[] = [
      { op: 'x25519-public', secret: c },
      { op: 'ed25519-sign', seed: c, message: salt },
    ];
    const run = webCryptoDerive(globalThis.crypto.subtle);
    expect(await run(batch, nothingElse)).toEqual(runDerive(suite, batch));
  });

  test('of a wrong length are our own fault: the batch rejects before anything runs', async () => {
    const { subtle, imports, forget } = watched();
    const run = webCryptoDerive(subtle);
    await run([], nothingElse);
    forget();
    const bad = new Uint8Array(31);
    for (const op of [
      { op: 'agree', secret: bad, publicKey: peers[0]!, salt, infos: [] },
      { op: 'x25519-public', secret: bad },
      { op: 'ed25519-sign', seed: bad, message: salt },
    ] as const) {
      const rejected = run([...agree(c), op], nothingElse);
      await expect(rejected).rejects.toThrow(UsageError);
      await expect(rejected).rejects.toMatchObject({ code: 'secret-length' });
    }
    expect(imports).toEqual([]);
  });
});

test('when what is left fails, what was derived is wiped', async () => {
  const { subtle, derived, forget } = watched();
  const tooLong = new Uint8Array(1100);
  const run = webCryptoDerive({
    ...subtle,
    deriveBits: async (...of) => {
      if ('info' in of[0] && of[0].info === tooLong) throw new RangeError('info is too long');
      return subtle.deriveBits(...of);
    },
  });
  await run([], nothingElse);
  forget();
  const longer = { ...agree(c)[0]!, infos: [tooLong] } as DeriveOp;
  const failure = new RangeError('out of order');
  const rejected = run([...agree(c), longer], () => Promise.reject(failure));
  await expect(rejected).rejects.toBe(failure);
  expect(derived).toHaveLength(10);
  for (const key of derived) expect(key).toEqual(new Uint8Array(32));
});
