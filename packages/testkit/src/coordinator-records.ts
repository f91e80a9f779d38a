/** Records of a coordinator's store, for tests: made up, but of the right shape. */
import type {
  AbortedRound,
  AuditTrail,
  NewTask,
  OpenedRound,
  RoundClose,
  SealedResult,
} from '@onlysum/coordinator';
import type { TokenRecord } from '@onlysum/service';

export const TASK: NewTask = {
  taskId: 'a1'.repeat(32),
  name: 'acme',
  version: 3,
  signedManifest: '{"manifest":{"name":"acme γ"},"signature":"00"}',
};

export const OTHER_TASK: NewTask = {
  taskId: 'a0'.repeat(32),
  name: 'acme',
  version: 2,
  signedManifest: '{}',
};

export function roundName(number: number): string {
  return number.toString(16).padStart(32, '0');
}

export function openedRound(number: number, window = 7, task = TASK): OpenedRound {
  return {
    state: 'opened',
    round: roundName(number),
    taskId: task.taskId,
    window,
    closedMs: 1_800_000_000_000 + number,
    devices: 20,
    survivors: 17,
    silent: 1,
    drops: [
      { stage: 'share-keys', code: 'deadline-missed', count: 2 },
      { stage: 'masked-input', code: 'connection-lost', count: 1 },
    ],
    cost: { bytesIn: 4_000_000_000, bytesOut: 2, gatherMs: 3, roundMs: 4, cpuMs: 5 },
    attested: {
      incarnation: 1,
      n: 20,
      k: 19,
      t: 11,
      seed: '01',
      root: '02',
      rosterSignature: '03',
      sharedSet: '04',
      sharedSetSignature: '05',
      survivorSet: '06',
      survivorSetSignature: '07',
    },
  };
}

export function abortedRound(number: number, window = 7, task = TASK): AbortedRound {
  const { attested, survivors: _, silent: __, ...facts } = openedRound(number, window, task);
  const { incarnation, n, k, t } = attested;
  const reason = { reason: 'too-many-dropped', detail: '9 of 20 are left' };
  return { ...facts, state: 'aborted', ...reason, attested: { incarnation, n, k, t } };
}

/** A close whose result is not a multiple of anything, zeros and high bytes included. */
export function openedClose(number: number, window = 7, task = TASK): RoundClose {
  return { outcome: openedRound(number, window, task), result: sealedResult(number) };
}

export function sealedResult(number: number, keyId = 'key-1'): SealedResult {
  return { keyId, sealed: Uint8Array.from({ length: 1_001 }, (_, i) => (i * 31 + number) % 256) };
}

export const TOKEN: TokenRecord = {
  id: 'tok_1',
  hash: 'ff'.repeat(32),
  role: 'analyst',
  name: 'reports',
  tasks: ['acme'],
  createdMs: 1_800_000_000_000,
  expiresMs: 1_900_000_000_000,
};

export function trail(action: string, subject = 'test'): AuditTrail {
  return [{ action, actor: 'system', subject, outcome: 'done', details: { n: 1, yes: true } }];
}
