/** encoding, packing, bitmap, pools and masks: read from the files by each suite, failures included. */
import {
  InternalError,
  LABELS,
  type Label,
  WireError,
  encodeLabelled,
  portableSuite,
  toHex,
} from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import { describe, expect, test } from 'vitest';
import { decodeBitmap, encodeBitmap } from '../../packages/protocol/src/bitmap.js';
import {
  addMasks,
  channelKey,
  pairMask,
  pairSecret,
  pairTag,
  selfCommitment,
  selfMask,
} from '../../packages/protocol/src/masking.js';
import { addPacked, packLanes } from '../../packages/protocol/src/packing.js';
import { colludersInPool, poolCount, poolOf } from '../../packages/protocol/src/pools.js';
import { bytesOf } from './json.js';
import { bitmapOf, concat, encode, packBits, unpackBits, withStream } from './stranger.js';
import bitmaps from './v1/bitmap.json' with { type: 'json' };
import encodings from './v1/encoding.json' with { type: 'json' };
import masks from './v1/masks.json' with { type: 'json' };
import packings from './v1/packing.json' with { type: 'json' };
import pools from './v1/pools.json' with { type: 'json' };

const { labels } = encodings;

describe('encoding.json', () => {
  test.each(encodings.cases)('$name', ({ label, fields, encoded }) => {
    const values = fields.map(({ kind, value }) =>
      kind === 'bytes' ? bytesOf(String(value)) : value,
    );
    expect(toHex(encodeLabelled(label as Label, ...values))).toBe(encoded);
    expect(toHex(encode(label, ...values))).toBe(encoded);
  });

  test('has every label, each once', () => {
    expect(labels).toEqual(LABELS);
    expect(new Set(Object.values(labels)).size).toBe(Object.keys(labels).length);
  });

  test('has no two cases with the same bytes', () => {
    expect(new Set(encodings.cases.map(({ encoded }) => encoded)).size).toBe(
      encodings.cases.length,
    );
  });

  test.each([-1, 0.5, 2 ** 53, Number.NaN])('the number %d is no field', (value) => {
    expect(() => encodeLabelled(LABELS.leaf, value)).toThrow(InternalError);
  });
});

describe('packing.json', () => {
  test.each(packings.cases)('$widths', ({ widths, lanes, packed }) => {
    expect(toHex(packLanes(Uint32Array.from(lanes), widths))).toBe(packed);
    expect(toHex(packBits(lanes, widths))).toBe(packed);
    const sum = new Uint32Array(widths.length);
    addPacked(sum, bytesOf(packed), widths);
    expect([...sum]).toEqual(unpackBits(bytesOf(packed), widths));
  });

  test.each(packings.sums)('a sum of vectors, widths $widths', ({ widths, packed, sum }) => {
    const total = new Uint32Array(widths.length);
    for (const vector of packed) addPacked(total, bytesOf(vector), widths);
    expect(widths.map((width, j) => (total[j] ?? 0) % 2 ** width)).toEqual(sum);
  });

  test.each(packings.refused)('refused: $name', ({ widths, hex, code }) => {
    const sum = new Uint32Array(widths.length).fill(3);
    expect(() => addPacked(sum, bytesOf(hex), widths)).toThrow(expect.objectContaining({ code }));
    expect([...sum]).toEqual(widths.map(() => 3));
  });
});

describe('bitmap.json', () => {
  test.each(bitmaps.cases)('$n devices: $hex', ({ n, members, hex }) => {
    expect(toHex(encodeBitmap(members, n))).toBe(hex);
    expect(toHex(bitmapOf(members, n))).toBe(hex);
    expect(decodeBitmap(bytesOf(hex), n, 'members')).toEqual(members);
  });

  test.each(bitmaps.refused)('refused: $name', ({ n, hex, code }) => {
    const parse = () => decodeBitmap(bytesOf(hex), n, 'members');
    expect(parse).toThrow(WireError);
    expect(parse).toThrow(expect.objectContaining({ code, field: 'members' }));
  });
});

