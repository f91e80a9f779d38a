/**
 * What the audit log says of an attestation: rounds, windows and counts; of devices, how many.
 * Knows: which answers decide something. Doesn't know: the chain.
 */
import { toHex } from '@onlysum/crypto';
import type { Announcement, RegistrarRequest, RegistrarResponse } from '@onlysum/protocol';
import type { Task } from '@onlysum/task';
import type { AuditEvent } from '@onlysum/service';

/** @returns undefined for what is not worth an entry. */
export function attestationEvent(
  request: RegistrarRequest,
  response: RegistrarResponse,
  task: Task,
): AuditEvent | undefined {
  const action = ACTIONS[request.kind];
  if (action === undefined) return undefined;
  if (response.kind === 'window') return announcedEvent('coordinator', response.announcement, task);
  const { taskId, manifest } = task;
  const subject = 'round' in request ? toHex(request.round) : toHex(taskId);
  const about = { task: manifest.name, version: manifest.version, ...countsOf(request) };
  if (response.kind !== 'refused') {
    return { action, actor: 'coordinator', subject, outcome: 'done', details: about };
  }
  const details = { ...about, code: response.code, members: response.members.length };
  return { action, actor: 'coordinator', subject, outcome: 'refused', details };
}

/** @param actor - who asked first, and so froze the window. */
export function announcedEvent(
  actor: 'coordinator' | 'device',
  { window, enrolled, population, pools }: Announcement,
  { taskId, manifest }: Task,
): AuditEvent {
  const about = { task: manifest.name, version: manifest.version };
  const details = { ...about, window, enrolled, population, pools };
  return { action: WINDOW_ANNOUNCED, actor, subject: toHex(taskId), outcome: 'done', details };
}

/** To somebody who is not known as the coordinator: counted, not one entry each. */
export function attestationRefused(kind: RegistrarRequest['kind'], code: string): AuditEvent {
  const details = { kind, code };
  return { action: 'attestation.refused', actor: 'unknown', outcome: 'refused', details };
}

const WINDOW_ANNOUNCED = 'window.announced';

const ACTIONS: Readonly<Partial<Record<RegistrarRequest['kind'], string>>> = {
  window: WINDOW_ANNOUNCED,
  roster: 'roster.attested',
  'shared-set': 'shared-set.attested',
  'survivor-set': 'survivor-set.attested',
};

function countsOf(request: RegistrarRequest): Record<string, number> {
  switch (request.kind) {
    case 'window':
      return { window: request.window };
    case 'roster':
      return { window: request.window, devices: request.members.length };
    case 'shared-set':
    case 'survivor-set':
      return { devices: countBits(request.members) };
    case 'close':
      return {};
  }
}

function countBits(bitmap: Uint8Array): number {
  let bits = 0;
  for (const byte of bitmap) {
    for (let rest = byte; rest !== 0; rest &= rest - 1) bits++;
  }
  return bits;
}
