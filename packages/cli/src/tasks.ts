/** Manifests in files, signed or not yet. */
import { nativeSuite } from '@onlysum/crypto/node';
import { type Manifest, parseManifest, type Task, verifySignedManifest } from '@onlysum/task';
import { inFile, readJson } from './files.js';

/** @throws {UsageError} as `verifySignedManifest`, with the file's name. */
export function loadTask(path: string): Task {
  const value = readJson(path);
  return inFile(path, () => verifySignedManifest(nativeSuite, value));
}

/** @returns the manifest, and whether the file is the signed form; a wrong signature is refused. */
export function loadManifest(path: string): { manifest: Manifest; isSigned: boolean } {
  const value = readJson(path);
  return inFile(path, () => {
    const isSigned = typeof value === 'object' && value !== null && 'signature' in value;
    const manifest = isSigned
      ? verifySignedManifest(nativeSuite, value).manifest
      : parseManifest(value);
    return { manifest, isSigned };
  });
}
