/** The process: its streams, environment and exit code handed to one run. */
import { run } from './run.js';

/** Called by the shim. */
export async function main(): Promise<void> {
  // `onlysum … | head` closes the pipe early: nobody is left to tell.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? 0 : 1);
  });
  process.exitCode = await run(process.argv.slice(2), {
    in: process.stdin,
    out: process.stdout,
    err: process.stderr,
    env: process.env,
    cwd: process.cwd(),
  });
}
