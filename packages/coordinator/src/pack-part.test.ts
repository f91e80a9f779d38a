import type { OpenPart } from '@onlysum/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { packPart, unpackPart } from './pack-part.js';

const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
const index = fc.nat(65_535);
const several = { maxLength: 5 };
const shares = fc.array(fc.record({ x: index, share: key }), several);
const end = fc.record({ index, s: key });
const part: fc.Arbitrary<OpenPart> = fc.record({
  laneCount: index,
  context: key,
  context2: key,
  threshold: index,
  selfSeeds: fc.array(fc.record({ index, b: key }), several),
  pairs: fc.array(fc.record({ survivor: index, dropped: index, p: key }), several),
  silent: fc.array(fc.record({ index, commitment: key, shares }), several),
  dropped: fc.array(fc.record({ end, shares, partners: fc.array(end, several) }), several),
  keepRecovered: fc.boolean(),
});

test('a part is the same after the way to a thread', () => {
  fc.assert(
    fc.property(part, (sent) => {
      const packed = packPart(sent);
      const { numbers, secrets } = packed;
      const moved = structuredClone(packed, { transfer: [numbers.buffer, secrets.buffer] });
      expect(secrets).toHaveLength(0);
      expect(unpackPart(moved)).toEqual(sent);
    }),
  );
});

test('wiping the packed secrets wipes every unpacked one, and none of the sender', () => {
  const secret = new Uint8Array(32).fill(7);
  const zeros = new Uint8Array(32);
  const held = [{ x: 1, share: secret }];
  const packed = packPart({
    laneCount: 1,
    context: zeros,
    context2: zeros,
    threshold: 1,
    selfSeeds: [{ index: 0, b: secret }],
    pairs: [{ survivor: 0, dropped: 1, p: secret }],
    silent: [{ index: 2, commitment: secret, shares: held }],
    dropped: [{ end: { index: 3, s: secret }, shares: held, partners: [] }],
  });
  const { selfSeeds, pairs, silent, dropped } = unpackPart(packed);
  const unpacked = [
    selfSeeds[0]?.b,
    pairs[0]?.p,
    silent[0]?.shares[0]?.share,
    dropped[0]?.shares[0]?.share,
  ];
  for (const each of unpacked) expect(each).toEqual(secret);
  packed.secrets.fill(0);
  for (const each of unpacked) expect(each).toEqual(zeros);
  expect(secret).toEqual(new Uint8Array(32).fill(7));
});
