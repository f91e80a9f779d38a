/**
 * What the registrar writes to its log: kinds, counts, codes, times.
 * Invariant: never a code, key, seed or certificate; of a pseudonym no more than tells two apart.
 */
import { toHex } from '@onlysum/crypto';
import type { RegistrarRequest, RegistrarResponse } from '@onlysum/protocol';
import { type Logger, destination, pino } from 'pino';

export function silentLogger(): Logger {
  return pino({ level: 'silent' });
}

/** To standard error: standard output belongs to the command that runs the server. */
export function standardLogger(): Logger {
  return pino({ name: 'onlysum-registrar' }, destination(2));
}

/** The first four bytes. */
export function shortHex(bytes: Uint8Array): string {
  return toHex(bytes.subarray(0, 4));
}

export function attestationEntry(
  request: RegistrarRequest,
  response: RegistrarResponse,
  elapsedMs: number,
): Record<string, string | number> {
  return {
    kind: request.kind,
    ...('taskId' in request ? { task: shortHex(request.taskId), window: request.window } : {}),
    ...('round' in request ? { round: toHex(request.round) } : {}),
    ...(request.kind === 'roster' ? { devices: request.members.length } : {}),
    ...(response.kind === 'refused'
      ? { refused: response.code, members: response.members.length }
      : {}),
    ms: Math.round(elapsedMs),
  };
}
