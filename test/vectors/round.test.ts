/**
 * round.json, step by step, with each suite: what every party computes is computed again by the plain
 * code of stranger.ts.
 */
import { type Suite, portableSuite, toHex } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import { verifySignedManifest } from '@onlysum/task';
import { describe, expect, test } from 'vitest';
import * as down from '../../packages/protocol/src/messages/from-coordinator.js';
import * as up from '../../packages/protocol/src/messages/from-device.js';
import { parseRequest, parseResponse } from '../../packages/protocol/src/registrar/requests.js';
import { decodeFrame } from '../../packages/protocol/src/wire/codec.js';
import { bytesOf } from './json.js';
import { DROPOUT, SILENT } from './round-setup.js';
import {
  bigEndian,
  bitmapOf,
  concat,
  encode,
  interpolate,
  packBits,
  shareAt,
  treeHash,
  treePath,
  unpackBits,
  withStream,
} from './stranger.js';
import encodings from './v1/encoding.json' with { type: 'json' };
import vectors from './v1/round.json' with { type: 'json' };

const { labels } = encodings;
const round = bytesOf(vectors.round);
const taskId = bytesOf(vectors.taskId);
const { incarnation } = vectors.announcement;
const context = bytesOf(vectors.roster.context);
const context2 = bytesOf(vectors.sharedSet.context2);
const widths = vectors.lanes.map(({ width }) => width);
const SEATS = [0, 1, 2, 3];

const keysOf = (index: number) => at(vectors.advertised, index);
const s = (index: number) => bytesOf(keysOf(index).s);
const dealtBy = (index: number) => at(vectors.dealt, index);

