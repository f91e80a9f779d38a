/**
 * The result file of a coordinator, as far as it can be audited: what the registrar attested, and the sum.
 * Knows: its form. Doesn't know: whether any of it is true.
 */
import { UsageError, describe, parseHex, toHex } from '@onlysum/crypto';
import { type RosterFacts, decodeBitmap } from '@onlysum/protocol';
import { MAX_COHORT } from '@onlysum/task';
import { inFile, readJson } from './files.js';

export interface AttestedRound {
  readonly facts: RosterFacts;
  readonly rosterSignature: Uint8Array;
  readonly sharedSet: AttestedSet;
  readonly survivorSet: AttestedSet;
  /** What the result says of itself, beside what is signed. */
  readonly devices: number;
  readonly survivors: number;
}

/** U2 or U3. */
interface AttestedSet {
  readonly bitmap: Uint8Array;
  readonly members: ReadonlySet<number>;
  readonly signature: Uint8Array;
}

/** @throws {UsageError} `file-unreadable`, `file-invalid`, `hex-invalid`, `wire-invalid`. */
export function readAttestedRound(path: string): AttestedRound {
  const value = readJson(path);
  return inFile(path, () => {
    const result = new Reader('', value);
    const attested = result.object('attested');
    const n = attested.integer('n', 2, MAX_COHORT);
    return {
      facts: {
        taskId: result.object('task').bytes('taskId', 32),
        window: result.object('window').integer('index', 0, Number.MAX_SAFE_INTEGER),
        incarnation: attested.integer('incarnation', 0, Number.MAX_SAFE_INTEGER),
        round: result.bytes('round', 16),
        n,
        k: readDegree(attested, n),
        t: attested.integer('t', 1, n - 1),
        seed: attested.bytes('seed', 32),
        root: attested.bytes('root', 32),
      },
      rosterSignature: attested.bytes('rosterSignature', 64),
      sharedSet: readSet(attested, 'sharedSet', n),
      survivorSet: readSet(attested, 'survivorSet', n),
      devices: result.integer('devices', 0, MAX_COHORT),
      survivors: result.integer('survivors', 0, MAX_COHORT),
    };
  });
}

/** The sum of a result, to be held against a round record. */
export interface OpenedSum {
  /** Hex. */
  readonly round: string;
  readonly lanes: readonly number[];
}

/** @throws {UsageError} `file-unreadable`, `file-invalid`, `hex-invalid`. */
export function readOpenedSum(path: string): OpenedSum {
  const value = readJson(path);
  return inFile(path, () => {
    const result = new Reader('', value);
    return { round: toHex(result.bytes('round', 16)), lanes: result.integers('lanes') };
  });
}

function readDegree(attested: Reader, n: number): number {
  const k = attested.integer('k', 1, n - 1);
  if (k === n - 1 || (k % 2 === 0 && k >= 4 && 4 * k <= n)) return k;
  throw invalid('attested.k', `n − 1, or an even number from 4 to n / 4 (n = ${n})`, k);
}

function readSet(attested: Reader, name: string, n: number): AttestedSet {
  const bitmap = attested.bytes(name, Math.ceil(n / 8));
  return {
    bitmap,
    members: new Set(decodeBitmap(bitmap, n, `attested.${name}`)),
    signature: attested.bytes(`${name}Signature`, 64),
  };
}

class Reader {
  readonly #path: string;
  readonly #fields: Readonly<Record<string, unknown>>;

  constructor(path: string, value: unknown) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw invalid(path === '' ? 'result' : path, 'an object', value);
    }
    this.#path = path;
    this.#fields = value as Readonly<Record<string, unknown>>;
  }

  object(name: string): Reader {
    return new Reader(this.#nameOf(name), this.#fields[name]);
  }

  integer(name: string, least: number, most: number): number {
    const value = this.#fields[name];
    const isInteger = typeof value === 'number' && Number.isSafeInteger(value);
    if (isInteger && value >= least && value <= most) return value;
    throw invalid(this.#nameOf(name), `an integer from ${least} to ${most}`, value);
  }

  integers(name: string): number[] {
    const value = this.#fields[name];
    const isList = Array.isArray(value) && value.every((item) => Number.isSafeInteger(item));
    if (!isList) throw invalid(this.#nameOf(name), 'a list of integers', value);
    return value as number[];
  }

  bytes(name: string, length: number): Uint8Array {
    return parseHex(this.#nameOf(name), this.#fields[name], length);
  }

  #nameOf(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`;
  }
}

function invalid(field: string, expected: string, value: unknown): UsageError {
  const got = describe(value);
  return new UsageError('file-invalid', `${field}: expected ${expected}, got ${got}`, {
    field,
    expected,
    got,
  });
}
