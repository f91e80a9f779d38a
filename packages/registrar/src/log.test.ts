import { UsageError } from '@onlysum/crypto';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { errorFields, registrarLog } from './log.js';

const SECRET = 'c0ffee'.repeat(8);
const NAMES = [
  ...['seed', 'seeds', 'key', 'keys', 'token', 'tokens', 'authorization', 'password', 'passphrase'],
  ...['code', 'codes', 'licence', 'subject', 'pseudonym', 'pseudonyms', 'certificate', 'signature'],
  ...['lanes', 'value', 'values', 'vector', 'share', 'shares', 'proof', 'authorisation', 'members'],
];

function capture() {
  const lines: string[] = [];
  return { lines, log: registrarLog(pino({}, { write: (line: string) => lines.push(line) })) };
}

describe('the log', () => {
  it.each(NAMES)('has no %s, at the top, below it or in a list', (name) => {
    const { lines, log } = capture();
    const secret = { [name]: SECRET };
    log.info({ ...secret, a: { ...secret, b: secret }, list: [secret] }, 'm');
    log.child({ round: 'a' }).error({ [name]: [SECRET, { deeper: SECRET }] }, 'm');
    expect(lines.join('')).not.toContain('c0ffee');
    expect(lines.join('').match(/never logged/g)).toHaveLength(5);
  });

  it('writes an error’s class, code and message, not its causes nor its fields', () => {
    const { lines, log } = capture();
    const cause = Object.assign(new Error('inner'), { detail: SECRET });
    log.error(errorFields(new UsageError('store-unavailable', 'store: away', { cause })), 'm');
    const line = JSON.parse(lines.join('')) as Record<string, unknown>;
    expect(line).toMatchObject({
      error: 'UsageError: store: away',
      errorCode: 'store-unavailable',
    });
    expect(lines.join('')).not.toMatch(/c0ffee|inner/);
    expect(errorFields('text')).toEqual({ error: 'text' });
  });
});