describe.each([portableSuite, nativeSuite])('round.json with the $name suite', (suite) => {
  const task = verifySignedManifest(suite, vectors.signedManifest);
  const registrarSeed = bytesOf(vectors.registrarSeed);

  /** Ed25519 signs alike everywhere, so the bytes can be compared. */
  const signedByRegistrar = (statement: Uint8Array, signature: string) => {
    expect(toHex(suite.ed25519Sign(registrarSeed, statement))).toBe(signature);
    expect(suite.ed25519Verify(task.registrarKey, statement, bytesOf(signature))).toBe(true);
  };

  test('the task and its lanes', () => {
    expect(toHex(task.taskId)).toBe(vectors.taskId);
    expect(toHex(suite.ed25519PublicKey(registrarSeed))).toBe(task.manifest.registrar);
    const coordinatorSeed = bytesOf(vectors.coordinatorSeed);
    expect(suite.ed25519PublicKey(coordinatorSeed)).toEqual(task.coordinatorKey);
    const lanes = task.layout.lanes.map(({ label, bound, width }) => ({ label, bound, width }));
    expect(lanes).toEqual(vectors.lanes);
  });

  test.each(vectors.enrolment)('certificate of $pseudonym', (row) => {
    const pseudonym = suite.ed25519PublicKey(bytesOf(row.pseudonymSeed));
    expect(toHex(pseudonym)).toBe(row.pseudonym);
    const proved = encode(labels.enrolment, task.registrarKey, row.code, pseudonym);
    expect(suite.ed25519Verify(pseudonym, proved, bytesOf(row.proof))).toBe(true);
    const { epoch, epochLengthMs } = row;
    expect(epoch).toBe(Math.floor(vectors.nowMs / epochLengthMs));
    const statement = encode(
      labels.certificate,
      task.registrarKey,
      epoch,
      epochLengthMs,
      pseudonym,
    );
    expect(toHex(statement)).toBe(row.statement);
    signedByRegistrar(statement, row.signature);
  });

  test('the announcement of the window', () => {
    const { enrolled, population, pools, value, signature } = vectors.announcement;
    expect(vectors.window).toBe(Math.floor(vectors.nowMs / task.manifest.window.lengthMs));
    const facts = [vectors.window, incarnation, enrolled, population, pools] as const;
    const statement = encode(labels.window, taskId, ...facts, bytesOf(value));
    expect(toHex(statement)).toBe(vectors.announcement.statement);
    signedByRegistrar(statement, signature);
  });

  test.each(SEATS)('device %i: hello and advertisement', (index) => {
    const { challenge, nonce, cSecret, sSecret, c } = keysOf(index);
    const pseudonym = bytesOf(at(vectors.enrolment, index).pseudonym);
    expect(toHex(suite.x25519PublicKey(bytesOf(cSecret)))).toBe(c);
    expect(suite.x25519PublicKey(bytesOf(sSecret))).toEqual(s(index));
    const greeting = sent(up.hello, index);
    const { url } = task.manifest.coordinator;
    const answered = encode(labels.hello, bytesOf(challenge), bytesOf(nonce), url, taskId);
    expect(suite.ed25519Verify(pseudonym, answered, greeting.signature)).toBe(true);
    const message = sent(up.advertiseKeys, index);
    expect([toHex(message.c), toHex(message.s)]).toEqual([c, keysOf(index).s]);
    const advertised = encode(
      labels.advertise,
      taskId,
      vectors.window,
      incarnation,
      round,
      message.c,
      message.s,
    );
    expect(suite.ed25519Verify(pseudonym, advertised, message.signature)).toBe(true);
  });

  test('the roster: parameters, leaves, root, paths, statement, context', () => {
    const { n, k, t, mostCorrupt, mostDropped, seed, root, signature } = vectors.roster;
    const { corrupt, dropout } = task.manifest.assumptions;
    expect([mostCorrupt, mostDropped]).toEqual([
      Math.ceil((corrupt * n) / 1000),
      Math.floor((dropout * n) / 1000),
    ]);
    expect([k, t]).toEqual([n - 1, Math.max(mostCorrupt + 1, Math.floor(k / 2) + 1)]);
    const leaves = SEATS.map((index) => {
      const others = SEATS.filter((other) => other !== index);
      const neighbours = concat(
        ...others.flatMap((other) => [bigEndian(other, 4), bytesOf(keysOf(other).c), s(other)]),
      );
      return encode(labels.leaf, index, bytesOf(keysOf(index).c), s(index), neighbours);
    });
    expect(leaves.map(toHex)).toEqual(vectors.roster.leaves);
    expect(toHex(treeHash(suite, leaves))).toBe(root);
    const paths = SEATS.map((index) => treePath(suite, leaves, index));
    expect(paths.map((path) => path.map(toHex))).toEqual(vectors.roster.paths);
    const { window } = vectors;
    const facts = [1, taskId, window, incarnation, round, n, k, t, bytesOf(seed), bytesOf(root)];
    const statement = encode(labels.roster, ...facts);
    expect(toHex(statement)).toBe(vectors.roster.statement);
    signedByRegistrar(statement, signature);
    expect(suite.sha256(encode(labels.context, ...facts))).toEqual(context);
    for (const index of SEATS) {
      const message = received(down.roster, index);
      expect(message.index).toBe(index);
      expect(message.path).toEqual(paths[index]);
      expect(toHex(message.signature)).toBe(signature);
    }
  });

  test.each(SEATS)('device %i: shares, boxes and tags', (index) => {
    const { b, randomOfB, randomOfS, neighbours } = dealtBy(index);
    const { cSecret, sSecret } = keysOf(index);
    for (const row of neighbours) {
      const other = keysOf(row.index);
      const channel = suite.x25519(bytesOf(cSecret), bytesOf(other.c));
      const ends = [index, row.index, bytesOf(keysOf(index).c), bytesOf(other.c)] as const;
      const key = suite.hkdfSha256(channel, context, encode(labels.channelKey, ...ends), 32);
      expect(toHex(key)).toBe(row.channelKey);
      const x = row.index + 1;
      expect(toHex(shareAt(bytesOf(b), bytesOf(randomOfB), x))).toBe(row.shareOfB);
      expect(toHex(shareAt(bytesOf(sSecret), bytesOf(randomOfS), x))).toBe(row.shareOfS);
      const shares = concat(bytesOf(row.shareOfB), bytesOf(row.shareOfS));
      expect(toHex(suite.seal(key, shares))).toBe(row.box);
      expect(suite.open(key, bytesOf(row.box))).toEqual(shares);
      const p = pairSecretOf(suite, index, row.index);
      expect(toHex(p)).toBe(row.pairSecret);
      expect(toHex(suite.sha256(encode(labels.pairTag, p)).subarray(0, 16))).toBe(row.tag);
      const mirrored = dealtBy(row.index).neighbours.find((back) => back.index === index);
      expect([mirrored?.pairSecret, mirrored?.tag]).toEqual([row.pairSecret, row.tag]);
      expect(mirrored?.channelKey).not.toBe(row.channelKey);
    }
    const message = sent(up.shareKeys, index);
    expect(toHex(message.boxes)).toBe(neighbours.map(({ box }) => box).join(''));
    expect(toHex(message.tags)).toBe(neighbours.map(({ tag }) => tag).join(''));
  });

  test('U2 and context2', () => {
    const { members, bitmap, statement, signature } = vectors.sharedSet;
    expect(members).toEqual(SEATS);
    expect(toHex(bitmapOf(members, 4))).toBe(bitmap);
    const said = encode(labels.sharedSet, context, bytesOf(bitmap));
    expect(toHex(said)).toBe(statement);
    signedByRegistrar(said, signature);
    expect(suite.sha256(encode(labels.context2, context, bytesOf(bitmap)))).toEqual(context2);
  });

  test.each(vectors.masked)('device $index: the masked input', (row) => {
    const { index, input } = row;
    const b = bytesOf(dealtBy(index).b);
    let lanes = withStream(suite, input, 1, selfKeyOf(suite, index, b));
    expect(lanes).toEqual(row.afterSelfMask);
    for (const other of SEATS) {
      if (other === index) continue;
      const p = pairSecretOf(suite, index, other);
      lanes = withStream(suite, lanes, index < other ? 1 : -1, pairKeyOf(suite, index, other, p));
    }
    expect(lanes).toEqual(row.afterPairMasks);
    expect(toHex(packBits(lanes, widths))).toBe(row.vector);
    const commitment = suite.sha256(encode(labels.selfCommitment, context2, index, b));
    expect(toHex(commitment)).toBe(row.commitment);
    const message = sent(up.maskedInput, index);
    expect([toHex(message.vector), toHex(message.commitment)]).toEqual([
      row.vector,
      row.commitment,
    ]);
  });

  test('U3', () => {
    const { members, bitmap, statement, signature } = vectors.survivorSet;
    expect(members).toEqual(SEATS.filter((index) => index !== DROPOUT));
    expect(toHex(bitmapOf(members, 4))).toBe(bitmap);
    const said = encode(labels.survivorSet, context2, bytesOf(bitmap));
    expect(toHex(said)).toBe(statement);
    signedByRegistrar(said, signature);
  });

  test('recovery and the opened sum', () => {
    const { opened, masked, roster } = vectors;
    const vectorsIn = masked.map(({ vector }) => unpackBits(bytesOf(vector), widths));
    const sum = widths.map((width, j) =>
      vectorsIn.reduce((total, lanes) => (total + (lanes[j] ?? 0)) % 2 ** width, 0),
    );
    expect(sum).toEqual(opened.sumOfMasked);
    const [silent] = opened.recoveredB;
    const [dropped] = opened.recoveredS;
    if (silent === undefined || dropped === undefined) throw new RangeError('nothing recovered');
    expect([silent.index, dropped.index]).toEqual([SILENT, DROPOUT]);
    for (const { shares } of [silent, dropped]) expect(shares).toHaveLength(roster.t);
    expect(toHex(interpolate(silent.shares.map(parsedShare)))).toBe(silent.b);
    expect(silent.b).toBe(dealtBy(SILENT).b);
    expect(toHex(interpolate(dropped.shares.map(parsedShare)))).toBe(dropped.s);
    expect(dropped.s).toBe(keysOf(DROPOUT).sSecret);
    for (const { x, share } of silent.shares) {
      const { selfShares } = sent(up.revealShares, x - 1);
      expect(toHex(selfShares)).toBe(toHex(bigEndian(SILENT, 4)) + share);
    }

    let lanes: number[] = sum;
    for (const { index, b } of [...opened.revealedB, silent]) {
      lanes = withStream(suite, lanes, -1, selfKeyOf(suite, index, bytesOf(b)));
    }
    for (const { survivor, pairSecret } of opened.revealedPairs) {
      const key = pairKeyOf(suite, survivor, DROPOUT, bytesOf(pairSecret));
      lanes = withStream(suite, lanes, survivor < DROPOUT ? -1 : 1, key);
    }
    expect(dropped.partners).toEqual([SILENT]);
    for (const index of dropped.partners) {
      const agreement = suite.x25519(bytesOf(dropped.s), s(index));
      const p = pairSecretFrom(suite, agreement, index, DROPOUT);
      const key = pairKeyOf(suite, index, DROPOUT, p);
      lanes = withStream(suite, lanes, index < DROPOUT ? -1 : 1, key);
    }
    expect(lanes.map((lane, j) => lane % 2 ** (widths[j] ?? 0))).toEqual(opened.lanes);
    const plain = widths.map((_, j) =>
      masked.reduce((total, { input }) => total + (input[j] ?? 0), 0),
    );
    expect(opened.lanes).toEqual(plain);
  });

  test('answering survivors reveal b, and the pair secret with the dropout', () => {
    for (const index of [0, 2]) {
      const message = sent(up.unmasking, index);
      expect(toHex(message.b)).toBe(dealtBy(index).b);
      expect(message.pairSecrets).toEqual(pairSecretOf(suite, index, DROPOUT));
    }
  });

  test.each(vectors.registrar)('the registrar is asked for a $kind', (row) => {
    const request = parseRequest(bytesOf(row.request));
    expect(request.kind).toBe(row.kind);
    const statement = bytesOf(row.statement);
    expect(suite.ed25519Verify(task.coordinatorKey, statement, request.signature)).toBe(true);
    expect(parseResponse(bytesOf(row.response)).kind).not.toBe('refused');
  });

  test('the statement of a roster request', () => {
    const row = vectors.registrar.find(({ kind }) => kind === 'roster');
    const request = parseRequest(bytesOf(row?.request ?? ''));
    if (request.kind !== 'roster') throw new RangeError('no roster request');
    const members = request.members.flatMap(({ certificate, ...keys }) => [
      certificate.epoch,
      certificate.epochLengthMs,
      certificate.pseudonym,
      certificate.signature,
      keys.c,
      keys.s,
      keys.signature,
    ]);
    const { window, lifetimeMs } = request;
    const head = [request.taskId, window, request.round, lifetimeMs, request.members.length];
    expect(toHex(encode(labels.rosterRequest, ...head, ...members))).toBe(row?.statement);
  });
});

