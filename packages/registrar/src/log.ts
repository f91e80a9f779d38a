/**
 * What the registrar writes to its log: kinds, counts, codes of errors, times.
 * Invariant: never a code, token, licence, key, seed or certificate, nor any part of a pseudonym; a field that has
 * the name of one is censored, whoever logs it.
 */
import { toHex } from '@onlysum/crypto';
import type { RegistrarRequest, RegistrarResponse } from '@onlysum/protocol';
import { redaction } from '@onlysum/service';
import type { Task } from '@onlysum/task';
import { type LevelWithSilent, type Logger, destination, pino } from 'pino';

export function silentLogger(): Logger {
  return pino({ level: 'silent' });
}

/** Here `code` is one to enrol with; those of errors have other names. */
const OWN_SECRETS = ['code', 'subject', 'proof', 'authorisation'];

/**
 * @param level - of the logger that is made.
 * @returns a child of `logger` that censors; without one, a logger to standard error: standard output belongs
 *   to the command that runs the server.
 */
export function registrarLog(logger?: Logger, level: LevelWithSilent = 'info'): Logger {
  const base = logger ?? pino({ name: 'onlysum-registrar', level }, destination(2));
  return base.child({}, { redact: redaction(OWN_SECRETS) });
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
    ...('taskId' in request ? { taskId: shortId(request.taskId), window: request.window } : {}),
    ...(task === undefined ? {} : { task: task.manifest.name }),
    ...('round' in request ? { round: toHex(request.round) } : {}),
    ...(request.kind === 'roster' ? { devices: request.members.length } : {}),
    ...(response.kind === 'refused'
      ? { refused: response.code, refusedMembers: response.members.length }
      : {}),
    ms: Math.round(elapsedMs),
  };
}

/** Enough to tell a registrar's tasks apart. */
function shortId(taskId: Uint8Array): string {
  return toHex(taskId.subarray(0, 4));
}
