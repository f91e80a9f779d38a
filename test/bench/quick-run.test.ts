/** The whole quick run, as a command: every bench runs, says what it says it says, and meets or misses. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { BENCHES, NOT_QUICK } from '../../bench/benches.js';

/** Far more than it takes anywhere: no test here is about time. */
const MOST_MS = 900_000;

interface Shown {
  readonly bench: string;
  readonly figure: string;
  readonly value: number;
  readonly unit: string;
  readonly target?: { readonly min?: number; readonly max?: number };
}

test(
  'npm run bench -- --quick --json',
  async () => {
    const args = ['--import', 'tsx', 'bench/run.ts', '--quick', '--json'];
    const options = { maxBuffer: 2 ** 26, timeout: MOST_MS };
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, options);
    const shown = JSON.parse(stdout) as Shown[];
    const all = Object.keys(BENCHES).filter((name) => !NOT_QUICK.has(name));
    expect(new Set(shown.map(({ bench }) => bench))).toEqual(new Set(all));
    for (const { value, figure } of shown) expect(Number.isFinite(value), figure).toBe(true);
    const names = shown.map(({ bench, figure }) => `${bench}: ${figure}`);
    expect(new Set(names).size).toBe(names.length);
    // Progress goes elsewhere.
    for (const name of all) expect(stderr).toContain(`s  ${name}\n`);
    const targets = shown.filter(({ target }) => target !== undefined);
    for (const { target, figure } of targets) {
      expect(Object.values(target ?? {}), figure).toEqual([expect.any(Number)]);
    }
    expect(new Set(targets.map(({ bench }) => bench))).toEqual(
      new Set(['kernel', 'device-round', 'bytes', 'coordinator-round', 'unmasking', 'server-grid']),
    );
  },
  MOST_MS,
);

test.each([
  [['--only', 'nothing'], '--only: expected one of kernel, '],
  [['--quiet'], "Unknown option '--quiet'"],
])('%j is refused with what is there', async (flags, said) => {
  const args = ['--import', 'tsx', 'bench/run.ts', ...flags];
  const run = promisify(execFile)(process.execPath, args);
  await expect(run).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining(said) });
});
