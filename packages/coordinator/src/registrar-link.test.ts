import { RoundError } from '@onlysum/crypto';
import { nativeSuite as suite } from '@onlysum/crypto/node';
import { type UnsignedRequest, encodeResponse } from '@onlysum/protocol';
import { pino } from 'pino';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { registrarLink } from './registrar-link.js';
import type { RegistrarPort } from './registrar-port.js';

const SEED = new Uint8Array(32).fill(1);
const REQUEST: UnsignedRequest = { kind: 'close', round: new Uint8Array(16) };
const HOSTILE = 'no\u001b[2K\u009b1A\r\nforged \u202ex';
const HARMLESS = 'no[2K1A forged x';

afterEach(() => vi.restoreAllMocks());

function ask(attest: RegistrarPort['attest']) {
  const link = registrarLink({ attest }, SEED, suite, pino({ enabled: false }));
  return link.ask(REQUEST, () => false, 5000);
}

describe('what a registrar says', () => {
  it('is made harmless in a refusal', async () => {
    const refused = {
      kind: 'refused',
      code: 'round-unknown',
      detail: HOSTILE,
      members: [],
    } as const;
    expect(await ask(async () => encodeResponse(refused))).toEqual({
      ...refused,
      detail: HARMLESS,
    });
  });

  it('is made harmless in the reason why it cannot be used', async () => {
    const answer = await ask(async () => {
      throw new RoundError('registrar-answer', HOSTILE);
    });
    expect(answer).toMatchObject({ kind: 'refused', code: 'registrar-answer', detail: HARMLESS });
  });
});

it('tells devices why, and not where the registrar is', async () => {
  const details = { got: 'HTTP 404', retryable: false };
  const error = new RoundError('registrar-answer', 'at http://10.0.0.1: HTTP 404', details);
  const answer = await ask(() => Promise.reject(error));
  expect(answer).toMatchObject({ code: 'registrar-answer', detail: 'HTTP 404' });
});

describe('greeting', () => {
  async function logged(port: RegistrarPort): Promise<string> {
    let text = '';
    const log = pino({}, { write: (line: string) => void (text += line) });
    await registrarLink(port, SEED, suite, log).greet();
    return text;
  }
  const attest = () => Promise.reject(new Error('not asked'));

  it('warns of a registrar that does not answer', async () => {
    const message = 'the registrar at http://127.0.0.1:1 does not answer: ECONNREFUSED';
    const greet = () => Promise.reject(new RoundError('registrar-unavailable', message));
    const line = JSON.parse(await logged({ attest, greet })) as Record<string, unknown>;
    expect(line).toMatchObject({ level: 40, code: 'registrar-unavailable' });
    expect(line['error']).toContain(message);
  });

  it('is silent if it does, and where there is nothing to greet', async () => {
    expect(await logged({ attest, greet: async () => undefined })).toBe('');
    expect(await logged({ attest })).toBe('');
  });
});

it('waits between two tries by the CSPRNG', async () => {
  const foretold = vi.spyOn(Math, 'random');
  let tries = 0;
  const refused = { kind: 'refused', code: 'round-unknown', detail: '', members: [] } as const;
  await ask(async () => {
    tries++;
    if (tries < 3) throw new Error('socket hang up');
    return encodeResponse(refused);
  });
  expect(tries).toBe(3);
  expect(foretold).not.toHaveBeenCalled();
});
