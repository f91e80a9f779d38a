import { UsageError } from '@onlysum/crypto';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { NEVER_LOGGED } from '@onlysum/service';
import { coordinatorLog, errorFields } from './log.js';

describe('the log', () => {
  it('censors what must never be written, also below the top', () => {
    const lines: string[] = [];
    const log = coordinatorLog(pino({}, { write: (line: string) => lines.push(line) }));
    const secret = 'c0ffee'.repeat(8);
    log.info({ seed: secret, job: secret, a: { certificate: secret, b: { share: secret } } }, 'm');
    log.child({ device: 1 }).info({ vector: secret }, 'm');
    log.info({ lanes: secret, values: [secret], token: secret, a: { authorization: secret } }, 'm');
    expect(lines).toHaveLength(3);
    expect(lines.join('')).not.toContain('c0ffee');
    expect(lines.join('').match(/never logged/g)).toHaveLength(9);
  });

  it.each(NEVER_LOGGED)('never writes %s: own, below, in a list or of a child', (name) => {
    const lines: string[] = [];
    const log = coordinatorLog(pino({}, { write: (line: string) => lines.push(line) }));
    const secret = { [name]: 'c0ffee' };
    log.info(
      { ...secret, code: 'task-stopped', deep: { ...secret, deeper: secret }, list: [secret] },
      'm',
    );
    log.child({ about: secret }).info('m');
    expect(lines.join('')).not.toContain('c0ffee');
    expect(lines.join('').match(/never logged/g)).toHaveLength(5);
    expect(lines[0]).toContain('"code":"task-stopped"');
  });

  it.each([
    ...['token', 'authorization', 'password', 'cookie', 'lanes', 'values', 'maskedTotal'],
    ...['seed', 'seeds', 'key', 'keys', 'pseudonym', 'address', 'enrolmentCode'],
  ])('has %s on its list', (name) => {
    expect(NEVER_LOGGED).toContain(name);
  });

  it('writes an error’s class, code and message, not its causes', () => {
    const error = new UsageError('argument-invalid', 'port: expected …', {
      cause: new Error('inner'),
    });
    expect(errorFields(error)).toEqual({
      error: 'UsageError: port: expected …',
      code: 'argument-invalid',
    });
    expect(errorFields('text')).toEqual({ error: 'text' });
  });
});
