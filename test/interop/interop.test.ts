/**
 * The published vectors under an implementation of its own: verify.py, written after docs/protocol.md.
 * Needs /usr/bin/python3 with Debian's python3-cryptography. Skipped without it, except where CI is
 * 'true': there it must run.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const PYTHON = '/usr/bin/python3';
const here = fileURLToPath(new URL('.', import.meta.url));
const vectors = fileURLToPath(new URL('../vectors/v1/', import.meta.url));

const probe = spawnSync(PYTHON, ['-c', 'import cryptography']);
const isMissing = probe.status !== 0;
const reason = `${PYTHON} with python3-cryptography is missing: apt-get install python3-cryptography`;
const skips = isMissing && process.env['CI'] !== 'true';

/** One value of each file, for `verify.py` to notice once its last digit is another one. */
const CHANGED: ReadonlyArray<readonly [file: string, path: ReadonlyArray<string | number>]> = [
  ['encoding.json', ['cases', 3, 'encoded']],
  ['bitmap.json', ['cases', 2, 'hex']],
  ['packing.json', ['cases', 8, 'packed']],
  ['shamir.json', ['cases', 1, 'shares', 4, 'share']],
  ['rfc/6962.json', ['paths', 1, 'path', 2]],
  ['pools.json', ['colluders', 3, 'colluders']],
  ['graph-parameters.json', [70, 't']],
  ['graph.json', ['drawn', 3, 'tables', 2, 8]],
  ['manifest.json', ['lanes', 20, 'width']],
  ['metrics.json', ['devices', 0, 'lanes', 21]],
  ['manifest.json', ['kindLanes', 36, 'bound']],
  ['metrics.json', ['kindDevices', 1, 'lanes', 33]],
  ['masks.json', ['pairs', 1, 'lanesAtJ', 4]],
  ['messages.json', ['messages', 1, 'hex']],
  ['round.json', ['transcript', 32, 'hex']],
];

describe.skipIf(skips)(skips ? `verify.py (skipped: ${reason})` : 'verify.py', () => {
  it('finds every published vector right', () => {
    expect(isMissing, reason).toBe(false);
    const { status, output } = verify([]);
    expect(output).toMatch(/\n\d{4,} checks passed, 0 failed\n$/);
    expect(status).toBe(0);
    for (const [file] of CHANGED) expect(output).toMatch(new RegExp(`^${file}: \\d+ checks$`, 'm'));
  });

  it.each(CHANGED)('notices one digit changed in %s', (file, path) => {
    const folder = mkdtempSync(join(tmpdir(), 'onlysum-vectors-'));
    try {
      cpSync(vectors, folder, { recursive: true });
      const content: unknown = JSON.parse(readFileSync(join(folder, file), 'utf8'));
      changeLastDigit(content, path);
      writeFileSync(join(folder, file), JSON.stringify(content));
      const { status, output } = verify([folder, file]);
      expect(output).toMatch(/\n {2}failed: .+\n/);
      expect(status).toBe(1);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

function verify(args: readonly string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(PYTHON, [join(here, 'verify.py'), ...args], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], PYTHONUTF8: '1' },
  });
  return { status, output: stdout + stderr };
}

function changeLastDigit(content: unknown, path: ReadonlyArray<string | number>): void {
  let holder = content as Record<string | number, unknown>;
  for (const key of path.slice(0, -1)) holder = holder[key] as Record<string | number, unknown>;
  const last = path.at(-1) ?? '';
  const value = holder[last];
  if (typeof value === 'number') holder[last] = value + 1;
  else holder[last] = String(value).replace(/.$/, (digit) => (digit === '0' ? '1' : '0'));
}
