/**
 * A manifest under its publisher's signature, and the task it stands for. Protocol §2.
 * Knows: canonical bytes, signature, task id. Doesn't know: files, policy, which versions were seen.
 * Invariant: a `Task` carries a manifest that its publisher signed, and its compiled layout.
 */
import {
  encodeLabelled,
  equalBytes,
  invalidField,
  LABELS,
  parseHex,
  type Suite,
  toHex,
  UsageError,
} from '@onlysum/crypto';
import { canonicalBytes } from './canonical.js';
import { compileLayout, type Layout } from './layout.js';
import type { Manifest } from './manifest.js';
import { parseManifest } from './parse-manifest.js';

/** The file form. */
export interface SignedManifest {
  readonly manifest: Manifest;
  /** Ed25519 over the labelled canonical bytes, 128 hex digits. */
  readonly signature: string;
}

export interface Task {
  readonly manifest: Manifest;
  /** SHA-256 of the canonical bytes, 32 bytes. */
  readonly taskId: Uint8Array;
  /** The canonical bytes. */
  readonly bytes: Uint8Array;
  /** 64 bytes. */
  readonly signature: Uint8Array;
  readonly layout: Layout;
  /** Ed25519 public keys, 32 bytes each. */
  readonly publisher: Uint8Array;
  readonly registrarKey: Uint8Array;
  readonly coordinatorKey: Uint8Array;
}

/**
 * @param manifest - checked and compiled first, so that nothing is signed that no device would take.
 * @param publisherSeed - Ed25519 seed, 32 bytes; borrowed, the caller wipes it.
 * @throws {UsageError} `publisher-mismatch` if the seed is not that of `manifest.publisher`.
 */
export function signManifest(
  suite: Suite,
  manifest: Manifest,
  publisherSeed: Uint8Array,
): SignedManifest {
  const checked = parseManifest(manifest);
  compileLayout(checked);
  checkPublisher(checked, suite.ed25519PublicKey(publisherSeed));
  const signature = suite.ed25519Sign(publisherSeed, signedBytes(canonicalBytes(checked)));
  return { manifest: checked, signature: toHex(signature) };
}

/**
 * @param value - a {@link SignedManifest} of any origin.
 * @param pinnedPublisher - the only publisher to accept; without one, whoever signed it.
 * @throws {UsageError} `manifest-invalid`, `metric-could-wrap`, `noise-too-fine`,
 *   `publisher-mismatch`, or `manifest-signature`.
 */
export function verifySignedManifest(
  suite: Suite,
  value: unknown,
  pinnedPublisher?: Uint8Array,
): Task {
  const file = parseFile(value);
  const manifest = parseManifest(file.manifest);
  if (pinnedPublisher !== undefined) checkPublisher(manifest, pinnedPublisher);
  const bytes = canonicalBytes(manifest);
  const publisher = parseHex('publisher', manifest.publisher, 32);
  const signature = parseHex('signature', file.signature, 64);
  if (!suite.ed25519Verify(publisher, signedBytes(bytes), signature)) {
    throw new UsageError(
      'manifest-signature',
      `signature: expected that of publisher ${manifest.publisher} over this manifest: it was changed after signing, or signed with another key`,
      { field: 'signature' },
    );
  }
  return {
    manifest,
    taskId: suite.sha256(bytes),
    bytes,
    signature,
    layout: compileLayout(manifest),
    publisher,
    registrarKey: parseHex('registrar', manifest.registrar, 32),
    coordinatorKey: parseHex('coordinator.key', manifest.coordinator.key, 32),
  };
}

function signedBytes(canonical: Uint8Array): Uint8Array {
  return encodeLabelled(LABELS.manifest, canonical);
}

function checkPublisher(manifest: Manifest, expected: Uint8Array): void {
  if (!equalBytes(parseHex('publisher', manifest.publisher, 32), expected)) {
    throw invalidField(
      UsageError,
      'publisher-mismatch',
      'publisher',
      `the key ${toHex(expected)}`,
      manifest.publisher,
    );
  }
}

function parseFile(value: unknown): { manifest: unknown; signature: string } {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid('signed manifest', 'an object with manifest and signature', value);
  }
  if (!('signature' in value) && 'onlysum' in value) {
    throw new UsageError(
      'manifest-invalid',
      "not signed: run 'onlysum manifest sign' and give the file that it writes",
      { field: 'signature', expected: 'a signed manifest', got: 'one that is not signed' },
    );
  }
  for (const key of Object.keys(value)) {
    if (key !== 'manifest' && key !== 'signature') {
      throw invalid(key, 'no such field beside manifest and signature', 'it');
    }
  }
  const { manifest, signature } = value as Record<string, unknown>;
  if (typeof signature !== 'string' || !/^[0-9a-f]{128}$/.test(signature)) {
    throw invalid('signature', 'an Ed25519 signature, 128 lower-case hex digits', signature);
  }
  return { manifest, signature };
}

function invalid(field: string, expected: string, got: unknown): UsageError {
  return invalidField(UsageError, 'manifest-invalid', field, expected, got);
}
