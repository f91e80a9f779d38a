/** What deploy/ holds for systemd and Prometheus, judged by their own programs. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { REPOSITORY, substitute } from './guide.js';
import { isMissing } from './programs.js';

const root = mkdtempSync(join(tmpdir(), 'onlysum-deploy-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe.skipIf(isMissing('systemd-analyze'))('systemd', () => {
  it.each(['coordinator', 'registrar'])(
    'takes the unit of the %s, and has little to add',
    (role) => {
      const name = `onlysum-${role}.service`;
      const unit = join(root, name);
      const text = readFileSync(join(REPOSITORY, 'deploy', name), 'utf8');
      writeFileSync(unit, substitute(text, { '/usr/bin/node': process.execPath }));
      // It ends with 0 also if it ignores a line; of other units it may say what it likes.
      const verified = run('systemd-analyze', ['verify', unit]);
      const said = verified.out.split('\n').filter((line) => line.includes(name));
      expect([verified.status, said]).toEqual([0, []]);
      // Exposure from 0 to 100; what is not hardened at all has 96.
      const security = run('systemd-analyze', [
        'security',
        '--offline=true',
        '--threshold=15',
        unit,
      ]);
      expect(security).toMatchObject({ status: 0 });
    },
  );
});

describe.skipIf(isMissing('promtool'))('Prometheus', () => {
  const rules = join(REPOSITORY, 'deploy/alerts.yaml');
  const cases = join(REPOSITORY, 'test/docs/alerts.test.yaml');

  it('takes the alert rules', () => {
    expect(run('promtool', ['check', 'rules', rules])).toMatchObject({ status: 0 });
  });

  it('fires each of them, and none on an ordinary day', () => {
    expect(run('promtool', ['test', 'rules', cases])).toMatchObject({ status: 0 });
    const named = (path: string, pattern: RegExp) =>
      [...readFileSync(path, 'utf8').matchAll(pattern)].map(([, name]) => name);
    expect(named(cases, /alertname="(\w+)"/g)).toEqual(named(rules, /- alert: (\w+)/g));
  });
});

function run(program: string, args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  return { status, out: stdout + stderr };
}
