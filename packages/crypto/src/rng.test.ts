import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concatBytes, utf8 } from './bytes.js';
import { portableSuite } from './portable.js';
import { systemRng } from './system-rng.js';
import { unsafeSeededRng } from './unsafe-seeded-rng.js';

describe('systemRng', () => {
  test.each([0, 1, 32, 65_536, 65_537, 200_000])('gives %i bytes', (length) => {
    expect(systemRng(length)).toHaveLength(length);
  });

  test('fills every part of a long draw, and no two draws are alike', () => {
    const long = systemRng(200_000);
    for (let at = 0; at + 64 <= long.length; at += 50_000) {
      expect(long.subarray(at, at + 64).some((byte) => byte !== 0)).toBe(true);
    }
    expect(long.subarray(-64).some((byte) => byte !== 0)).toBe(true);
    expect(systemRng(32)).not.toEqual(systemRng(32));
  });
});

describe('unsafeSeededRng', () => {
  test('is the ChaCha20 stream under the hash of its seed, however the draws are cut', () => {
    const lengths = fc.array(fc.nat(3000), { maxLength: 6 });
    fc.assert(
      fc.property(fc.string(), lengths, (seed, cuts) => {
        const rng = unsafeSeededRng(seed);
        const drawn = concatBytes(...cuts.map((length) => rng(length)));
        const key = portableSuite.sha256(utf8(seed));
        expect(drawn).toEqual(portableSuite.stream(key, drawn.length));
      }),
    );
  });

  test('a draw owns its bytes: changing it does not change the next', () => {
    const [rng, same] = [unsafeSeededRng(Uint8Array.of(1)), unsafeSeededRng(Uint8Array.of(1))];
    rng(10).fill(0);
    same(10);
    expect(rng(10)).toEqual(same(10));
  });

  test('another seed gives other bytes', () => {
    expect(unsafeSeededRng('a')(32)).not.toEqual(unsafeSeededRng('b')(32));
  });
});
