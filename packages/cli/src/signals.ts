/** SIGINT and SIGTERM: the first asks a server to end well, the second ends it at once. */
import { note } from './output.js';
import type { Terminal } from './terminal.js';

/** Exit codes of a process ended by a signal: 128 and its number. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;
type Signal = keyof typeof EXIT_CODES;

/**
 * @param close - called once, at the first signal.
 * @param announce - says that the server is up; a signal that comes after it is already minded.
 * @param reload - called at every SIGHUP, which ends the process if there is none.
 * @returns once `close` has resolved.
 */
export async function untilStopped(
  terminal: Terminal,
  close: () => Promise<void>,
  announce: () => void,
  reload?: () => void,
): Promise<void> {
  let stop: () => void = () => undefined;
  const stopped = new Promise<void>((resolve) => {
    stop = resolve;
  });
  const onSignal = (signal: Signal, times: number) => {
    if (times > 1) process.exit(EXIT_CODES[signal]);
    note(terminal, `${signal}: closing; once more to end at once`);
    stop();
  };
  if (reload !== undefined) process.on('SIGHUP', reload);
  try {
    await listening(onSignal, async () => {
      announce();
      await stopped;
      await close();
    });
  } finally {
    if (reload !== undefined) process.off('SIGHUP', reload);
  }
}

/** Runs `run` with a signal that the first SIGINT or SIGTERM aborts; the second ends the process. */
export async function withAbort<T>(run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  return listening(
    (signal, times) => {
      if (times > 1) process.exit(EXIT_CODES[signal]);
      controller.abort();
    },
    () => run(controller.signal),
  );
}

async function listening<T>(
  onSignal: (signal: Signal, times: number) => void,
  run: () => Promise<T>,
): Promise<T> {
  let times = 0;
  const listener = (signal: NodeJS.Signals) => onSignal(signal as Signal, ++times);
  process.on('SIGINT', listener).on('SIGTERM', listener);
  try {
    return await run();
  } finally {
    process.off('SIGINT', listener).off('SIGTERM', listener);
  }
}
