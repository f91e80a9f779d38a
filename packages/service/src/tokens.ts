/**
 * API tokens: `onlysum_<id>_<secret>`, both in hex. What is kept cannot be presented.
 * Knows: the form, the hash, when a token holds and what it covers. Doesn't know: where records are kept.
 * Invariant: nothing of a secret is in an error, and no time depends on where a wrong one differs.
 */
import {
  encodeLabelled,
  equalBytes,
  LABELS,
  parseHex,
  type Rng,
  type Suite,
  toHex,
  UsageError,
  wipe,
} from '@onlysum/crypto';
import type { Role } from '@onlysum/task';
import { denied, type Permission, requireGrant } from './access.js';

/** What is kept of a token. Nothing in it is secret. */
export interface TokenRecord {
  /** 16 hex digits. */
  readonly id: string;
  /** SHA-256 over id and secret, hex. The secret has 256 random bits, so a slow hash would add nothing. */
  readonly hash: string;
  readonly role: Role;
  /** Whose it is, or what for. */
  readonly name: string;
  /** Names of the tasks that it covers. */
  readonly tasks: 'all' | readonly string[];
  /** Unix ms. It holds from `createdMs` until just before `expiresMs`. */
  readonly createdMs: number;
  readonly expiresMs: number;
  readonly revokedMs?: number;
}

const ID_BYTES = 8;
const SECRET_BYTES = 32;
const FORM = new RegExp(`^onlysum_([0-9a-f]{${2 * ID_BYTES}})_([0-9a-f]{${2 * SECRET_BYTES}})$`);
/** Hashed against where there is no record; no secret is known for it. */
const NO_HASH = '0'.repeat(64);

/** @returns the token, to be shown once and never kept, and its record. */
export function makeToken(
  suite: Suite,
  rng: Rng,
  scope: Pick<TokenRecord, 'role' | 'name' | 'tasks' | 'createdMs' | 'expiresMs'>,
): { readonly token: string; readonly record: TokenRecord } {
  const id = toHex(rng(ID_BYTES));
  const secret = rng(SECRET_BYTES);
  const { role, name, tasks, createdMs, expiresMs } = scope;
  const hash = toHex(hashOf(suite, id, secret));
  const token = `onlysum_${id}_${toHex(secret)}`;
  wipe(secret);
  return { token, record: { id, hash, role, name, tasks, createdMs, expiresMs } };
}

/** @returns the id under which the record is looked up. @throws {UsageError} `token-invalid`. */
export function tokenId(presented: string): string {
  return parse(presented).id;
}

/**
 * Whether a token holds now. That it has expired or was revoked is told only to who has it.
 *
 * @param record - what is kept under its {@link tokenId}; undefined if nothing is.
 * @throws {UsageError} `token-invalid`, `token-revoked`, `token-expired`.
 */
export function checkToken(
  suite: Suite,
  presented: string,
  record: TokenRecord | undefined,
  nowMs: number,
): TokenRecord {
  const { id, secret } = parse(presented);
  const hash = hashOf(suite, id, secret);
  wipe(secret);
  // Compared as well where there is no record, so that the time does not tell which ids there are.
  const isRight = equalBytes(hash, parseHex('hash', record?.hash ?? NO_HASH, hash.length));
  if (record === undefined || record.id !== id || !isRight) throw invalid();
  if (record.revokedMs !== undefined) {
    throw new UsageError('token-revoked', 'token: expected one that holds, got a revoked one');
  }
  if (nowMs < record.createdMs || nowMs >= record.expiresMs) {
    throw new UsageError('token-expired', 'token: expected one that holds, got an expired one');
  }
  return record;
}

/**
 * Whether a token that holds may be used for this.
 *
 * @param task - name of the task; undefined for what concerns none, which needs a token for all.
 * @throws {UsageError} `access-denied`.
 */
export function requireScope(
  { role, tasks }: Pick<TokenRecord, 'role' | 'tasks'>,
  permission: Permission,
  task: string | undefined,
): void {
  requireGrant(role, permission);
  if (tasks === 'all' || (task !== undefined && tasks.includes(task))) return;
  throw denied(
    task === undefined ? 'a token for all tasks' : `a token for the task ${task}`,
    'a token for others',
  );
}

function parse(presented: string): { readonly id: string; readonly secret: Uint8Array } {
  const [, id, secret] = (typeof presented === 'string' && FORM.exec(presented)) || [];
  if (id === undefined || secret === undefined) throw invalid();
  return { id, secret: parseHex('token', secret, SECRET_BYTES) };
}

function hashOf(suite: Suite, id: string, secret: Uint8Array): Uint8Array {
  const encoded = encodeLabelled(LABELS.apiToken, id, secret);
  try {
    return suite.sha256(encoded);
  } finally {
    wipe(encoded);
  }
}

// One message for a wrong form, an unknown id and a wrong secret; what came is never described.
function invalid(): UsageError {
  return new UsageError('token-invalid', 'token: expected one of this server, got another text');
}
