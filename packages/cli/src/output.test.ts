import { Writable } from 'node:stream';
import { RoundError } from '@onlysum/crypto';
import { describe, expect, it } from 'vitest';
import { errorLine, errorRecord } from './output.js';

const stream = new Writable();
const terminal = { out: stream, err: stream, env: {}, cwd: '/' };

// A coordinator or a registrar can have its words quoted in an error.
const HOSTILE = 'sent away: \u001b]0;x\u0007\u001b[2K\u009b1A\n  error: all is well\u202e';

describe('an error that quotes a peer', () => {
  const error = new RoundError('dropped', HOSTILE, {
    got: HOSTILE,
    expected: HOSTILE,
    field: HOSTILE,
  });
  const shown = 'sent away: ]0;x[2K1A error: all is well';

  it('is one line that cannot steer a terminal', () => {
    expect(errorLine(terminal, error)).toBe(`error: ${shown} [dropped]`);
    expect(errorLine(terminal, new Error(HOSTILE))).toBe(`error: ${shown} [internal]`);
    expect(errorLine(terminal, HOSTILE)).toBe(`error: ${shown} [internal]`);
  });

  it('is as harmless as JSON, which leaves C1 and bidirectional controls alone', () => {
    const record = errorRecord(error);
    expect(record).toMatchObject({ code: 'dropped', retryable: false });
    for (const name of ['message', 'got', 'expected', 'field']) {
      expect(String(record[name]).replace(/ +/g, ' ')).toBe(shown);
    }
  });
});
