/**
 * The built dashboard, from memory. Knows: the files that were there at the start. Doesn't know: what they do.
 * Invariant: only what was listed then is ever served, so no path leads anywhere else.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { getMimeType } from 'hono/utils/mime';

interface StaticFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly contentType: string;
  readonly etag: string;
  readonly cacheControl: string;
}

/** What a dashboard may be in all: anything larger is not one. */
const MOST_BYTES = 32 * 1024 * 1024;
/** vite puts a digest into the names of what it builds: `index-DiwrgTda.js`. */
const HASHED = /^\/assets\/.+-[\w-]{8,}\.\w+$/;

export class Dashboard {
  /** By path of the URL. */
  readonly #files = new Map<string, StaticFile>();

  /** @param directory - if it is not there, or undefined, nothing is served. */
  constructor(directory: string | undefined) {
    if (directory === undefined) return;
    let bytes = 0;
    for (const path of filesIn(directory)) {
      const urlPath = `/${relative(directory, path).split(sep).join('/')}`;
      const file = staticFile(urlPath, path);
      bytes += file.bytes.length;
      if (bytes > MOST_BYTES) {
        this.#files.clear();
        return;
      }
      this.#files.set(urlPath, file);
    }
  }

  get isThere(): boolean {
    return this.#files.has('/index.html');
  }

  /** @param path - of the URL, as it came. @returns undefined if nothing is there. */
  answer(path: string, ifNoneMatch: string | undefined): Response | undefined {
    const file = this.#files.get(path === '/' ? '/index.html' : path);
    if (file === undefined) return undefined;
    const { bytes, contentType, etag, cacheControl } = file;
    const headers = { 'content-type': contentType, etag, 'cache-control': cacheControl };
    return ifNoneMatch === etag
      ? new Response(null, { status: 304, headers })
      : new Response(bytes, { headers });
  }
}

/** No symbolic links: they may lead out of it. */
function filesIn(directory: string): string[] {
  try {
    return readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

function staticFile(urlPath: string, path: string): StaticFile {
  const bytes = new Uint8Array(readFileSync(path));
  const digest = createHash('sha256').update(bytes).digest('base64url').slice(0, 22);
  return {
    bytes,
    contentType: getMimeType(path) ?? 'application/octet-stream',
    etag: `"${digest}"`,
    cacheControl: HASHED.test(urlPath) ? 'public, max-age=31536000, immutable' : 'no-cache',
  };
}
