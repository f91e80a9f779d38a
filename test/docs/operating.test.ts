/** docs/operating.md: its blocks that say so are run as one script; alert rules name metrics that are there. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freePort } from '../e2e/free-port.js';
import { GUIDE, REPOSITORY, type ShellEnd, shell, substitute, triedBlocks } from './guide.js';

const root = mkdtempSync(join(tmpdir(), 'onlysum-operating-'));
const cwd = join(root, 'machines');
const LIMIT_MS = 120_000;
/** Printed before each block. */
const MARK = '=== block';

let ended: ShellEnd;
let exposed: string;
beforeAll(async () => {
  mkdirSync(cwd);
  const blocks = triedBlocks();
  // The last block ends the servers.
  const look = 'curl -sf http://127.0.0.1:{8787,8788}/metrics > metrics\n';
  const parts = [...blocks.slice(0, -1), look, ...blocks.slice(-1)];
  const [coordinator, registrar, admin] = [await freePort(), await freePort(), await freePort()];
  const script = substitute(parts.map((code) => `echo '${MARK}'\n${code}`).join(''), {
    '8787': `${coordinator}`,
    '8788': `${registrar}`,
    '8789': `${admin}`,
  });
  ended = await shell(script, { cwd, limitMs: LIMIT_MS / 2 });
  if (ended.code !== 0) throw new Error(`${ended.out}\n${ended.err}`);
  exposed = readFileSync(join(cwd, 'metrics'), 'utf8');
}, LIMIT_MS);
afterAll(() => rmSync(root, { recursive: true, force: true }));

it('comes up as it is configured, on keys that lie apart', () => {
  const [, keys = '', checks = '', doctor = ''] = ended.out.split(MARK);
  expect(keys).toContain('Signed example-app version 1');
  expect(readdirSync(join(cwd, 'registrar/keys'))).toEqual(['registrar.json']);
  expect(checks.match(/^0 failed/gm)).toHaveLength(2);
  expect(doctor.match(/^0 failed/gm)).toHaveLength(2);
  expect(doctor).not.toMatch(/^(FAIL|warn {2}separation)/m);
  expect(doctor.match(/^(coordinator|registrar) .* ready, up for/gm)).toHaveLength(2);
});

it('shows metrics, stops a task, and revokes a device', () => {
  const [, , , , metrics = '', command = '', stop = '', revoke = ''] = ended.out.split(MARK);
  expect(metrics).toMatch(/^onlysum_registrar_enrolled 0$/m);
  expect(command).toMatch(/^Stopped example-app@1, [0-9a-f]{64}\nResumed example-app@1/m);
  expect(stop).toContain('"state":"stopped"');
  expect(stop).toMatch(/"state":"open","served":true/);
  expect(stop).toContain('on call');
  expect(revoke).toMatch(/^Revoked\n {2}[0-9a-f]{64}$/m);
  expect(revoke).toContain('codes.made');
});

it('publishes heads that are on the logs', () => {
  const [, , , , , , , , , verified = ''] = ended.out.split(MARK);
  expect(verified.match(/^holds {2}\d+ entries$/gm)).toHaveLength(2);
  expect(verified.match(/^kept {3}1 head that was kept is on it$/gm)).toHaveLength(2);
});

it('copies the stores, and goes on from a copy in a new incarnation', () => {
  expect(readdirSync(join(cwd, 'backups/registrar-store'))).toContain('data.mdb');
  expect(readdirSync(join(cwd, 'backups/coordinator-store'))).toContain('data.mdb');
  const begun = /^Incarnation (\d+) has begun/m.exec(ended.out)?.[1] ?? 'none';
  expect(exposed).toMatch(new RegExp(`^onlysum_registrar_incarnation ${begun}$`, 'm'));
});

it('has alert rules on metrics that the servers export', () => {
  const rules = readFileSync(join(REPOSITORY, 'deploy/alerts.yaml'), 'utf8');
  const named = new Set(rules.match(/\b(onlysum_|nodejs_|process_)\w+/g));
  expect(named.size).toBeGreaterThan(8);
  const kinds = [...exposed.matchAll(/^# TYPE (\w+) (\w+)$/gm)];
  const names = kinds.flatMap(([, name = '', kind]) =>
    kind === 'histogram' ? ['_bucket', '_sum', '_count'].map((end) => name + end) : [name],
  );
  expect([...named].filter((name) => !names.includes(name))).toEqual([]);
});

it('gives figures of docs/benchmarks.md only', () => {
  const capacity = /\n## Capacity\n[^]*?\n\n(\|[^]*?)\n\n/.exec(GUIDE)?.[1] ?? '';
  const measured = readFileSync(join(REPOSITORY, 'docs/benchmarks.md'), 'utf8');
  // What stands in the second column; where it was measured is in the first.
  const cells = capacity.split('\n').map((row) => row.split('|')[2] ?? '');
  const figures = cells.flatMap((cell) => cell.match(/\d+(?:[.,]\d+)+/g) ?? []);
  expect(figures.length).toBeGreaterThan(9);
  expect(figures.filter((figure) => !measured.includes(figure))).toEqual([]);
});