function pairSecretFrom(suite: Suite, agreement: Uint8Array, i: number, j: number): Uint8Array {
  const [lo, hi] = [Math.min(i, j), Math.max(i, j)];
  const info = encode(labels.pairSecret, lo, hi, s(lo), s(hi));
  return suite.hkdfSha256(agreement, context, info, 32);
}

function pairSecretOf(suite: Suite, i: number, j: number): Uint8Array {
  return pairSecretFrom(suite, suite.x25519(bytesOf(keysOf(i).sSecret), s(j)), i, j);
}

function pairKeyOf(suite: Suite, i: number, j: number, p: Uint8Array): Uint8Array {
  const info = encode(labels.pairStream, Math.min(i, j), Math.max(i, j));
  return suite.hkdfSha256(p, context2, info, 32);
}

function selfKeyOf(suite: Suite, index: number, b: Uint8Array): Uint8Array {
  return suite.hkdfSha256(b, context2, encode(labels.selfStream, index), 32);
}

function parsedShare({ x, share }: { readonly x: number; readonly share: string }) {
  return { x, share: bytesOf(share) };
}

function carried(device: number, direction: string) {
  return vectors.transcript.filter((m) => m.device === device && m.direction === direction);
}

interface AnyCodec<T> {
  readonly type: number;
  parse(raw: readonly unknown[]): T;
}

function only<T>(codec: AnyCodec<T>, device: number, direction: string): T {
  const frames = carried(device, direction).map(({ hex }) => decodeFrame(bytesOf(hex)));
  const raw = frames.find(([type]) => type === codec.type);
  if (raw === undefined) throw new RangeError(`no message ${codec.type} of device ${device}`);
  return codec.parse(raw);
}

function sent<T>(codec: AnyCodec<T>, device: number): T {
  return only(codec, device, 'up');
}

function received<T>(codec: AnyCodec<T>, device: number): T {
  return only(codec, device, 'down');
}

function at<T>(list: readonly T[], index: number): T {
  const value = list[index];
  if (value === undefined) throw new RangeError(`no element ${index} in a list of ${list.length}`);
  return value;
}
