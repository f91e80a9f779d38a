/** The command in this process, in a folder of its own, with what it printed. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { run } from '../src/run.js';

export class Capture extends Writable {
  text = '';
  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

export interface CapturedRun {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** @param input - of standard input. */
export async function runCaptured(
  cwd: string,
  args: readonly string[],
  input = '',
): Promise<CapturedRun> {
  const [out, err] = [new Capture(), new Capture()];
  const code = await run([...args], { in: Readable.from([input]), out, err, env: {}, cwd });
  return { code, out: out.text, err: err.text };
}

/** Folders for the cases of one test file, and how to be rid of them. */
export function caseFolders(name: string): { make: () => string; remove: () => void } {
  const root = mkdtempSync(join(tmpdir(), name));
  return {
    make: () => mkdtempSync(join(root, 'case-')),
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}
