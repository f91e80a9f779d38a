import { unsafeSeededRng, utf8 } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type SealedPlace, Sealer, sealKeyId } from './sealing.js';

const rng = unsafeSeededRng('sealing');
const [present, older, foreign] = [rng(32), rng(32), rng(32)];
const sealer = (key = present, others: Uint8Array[] = []) =>
  new Sealer(nativeSuite, rng, key, others);
const PLACE: SealedPlace = {
  kind: 'result',
  task: 'ab'.repeat(32),
  window: 7,
  round: '01'.repeat(16),
};
const code = (expected: string) => expect.objectContaining({ code: expected });

describe('sealing', () => {
  it('opens what it sealed, at its place', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(), (plaintext, window) => {
        const place = { ...PLACE, window };
        const sealed = sealer().seal(plaintext, place);
        expect(sealed).toHaveLength(plaintext.length + 49);
        expect([...sealer().open(sealed, place)]).toEqual([...plaintext]);
      }),
    );
  });

  it('refuses every flipped bit and every shorter or longer form', () => {
    const sealed = sealer().seal(utf8('{"lanes":[1,2,3]}'), PLACE);
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const changed = sealed.slice();
      changed[bit >> 3]! ^= 1 << (bit & 7);
      const inKeyId = bit >> 3 >= 1 && bit >> 3 < 9;
      expect(() => sealer().open(changed, PLACE)).toThrow(
        code(inKeyId ? 'seal-key-unknown' : 'seal-open-failed'),
      );
    }
    for (let length = 0; length < sealed.length; length++) {
      expect(() => sealer().open(sealed.subarray(0, length), PLACE)).toThrow(
        code('seal-open-failed'),
      );
    }
    const longer = Uint8Array.from([...sealed, 0]);
    expect(() => sealer().open(longer, PLACE)).toThrow(code('seal-open-failed'));
  });

  it.each([
    { kind: 'record' },
    { task: 'ac'.repeat(32) },
    { window: 8 },
    { round: '02'.repeat(16) },
    // A boundary moved from one field into the next.
    { kind: 'resulta', task: PLACE.task.slice(1) },
  ])('refuses another place: %j', (change) => {
    const sealed = sealer().seal(utf8('sum'), PLACE);
    expect(() => sealer().open(sealed, { ...PLACE, ...change })).toThrow(code('seal-open-failed'));
  });

  it('binds the key id: another key under this one’s id opens nothing', () => {
    const sealed = sealer().seal(utf8('sum'), PLACE);
    const relabelled = sealed.slice();
    relabelled.set(sealKeyId(nativeSuite, older), 1);
    expect(() => sealer(present, [older]).open(relabelled, PLACE)).toThrow(
      code('seal-open-failed'),
    );
  });

  it('names the key that is missing, and shows none', () => {
    const sealed = sealer(foreign).seal(utf8('sum'), PLACE);
    try {
      sealer(present, [older]).open(sealed, PLACE);
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ code: 'seal-key-unknown' });
      const shown = JSON.stringify([String(error), error]);
      expect(shown).toContain(Buffer.from(sealKeyId(nativeSuite, foreign)).toString('hex'));
      for (const key of [present, older, foreign]) {
        expect(shown).not.toContain(Buffer.from(key).toString('hex').slice(0, 16));
      }
    }
  });

  it('rotates: old records open, and come out under the new key', () => {
    const old = sealer(older).seal(utf8('sum'), PLACE);
    const rotated = sealer(present, [older]);
    expect(rotated.isPresent(old)).toBe(false);
    const renewed = rotated.reseal(old, PLACE);
    expect(rotated.isPresent(renewed)).toBe(true);
    expect(rotated.reseal(renewed, PLACE)).toBe(renewed);
    expect([...sealer().open(renewed, PLACE)]).toEqual([...utf8('sum')]);
    expect(() => rotated.reseal(old, { ...PLACE, window: 8 })).toThrow(code('seal-open-failed'));
  });

  it('never seals twice alike', () => {
    const one = sealer();
    expect(one.seal(utf8('sum'), PLACE)).not.toEqual(one.seal(utf8('sum'), PLACE));
  });

  it('keeps its own copies of keys, until it is told to forget them', () => {
    const given = present.slice();
    const own = sealer(given);
    given.fill(0);
    const sealed = own.seal(utf8('sum'), PLACE);
    expect([...sealer().open(sealed, PLACE)]).toEqual([...utf8('sum')]);
    own.wipe();
    expect(() => own.open(sealed, PLACE)).toThrow(code('seal-key-unknown'));
    expect(() => own.seal(sealed, PLACE)).toThrow(code('seal-key-unknown'));
  });

  it('refuses a key of another length', () => {
    expect(() => sealer(new Uint8Array(31))).toThrow(code('seal-key-invalid'));
    expect(() => sealer(present, [new Uint8Array(33)])).toThrow(code('seal-key-invalid'));
  });
});
