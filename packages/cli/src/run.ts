/** One run of the command: arguments in, exit code out. Invariant: an error becomes one line and a code. */
import { UsageError } from '@onlysum/crypto';
import { CommanderError } from 'commander';
import { JSON_FLAG } from './flags.js';
import { errorLine, errorRecord, hasPrintedJson, note, printJson } from './output.js';
import { makeProgram } from './program.js';
import type { Terminal } from './terminal.js';

const FAILED = 1;
const TO_BE_CHANGED = 2;

/** @param args - without the program's name. @returns 0 done, 1 failed, 2 the call must be changed. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  let exitCode = 0;
  const program = makeProgram(terminal, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) {
      // Help and version, asked for or shown for want of a command, are not errors to report.
      if (error.exitCode === 0) return 0;
      if (error.code === 'commander.help') return TO_BE_CHANGED;
    }
    if (args.includes(JSON_FLAG) && !hasPrintedJson(terminal)) {
      printJson(terminal, { error: errorRecord(error) });
    }
    note(terminal, errorLine(terminal, error));
    return mustBeChanged(error) ? TO_BE_CHANGED : FAILED;
  }
}

// What the same call may do later has failed, not been misused.
function mustBeChanged(error: unknown): boolean {
  return error instanceof CommanderError || (error instanceof UsageError && !error.retryable);
}
