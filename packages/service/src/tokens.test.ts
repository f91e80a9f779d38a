import { unsafeSeededRng } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkToken, makeToken, requireScope, tokenId, type TokenRecord } from './tokens.js';

const SCOPE = {
  role: 'analyst',
  name: 'product figures',
  tasks: ['telemetry'],
  createdMs: 1000,
  expiresMs: 2000,
} as const;
const { token, record } = makeToken(nativeSuite, unsafeSeededRng('token'), SCOPE);
const check = (presented: string, kept: TokenRecord | undefined = record, nowMs = 1500) =>
  checkToken(nativeSuite, presented, kept, nowMs);
const failure = (attempt: () => unknown) => {
  try {
    attempt();
  } catch (error) {
    return error as { code: string; message: string };
  }
  throw new Error('expected a failure');
};

describe('tokens', () => {
  it('holds what it was made with, and nothing that could be presented', () => {
    expect(token).toMatch(/^onlysum_[0-9a-f]{16}_[0-9a-f]{64}$/);
    expect(tokenId(token)).toBe(record.id);
    expect(check(token)).toEqual({ ...SCOPE, id: record.id, hash: record.hash });
    expect(JSON.stringify(record)).not.toContain(token.split('_')[2]);
  });

  it('refuses any other token, and shows nothing of it', () => {
    fc.assert(
      fc.property(
        fc.nat(token.length - 1),
        fc.constantFrom(...'0123456789abcdef_X'.split('')),
        (at, c) => {
          fc.pre(token[at] !== c);
          const other = `${token.slice(0, at)}${c}${token.slice(at + 1)}`;
          const { code, message } = failure(() => check(other));
          expect(code).toBe('token-invalid');
          expect(message).not.toMatch(/[0-9a-f]{8}/);
        },
      ),
    );
  });

  it.each([
    ['an unknown id', () => checkToken(nativeSuite, token, undefined, 1500)],
    ['the record of another', () => check(token, { ...record, id: '0'.repeat(16) })],
    ['a record of no hash', () => check(token, { ...record, hash: '0'.repeat(64) })],
    ['something longer', () => check(`${token}0`)],
    ['upper case', () => check(token.toUpperCase())],
    ['a line break', () => check(`${token}\n`)],
    ['nothing', () => check(undefined as unknown as string)],
  ])('refuses %s alike', (_, attempt) => {
    expect(failure(attempt)).toEqual(failure(() => check('')));
    expect(failure(attempt).code).toBe('token-invalid');
  });

  it.each([
    [999, 'token-expired'],
    [1000, undefined],
    [1999, undefined],
    [2000, 'token-expired'],
  ])('at %i: %s', (nowMs, code) => {
    if (code === undefined) expect(check(token, record, nowMs)).toBe(record);
    else expect(failure(() => check(token, record, nowMs)).code).toBe(code);
  });

  it('tells only its holder that it was revoked', () => {
    const revoked = { ...record, revokedMs: 1200 };
    expect(failure(() => check(token, revoked)).code).toBe('token-revoked');
    const wrong = `${token.slice(0, -1)}${token.endsWith('0') ? '1' : '0'}`;
    expect(failure(() => check(wrong, revoked)).code).toBe('token-invalid');
    expect(failure(() => check(wrong, record, 5000)).code).toBe('token-invalid');
  });

  it('binds the secret to its id', () => {
    const other = makeToken(nativeSuite, unsafeSeededRng('other'), SCOPE);
    const mixed = `onlysum_${other.record.id}_${token.split('_')[2]}`;
    expect(failure(() => check(mixed, { ...record, id: other.record.id })).code).toBe(
      'token-invalid',
    );
  });

  it('covers its tasks and what its role may', () => {
    expect(() => requireScope(record, 'result.read', 'telemetry')).not.toThrow();
    for (const task of ['other', undefined]) {
      expect(failure(() => requireScope(record, 'result.read', task)).code).toBe('access-denied');
      expect(() => requireScope({ ...record, tasks: 'all' }, 'result.read', task)).not.toThrow();
    }
    expect(failure(() => requireScope(record, 'audit.read', 'telemetry')).code).toBe(
      'access-denied',
    );
  });
});
