/**
 * One generation of the record as a file: a header line, then JSON in the clear or sealed.
 * Knows: the format. Doesn't know: which generation counts.
 * Invariant: what does not check is an error, never an empty record.
 */
import { createHash, randomBytes } from 'node:crypto';
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { toHex, UsageError } from '@onlysum/crypto';
import { type ClientRecord, parseRecord } from '../record.js';

export interface Generation {
  /** From 1; 0 is the record of a device that has never written one. */
  readonly number: number;
  /** Random names of this generation and those it grew from, newest first. */
  readonly ancestors: readonly string[];
  readonly record: ClientRecord;
}

/** XChaCha20: long enough to be drawn at random for every file. */
const NONCE_BYTES = 24;
const HEADER = /^onlysum-record 1 ([0-9]{1,16}) (clear|sealed) ([0-9a-f]{48}|[0-9a-f]{64})\n/;
const LONGEST_HEADER = 128;

/** @param sealKey - 32 bytes; without it the file is in the clear, with a checksum. */
export function encodeGeneration(generation: Generation, sealKey?: Uint8Array): Uint8Array {
  const { number, ancestors, record } = generation;
  const json = Buffer.from(JSON.stringify({ ancestors, record }), 'utf8');
  if (sealKey === undefined) {
    return Buffer.concat([headerLine(number, 'clear', sha256Hex(json)), json]);
  }
  const nonce = new Uint8Array(randomBytes(NONCE_BYTES));
  const header = headerLine(number, 'sealed', toHex(nonce));
  const box = xchacha20poly1305(sealKey, nonce, header).encrypt(json);
  json.fill(0);
  return Buffer.concat([header, box]);
}

/**
 * @param file - path, for the error.
 * @param number - the generation that the file's name states.
 * @throws {UsageError} `record-corrupt`; `seal-mismatch` if there is a key and no seal, or a seal and
 *   no key.
 */
export function decodeGeneration(
  bytes: Uint8Array,
  file: string,
  number: number,
  sealKey?: Uint8Array,
): Generation {
  const start = Buffer.from(bytes.subarray(0, LONGEST_HEADER)).toString('latin1');
  const match = HEADER.exec(start);
  if (match === null) throw corrupt(file, 'it does not begin as a record does');
  const [line, stated, form, check = ''] = match;
  if (Number(stated) !== number) throw corrupt(file, `it holds generation ${stated}`);
  const body = bytes.subarray(line.length);
  checkSeal(file, form === 'sealed', sealKey !== undefined);
  const json = sealKey === undefined ? verified(body, check) : opened(body, line, check, sealKey);
  if (json === undefined) {
    throw corrupt(
      file,
      sealKey === undefined
        ? 'its checksum differs'
        : 'it does not open: the key is another one, or the file was changed',
    );
  }
  return { number, ...parseBody(json, file) };
}

function parseBody(json: Uint8Array, file: string): Omit<Generation, 'number'> {
  try {
    const body = JSON.parse(Buffer.from(json).toString('utf8')) as Record<string, unknown>;
    const { ancestors } = body;
    if (!Array.isArray(ancestors) || !ancestors.every((name) => typeof name === 'string')) {
      throw corrupt(file, 'it does not say what it grew from');
    }
    return { ancestors, record: parseRecord(body['record']) };
  } catch (error) {
    throw corrupt(file, error instanceof UsageError ? error.message : 'it is not JSON');
  }
}

function checkSeal(file: string, isSealed: boolean, hasKey: boolean): void {
  if (isSealed === hasKey) return;
  const expected = hasKey ? 'a sealed record' : 'a record in the clear';
  const remedy = hasKey
    ? 'someone may have put it there; remove it only if you wrote it without a key'
    : 'pass the sealKey it was written with';
  throw new UsageError('seal-mismatch', `${file}: expected ${expected}: ${remedy}`, {
    field: 'sealKey',
    expected,
  });
}

function verified(body: Uint8Array, checksum: string): Uint8Array | undefined {
  return sha256Hex(body) === checksum ? body : undefined;
}

function opened(
  box: Uint8Array,
  line: string,
  nonceHex: string,
  sealKey: Uint8Array,
): Uint8Array | undefined {
  const nonce = new Uint8Array(Buffer.from(nonceHex, 'hex'));
  try {
    return xchacha20poly1305(sealKey, nonce, Buffer.from(line, 'latin1')).decrypt(box);
  } catch {
    return undefined;
  }
}

function headerLine(number: number, form: 'clear' | 'sealed', check: string): Buffer {
  return Buffer.from(`onlysum-record 1 ${number} ${form} ${check}\n`, 'latin1');
}

function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function corrupt(file: string, why: string): UsageError {
  return new UsageError(
    'record-corrupt',
    `${file}: ${why}. What this device has contributed cannot be told from it: restore it from where it was damaged, or remove the folder and enrol anew in a later window`,
    { field: 'record' },
  );
}
