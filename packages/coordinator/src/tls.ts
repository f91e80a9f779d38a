/**
 * Certificate and key of a listener, read from files and read again when they change.
 * Knows: PEM, files. Doesn't know: what is served.
 * Invariant: a listener always has a pair that fits together; one that does not is refused at the start,
 * and later leaves the one before in place.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, type Stats, unwatchFile, watchFile } from 'node:fs';
import type { Server } from 'node:https';
import { createSecureContext } from 'node:tls';
import { UsageError } from '@onlysum/crypto';
import type { Logger } from 'pino';
import { errorFields } from './log.js';

export interface TlsFiles {
  /** PEM: the chain, the server's own certificate first. */
  readonly certificate: string;
  /** PEM, readable by its owner only. */
  readonly key: string;
}

export interface TlsOptions {
  readonly cert: string;
  readonly key: string;
  readonly minVersion: 'TLSv1.2';
}

/** Looked at so often, beside SIGHUP: a certificate is renewed weeks before it ends. */
const LOOK_MS = 5_000;

/** @throws {UsageError} `tls-invalid`. */
export function tlsOptions({ certificate, key }: TlsFiles): TlsOptions {
  const pair = { cert: read('certificate', certificate), key: read('key', key) };
  try {
    const fits = new X509Certificate(pair.cert).checkPrivateKey(createPrivateKey(pair.key));
    // What the listener will need as well: the rest of the chain, and a key that is not too weak.
    if (fits) createSecureContext(pair);
    if (fits) return { ...pair, minVersion: 'TLSv1.2' };
  } catch (error) {
    throw invalid(`${certificate} and ${key} hold no certificate and key in PEM`, error);
  }
  throw invalid(`the key in ${key} is not that of the certificate in ${certificate}`);
}

export interface TlsWatch {
  /** Reads both files again, at once. */
  reload(): void;
  close(): void;
}

/** Keeps `server` on what is in the files. Failures are logged, and the pair before stays. */
export function watchTls(server: Server, files: TlsFiles, log: Logger): TlsWatch {
  const reload = (): void => {
    try {
      server.setSecureContext(tlsOptions(files));
      log.info({ file: files.certificate }, 'certificate read again');
    } catch (error) {
      log.error(errorFields(error), 'certificate not changed: the one before stays');
    }
  };
  const paths = [files.certificate, files.key];
  const onLook = (now: Stats, before: Stats): void => {
    if (now.mtimeMs !== before.mtimeMs) reload();
  };
  for (const path of paths) watchFile(path, { interval: LOOK_MS, persistent: false }, onLook);
  return {
    reload,
    close: () => {
      for (const path of paths) unwatchFile(path, onLook);
    },
  };
}

function read(field: keyof TlsFiles, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw invalid(`the ${field} ${path} cannot be read`, error);
  }
}

function invalid(what: string, cause?: unknown): UsageError {
  const expected = 'a certificate and its key, PEM files';
  return new UsageError('tls-invalid', `tls: expected ${expected}: ${what}`, {
    field: 'tls',
    expected,
    cause,
  });
}
