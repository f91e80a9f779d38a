/**
 * What the registrar writes to its log: kinds, counts, codes, times.
 * Invariant: never a code, key, seed or certificate; of a pseudonym no more than tells two apart.
 */
import { toHex } from '@onlysum/crypto';
import type { RegistrarRequest, RegistrarResponse } from '@onlysum/protocol';
import type { Task } from '@onlysum/task';
import { type LevelWithSilent, type Logger, destination, pino } from 'pino';

export function silentLogger(): Logger {
  return pino({ level: 'silent' });
}

/** To standard error: standard output belongs to the command that runs the server. */
export function standardLogger(level: LevelWithSilent = 'info'): Logger {
  return pino({ name: 'onlysum-registrar', level }, destination(2));
}

/** The first four bytes. */
export function shortHex(bytes: Uint8Array): string {
  return toHex(bytes.subarray(0, 4));
}

/** What of an error is written: class, message and code; never its causes' fields. */
export function errorFields(error: unknown): Record<string, string> {
  if (!(error instanceof Error)) return { error: String(error) };
  const code = 'code' in error && typeof error.code === 'string' ? { errorCode: error.code } : {};
  return { error: `${error.name}: ${error.message}`, ...code };
}

/** @param task - of the request, where it is one of this registrar's. */
export function attestationEntry(
  request: RegistrarRequest,
  response: RegistrarResponse,
  task: Task | undefined,
  elapsedMs: number,
): Record<string, string | number> {
  return {
    kind: request.kind,
    ...('taskId' in request ? { taskId: shortHex(request.taskId), window: request.window } : {}),
    ...(task === undefined ? {} : { task: task.manifest.name }),
    ...('round' in request ? { round: toHex(request.round) } : {}),
    ...(request.kind === 'roster' ? { devices: request.members.length } : {}),
    ...(response.kind === 'refused'
      ? { refused: response.code, members: response.members.length }
      : {}),
    ms: Math.round(elapsedMs),
  };
}
