/**
 * RFC 8785 canonical JSON, narrowed to what a manifest needs: objects, arrays, strings, booleans and
 * safe integers. Knows: bytes. Doesn't know: manifests.
 * Invariant: equal values have equal bytes, and `parseCanonical` accepts no other bytes for them.
 */
import { equalBytes, invalidField, UsageError, utf8 } from '@onlysum/crypto';
import canonicalize from 'canonicalize';

// The standard decoder of Node and browsers; the build's type library does not name it.
declare const TextDecoder: new (
  label: 'utf-8',
  options: { fatal: true; ignoreBOM: true },
) => { decode(bytes: Uint8Array): string };

/** Deeper than any manifest, shallow enough for any stack. */
const MAX_DEPTH = 16;

/**
 * @param value - JSON value; fractions must be decimal strings.
 * @throws {UsageError} `json-not-canonical` if it holds anything RFC 8785 could not carry exactly.
 */
export function canonicalBytes(value: unknown): Uint8Array {
  checkValue(value, '', 0);
  const text = canonicalize(value);
  if (text === undefined) throw invalid('', 'a JSON value', value);
  return utf8(text);
}

/**
 * @returns the value whose canonical form `bytes` is.
 * @throws {UsageError} `json-not-canonical` on any other bytes: white space, another order of keys,
 *   duplicate keys, another spelling of a number or a string, bytes that are not UTF-8.
 */
export function parseCanonical(bytes: Uint8Array): unknown {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    throw invalid('', 'JSON in UTF-8', bytes);
  }
  if (!equalBytes(canonicalBytes(value), bytes)) {
    throw invalid('', 'bytes in canonical form (RFC 8785)', bytes);
  }
  return value;
}

function checkValue(value: unknown, path: string, depth: number): void {
  if (depth === MAX_DEPTH && typeof value === 'object') {
    throw invalid(path, `at most ${MAX_DEPTH} levels`, value);
  }
  if (typeof value === 'boolean') return;
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) {
      throw invalid(path, 'a safe integer (fractions are decimal strings)', value);
    }
  } else if (typeof value === 'string') {
    checkText(value, path);
  } else if (Array.isArray(value)) {
    // Not forEach: it would step over holes.
    for (let i = 0; i < value.length; i++) checkValue(value[i], `${path}[${i}]`, depth + 1);
  } else if (isPlainObject(value)) {
    for (const [key, inner] of Object.entries(value)) {
      const inside = path === '' ? key : `${path}.${key}`;
      checkText(key, inside);
      checkValue(inner, inside, depth + 1);
    }
  } else {
    throw invalid(path, 'an object, array, string, boolean or integer', value);
  }
}

function checkText(text: string, path: string): void {
  if (/\p{Cs}/u.test(text)) throw invalid(path, 'text without lone surrogates', text);
}

function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function invalid(path: string, expected: string, got: unknown): UsageError {
  return invalidField(UsageError, 'json-not-canonical', path === '' ? 'json' : path, expected, got);
}
