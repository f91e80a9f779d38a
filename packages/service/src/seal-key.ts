/**
 * Where the key for {@link Sealer} comes from: a file, a variable of the environment, or a command such as
 * the client of a key management service.
 * Knows: how each is read, and that it is private. Doesn't know: what the key seals.
 * Invariant: no error shows the key, or anything that a command printed.
 */
import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { describe, UsageError, wipe } from '@onlysum/crypto';
import { SEAL_KEY_BYTES } from './sealing.js';

export type SealKeySource =
  /** Readable by its owner only. */
  | { readonly file: string }
  /** The variable's name. */
  | { readonly environment: string }
  /** Program and arguments, run without a shell; the key is what it prints. */
  | { readonly command: readonly string[] };

/** A key in hex has 64 characters, in base64 44. */
const MOST_BYTES = 1024;
const COMMAND_MS = 10_000;
const FORM = `${SEAL_KEY_BYTES} bytes in hex or base64`;

export interface SealKeyOptions {
  /** Variables to look in, and those of the command. Default: of this process. */
  readonly environment?: NodeJS.ProcessEnv;
  /** How long a command may take. Default: 10 s. */
  readonly commandMs?: number;
}

/**
 * @returns 32 bytes, owned by the caller, who wipes them.
 * @throws {UsageError} `seal-key-unavailable` if the source gives nothing or is not private;
 *   `seal-key-invalid` if what it gives is not a key.
 */
export async function loadSealKey(
  source: SealKeySource,
  { environment = process.env, commandMs = COMMAND_MS }: SealKeyOptions = {},
): Promise<Uint8Array> {
  if ('file' in source) return parseKey(source.file, await readPrivateFile(source.file));
  if ('environment' in source) {
    const { environment: name } = source;
    const value = environment[name];
    if (value === undefined || value === '') {
      throw unavailable(name, `the environment to have ${name}`, 'nothing');
    }
    return parseKey(name, Buffer.from(value));
  }
  const [program] = source.command;
  return parseKey(`${program}`, await outputOf(source.command, environment, commandMs));
}

async function readPrivateFile(path: string): Promise<Buffer> {
  const expected = 'a file that only its owner can read (mode 0600)';
  let file: Awaited<ReturnType<typeof open>>;
  try {
    // Not blocking: a pipe put in its place must not hold the server up.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw unavailable(path, expected, systemCode(error));
  }
  const bytes = Buffer.alloc(MOST_BYTES + 1);
  try {
    // Asked of the open file: what a path leads to can change in between.
    const stats = await file.stat();
    if (!stats.isFile()) throw unavailable(path, expected, 'something that is no file');
    // Windows has no such modes.
    if (process.platform !== 'win32' && (stats.mode & 0o077) !== 0) {
      const mode = (stats.mode & 0o777).toString(8).padStart(4, '0');
      throw unavailable(path, expected, `mode ${mode}`);
    }
    const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
    return bytes.subarray(0, bytesRead);
  } catch (error) {
    wipe(bytes);
    if (error instanceof UsageError) throw error;
    throw unavailable(path, expected, systemCode(error));
  } finally {
    await file.close();
  }
}

async function outputOf(
  [program = '', ...args]: readonly string[],
  env: NodeJS.ProcessEnv,
  timeout: number,
): Promise<Buffer> {
  const expected = `a command that prints ${FORM} within ${timeout} ms`;
  if (program === '') throw unavailable('command', expected, 'none');
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      args,
      {
        env,
        encoding: 'buffer',
        shell: false,
        timeout,
        killSignal: 'SIGKILL',
        maxBuffer: MOST_BYTES,
        windowsHide: true,
      },
      (error, stdout, stderr) => {
        // It may have printed a key there by mistake.
        wipe(stderr);
        if (error === null) return resolve(stdout);
        wipe(stdout);
        reject(unavailable(program, expected, whyFailed(error)));
      },
    );
    child.stdin?.end();
  });
}

/** @param text - wiped. */
function parseKey(field: string, text: Uint8Array): Uint8Array {
  const bytes = Buffer.from(text.buffer, text.byteOffset, text.length);
  // The copies that these strings are cannot be wiped (docs/threat-model.md).
  const trimmed = bytes.toString('latin1').trim();
  wipe(text);
  const encoding = /^[0-9a-fA-F]{64}$/.test(trimmed)
    ? 'hex'
    : /^[A-Za-z0-9+/_-]{43}=?$/.test(trimmed)
      ? 'base64'
      : undefined;
  if (encoding === undefined) {
    const got = `${trimmed.length} characters that are not`;
    throw keyError('seal-key-invalid', field, FORM, got);
  }
  const decoded = Buffer.from(trimmed, encoding);
  const key = Uint8Array.from(decoded);
  wipe(decoded);
  return key;
}

function whyFailed(error: Error & { readonly code?: unknown; readonly killed?: boolean }): string {
  if (error.killed === true) return 'none in time';
  if (error.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return `more than ${MOST_BYTES} bytes`;
  return typeof error.code === 'number' ? `exit code ${error.code}` : systemCode(error);
}

function unavailable(field: string, expected: string, got: string): UsageError {
  return keyError('seal-key-unavailable', field, expected, got);
}

function keyError(code: string, name: string, expected: string, got: string): UsageError {
  return new UsageError(code, `seal key ${describe(name)}: expected ${expected}, got ${got}`, {
    field: name,
    expected,
    got,
  });
}

function systemCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'an unknown failure';
}
