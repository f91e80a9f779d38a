/**
 * Files as the command reads and writes them. Knows: JSON, modes, that nothing is overwritten.
 * Doesn't know: what is in them. Invariant: an error names the file; its content is never shown.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { OnlysumError, UsageError } from '@onlysum/crypto';
import { jsonFault } from './json-fault.js';
import type { Terminal } from './terminal.js';

/** Readable and writable by the owner only. */
export const PRIVATE_MODE = 0o600;

/** @throws {UsageError} `file-unreadable`. */
export function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const expected = 'a file that can be read';
    const got = systemReason(error);
    throw new UsageError('file-unreadable', `${path}: expected ${expected}, got ${got}`, {
      field: path,
      expected,
      got,
      cause: error,
    });
  }
}

export async function readStandardInput(terminal: Terminal): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of terminal.in ?? []) {
    text += typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** @throws {UsageError} `file-unreadable`, `file-invalid`. */
export function readJson(path: string): unknown {
  return parseJson(path, readText(path));
}

/** @param path - names it in errors. @throws {UsageError} `file-invalid`. */
export function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw fileInvalid(path, 'JSON', `something else at ${jsonFault(text)}`);
  }
}

export interface NewFile {
  readonly path: string;
  readonly text: string;
  readonly mode: number;
}

/**
 * Writes files that must not be there yet: if one is, none is written.
 *
 * @throws {UsageError} `file-exists`, `file-unwritable`.
 */
export function writeNewFiles(files: readonly NewFile[]): void {
  for (const { path } of files) {
    if (existsSync(path)) throw fileExists(path);
  }
  for (const { path, text, mode } of files) {
    attempt(path, () => {
      const isPrivate = mode === PRIVATE_MODE;
      mkdirSync(dirname(path), { recursive: true, ...(isPrivate ? { mode: 0o700 } : {}) });
      writeFileSync(path, text, { mode, flag: 'wx' });
    });
  }
}

/** Replaces a file whole: a reader sees the old or the new one. @throws {UsageError} `file-unwritable`. */
export function replaceFile(path: string, text: string, mode: number): void {
  const partial = `${path}.${randomBytes(6).toString('hex')}.partial`;
  attempt(path, () => {
    try {
      writeFileSync(partial, text, { mode, flag: 'wx' });
      renameSync(partial, path);
    } catch (error) {
      rmSync(partial, { force: true });
      throw error;
    }
  });
}

/** Runs `read` and puts the file's name before the message of what it throws. */
export function inFile<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof OnlysumError)) throw error;
    const { code, field, expected, got, retryable } = error;
    throw new UsageError(code, `${path}: ${error.message}`, {
      ...(field === undefined ? {} : { field }),
      ...(expected === undefined ? {} : { expected }),
      ...(got === undefined ? {} : { got }),
      retryable,
      cause: error,
    });
  }
}

function attempt(path: string, write: () => void): void {
  try {
    write();
  } catch (error) {
    if (systemCode(error) === 'EEXIST' && existsSync(path)) throw fileExists(path);
    const expected = 'a place that can be written';
    const got = systemReason(error);
    throw new UsageError('file-unwritable', `${path}: expected ${expected}, got ${got}`, {
      field: path,
      expected,
      got,
      cause: error,
    });
  }
}

function fileExists(path: string): UsageError {
  const expected = 'no such file yet';
  const got = 'one that is there; move it away or choose another folder';
  return new UsageError('file-exists', `${path}: expected ${expected}, got ${got}`, {
    field: path,
    expected,
    got,
  });
}

function fileInvalid(path: string, expected: string, got: string): UsageError {
  return new UsageError('file-invalid', `${path}: expected ${expected}, got ${got}`, {
    field: path,
    expected,
    got,
  });
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EISDIR: 'a folder',
  ENOTDIR: 'a path through something that is no folder',
  EACCES: 'no permission',
  EPERM: 'no permission',
  EROFS: 'a read-only file system',
};

function systemReason(error: unknown): string {
  const code = systemCode(error) ?? 'an unknown failure';
  return REASONS[code] ?? code;
}

function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined;
}
