import { nativeSuite as suite } from '@onlysum/crypto/node';
import { type Announcement, type RegistrarResponse, announcementCheck } from '@onlysum/protocol';
import { describe, expect, it } from 'vitest';
import { freshKeys, makeTask } from '../../../test/coordinator/wire-fleet.js';
import { answerCheck } from './answer-check.js';

const keys = freshKeys();
const task = makeTask(keys);
const request = { kind: 'window', taskId: task.taskId, window: 7 } as const;

function announced(window: number, signer: Uint8Array): RegistrarResponse {
  const unsigned: Announcement = {
    window,
    incarnation: 1,
    enrolled: 10,
    population: 7,
    pools: 1,
    value: new Uint8Array(32),
    signature: new Uint8Array(64),
  };
  const op = announcementCheck(task.registrarKey, task.taskId, unsigned);
  if (op.op !== 'ed25519-verify') throw new Error('not a verification');
  const signature = suite.ed25519Sign(signer, op.message);
  return { kind: 'window', announcement: { ...unsigned, signature } };
}

describe('an announcement', () => {
  const holds = (response: RegistrarResponse) => answerCheck(suite, task)(request)(response);

  it('is used if the registrar signed it for the window that was asked for', () => {
    expect(holds(announced(7, keys.registrar))).toBe(true);
  });

  it('of another window, of another signer, or another answer is not', () => {
    expect(holds(announced(8, keys.registrar))).toBe(false);
    expect(holds(announced(7, keys.publisher))).toBe(false);
    expect(holds({ kind: 'closed' })).toBe(false);
  });
});