describe.each([portableSuite, nativeSuite])('with the $name suite', (suite) => {
  test.each(pools.pools)('pools.json: pool $pool of $pools', (row) => {
    const [value, pseudonym] = [bytesOf(row.value), bytesOf(row.pseudonym)];
    const mac = suite.hmacSha256(value, encode(labels.pool, pseudonym));
    const exact = mac.reduce((number, byte) => (number << 8n) | BigInt(byte), 0n);
    expect(Number(exact % BigInt(row.pools))).toBe(row.pool);
    expect(poolOf(suite, value, pseudonym, row.pools)).toBe(row.pool);
  });

  test.each(masks.pairs)('masks.json: devices $i.index and $j.index', (row) => {
    const [context, context2] = [bytesOf(row.context), bytesOf(row.context2)];
    const [i, j] = [row.i, row.j].map((end) => ({
      index: end.index,
      cSecret: bytesOf(end.cSecret),
      sSecret: bytesOf(end.sSecret),
      c: bytesOf(end.c),
      s: bytesOf(end.s),
    }));
    if (i === undefined || j === undefined) throw new RangeError('a pair has two ends');
    for (const end of [i, j]) {
      expect(suite.x25519PublicKey(end.cSecret)).toEqual(end.c);
      expect(suite.x25519PublicKey(end.sSecret)).toEqual(end.s);
    }
    const channels = [suite.x25519(i.cSecret, j.c), suite.x25519(j.cSecret, i.c)];
    for (const channel of channels) {
      expect(toHex(channelKey(suite, channel, context, i, j))).toBe(row.channelKeyIToJ);
      expect(toHex(channelKey(suite, channel, context, j, i))).toBe(row.channelKeyJToI);
      const info = encode(labels.channelKey, i.index, j.index, i.c, j.c);
      expect(toHex(suite.hkdfSha256(channel, context, info, 32))).toBe(row.channelKeyIToJ);
    }
    expect(row.channelKeyIToJ).not.toBe(row.channelKeyJToI);
    const p = pairSecret(suite, suite.x25519(i.sSecret, j.s), context, i, j);
    expect(pairSecret(suite, suite.x25519(j.sSecret, i.s), context, j, i)).toEqual(p);
    expect(toHex(p)).toBe(row.pairSecret);
    const [lo, hi] = i.index < j.index ? [i, j] : [j, i];
    const agreement = suite.x25519(lo.sSecret, hi.s);
    const info = encode(labels.pairSecret, lo.index, hi.index, lo.s, hi.s);
    expect(suite.hkdfSha256(agreement, context, info, 32)).toEqual(p);
    expect(toHex(pairTag(suite, p))).toBe(row.tag);
    expect(toHex(suite.sha256(encode(labels.pairTag, p)).subarray(0, 16))).toBe(row.tag);

    const masked = (change: (lanes: Uint32Array) => void): number[] => {
      const lanes = Uint32Array.from(masks.lanes);
      change(lanes);
      return [...lanes];
    };
    const pairKey = suite.hkdfSha256(
      p,
      context2,
      encode(labels.pairStream, lo.index, hi.index),
      32,
    );
    const signAtI = i === lo ? 1 : -1;
    expect(withStream(suite, masks.lanes, signAtI, pairKey)).toEqual(row.lanesAtI);
    expect(withStream(suite, masks.lanes, signAtI === 1 ? -1 : 1, pairKey)).toEqual(row.lanesAtJ);
    const { index } = i;
    expect(
      masked((lanes) => addMasks(suite, lanes, [pairMask(suite, context2, index, j.index, p)])),
    ).toEqual(row.lanesAtI);
    expect(
      masked((lanes) => addMasks(suite, lanes, [pairMask(suite, context2, j.index, index, p)])),
    ).toEqual(row.lanesAtJ);
    const b = bytesOf(row.b);
    const selfKey = suite.hkdfSha256(b, context2, encode(labels.selfStream, index), 32);
    expect(withStream(suite, masks.lanes, 1, selfKey)).toEqual(row.lanesAfterSelfMaskOfI);
    expect(
      masked((lanes) => addMasks(suite, lanes, [selfMask(suite, context2, index, b)])),
    ).toEqual(row.lanesAfterSelfMaskOfI);
    expect(toHex(selfCommitment(suite, context2, index, b))).toBe(row.commitmentOfI);
    const committed = suite.sha256(encode(labels.selfCommitment, context2, index, b));
    expect(toHex(committed)).toBe(row.commitmentOfI);
  });

  test.each(masks.pairs)('a box from $i.index to $j.index opens under its own key only', (row) => {
    const [there, back] = [bytesOf(row.channelKeyIToJ), bytesOf(row.channelKeyJToI)];
    const box = suite.seal(there, concat(bytesOf(row.b), bytesOf(row.pairSecret)));
    expect(toHex(suite.open(there, box) ?? new Uint8Array(0))).toBe(row.b + row.pairSecret);
    expect(suite.open(back, box)).toBeUndefined();
  });
});

test.each(pools.colluders)('pools.json: $colluders colluders in one of $pools pools', (row) => {
  expect(poolCount(row.enrolled, row.cohortMax)).toBe(row.pools);
  expect(colludersInPool(row.enrolled, row.pools, row.perMillion)).toBe(row.colluders);
});
