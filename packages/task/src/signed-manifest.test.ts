import { parseHex, portableSuite as suite, toHex } from '@onlysum/crypto';
import { expect, test } from 'vitest';
import vectors from '../../../test/vectors/v1/manifest.json' with { type: 'json' };
import { parseManifest } from './parse-manifest.js';
import { signManifest, verifySignedManifest } from './signed-manifest.js';

const seed = parseHex('seed', vectors.publisherSeed, 32);
const { manifest, signature } = vectors;
const code = (expected: string, field?: string) =>
  expect.objectContaining({ code: expected, ...(field === undefined ? {} : { field }) });

test('signing gives the published signature', () => {
  expect(signManifest(suite, parseManifest(manifest), seed)).toEqual({ manifest, signature });
});

test('verifying gives the published task', () => {
  const pinned = parseHex('publisher', manifest.publisher, 32);
  for (const task of [
    verifySignedManifest(suite, { manifest, signature }),
    verifySignedManifest(suite, { manifest, signature }, pinned),
  ]) {
    expect(task.manifest).toEqual(manifest);
    expect(toHex(task.bytes)).toBe(vectors.canonical);
    expect(toHex(task.taskId)).toBe(vectors.taskId);
    expect(toHex(task.signature)).toBe(signature);
    expect(toHex(task.publisher)).toBe(manifest.publisher);
    expect(toHex(task.registrarKey)).toBe(manifest.registrar);
    expect(toHex(task.coordinatorKey)).toBe(manifest.coordinator.key);
    expect(task.layout.vectorBytes).toBe(vectors.vectorBytes);
  }
});

test.each([
  ['another version', { ...manifest, version: 4 }],
  ['another bound', { ...manifest, attempts: 4 }],
  ['another publisher', { ...manifest, publisher: 'ab'.repeat(32) }],
  ['a publisher of small order', { ...manifest, publisher: `01${'00'.repeat(31)}` }],
])('refuses a manifest changed after signing: %s', (_, other) => {
  expect(() => verifySignedManifest(suite, { manifest: other, signature })).toThrow(
    code('manifest-signature', 'signature'),
  );
});

test('refuses a signature that is changed, or over bytes without the label', () => {
  const flipped = signature.replace(/^./, (c) => (c === '0' ? '1' : '0'));
  const bare = toHex(
    suite.ed25519Sign(seed, parseHex('bytes', vectors.canonical, vectors.canonical.length / 2)),
  );
  for (const other of [flipped, bare]) {
    expect(() => verifySignedManifest(suite, { manifest, signature: other })).toThrow(
      code('manifest-signature'),
    );
  }
});

test('refuses another publisher than the pinned one, and says which key came', () => {
  const pinned = suite.ed25519PublicKey(new Uint8Array(32).fill(7));
  expect(() => verifySignedManifest(suite, { manifest, signature }, pinned)).toThrow(
    code('publisher-mismatch', 'publisher'),
  );
  expect(() => verifySignedManifest(suite, { manifest, signature }, pinned.slice(1))).toThrow(
    code('publisher-mismatch'),
  );
});

test('does not sign with a key that is not the publisher of the manifest', () => {
  expect(() => signManifest(suite, parseManifest(manifest), new Uint8Array(32))).toThrow(
    code('publisher-mismatch'),
  );
});

test('does not sign what no device would take', () => {
  const parsed = parseManifest(manifest);
  expect(() => signManifest(suite, { ...parsed, attempts: 99 }, seed)).toThrow(
    code('manifest-invalid', 'attempts'),
  );
  const metrics = parsed.metrics.map((m) => (m.kind === 'count' ? { ...m, max: 2 ** 52 } : m));
  expect(() => signManifest(suite, { ...parsed, metrics }, seed)).toThrow(
    code('metric-could-wrap', 'crashes'),
  );
});

test('says of a manifest that is not signed how to sign it', () => {
  expect(() => verifySignedManifest(suite, manifest)).toThrow(
    "not signed: run 'onlysum manifest sign'",
  );
});

test('shows both keys whole when they are not the same', () => {
  const other = new Uint8Array(32).fill(7);
  expect(() => verifySignedManifest(suite, { manifest, signature }, other)).toThrow(
    `expected the key ${toHex(other)}, got "${manifest.publisher}"`,
  );
});

test.each([
  [null, 'signed manifest'],
  [[], 'signed manifest'],
  ['x', 'signed manifest'],
  [{ manifest }, 'signature'],
  [{ manifest, signature: signature.toUpperCase() }, 'signature'],
  [{ manifest, signature: signature.slice(2) }, 'signature'],
  [{ signature }, 'manifest'],
  [{ manifest, signature, note: 1 }, 'note'],
])('refuses a file of another form (%#)', (file, field) => {
  expect(() => verifySignedManifest(suite, file)).toThrow(code('manifest-invalid', field));
});
