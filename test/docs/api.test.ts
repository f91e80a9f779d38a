/** The commands of docs/api.md, run by a shell against a coordinator. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { GRANTS, verifyAuditFile } from '@onlysum/service';
import { ROLES } from '@onlysum/task';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readAttestedRound } from '../../packages/cli/src/result-file.js';
import { type AdminFleet, startAdminFleet } from '../admin/admin-fleet.js';
import { suite } from '../coordinator/wire-fleet.js';

const page = fileURLToPath(new URL('../../docs/api.md', import.meta.url));
const run = promisify(execFile);
let admin: AdminFleet;
let cwd: string;
let text: string;
beforeAll(async () => {
  text = await readFile(page, 'utf8');
  cwd = await mkdtemp(join(tmpdir(), 'onlysum-api-'));
  admin = await startAdminFleet();
});
afterAll(async () => {
  await admin.close();
  await rm(cwd, { recursive: true, force: true });
});

/** The block that begins with the comment, with `onlysum` left out: it is tried on the file below. */
async function shell(beginning: string, token: string, before = ''): Promise<string> {
  const block = [...text.matchAll(/```sh\n([^]*?)```/g)].find(([, code]) =>
    code?.includes(beginning),
  );
  const script = (block?.[1] ?? 'exit 9').replace(/^onlysum .*$/gm, '');
  await writeFile(join(cwd, 'script.sh'), `set -euo pipefail\n${before}\n${script}`);
  const { url, taskId: TASK, window } = admin;
  const ours = { ONLYSUM_URL: url, ONLYSUM_TOKEN: token, TASK, WINDOW: String(window) };
  const env = { ...process.env, ...ours };
  return (await run('bash', ['script.sh'], { cwd, env })).stdout;
}

it('reads results', async () => {
  const { token } = await admin.makeToken({ role: 'analyst', tasks: ['acme-desktop'] });
  const out = await shell('a token of an analyst', token);
  expect(out).toContain('"role":"analyst"');
  expect(out).toContain(`"window":${admin.window}`);
  expect(await readFile(join(cwd, 'results.csv'), 'utf8')).toMatch(
    /"crashes","count","total",,10,/,
  );
  expect(await readFile(join(cwd, 'dictionary.csv'), 'utf8')).toContain('"metric","crashes"');
});

it('stops a task and takes the audit log home', async () => {
  const out = await shell('a token of a privacy officer', admin.tokens['privacy-officer']);
  expect(out).toContain('"state":"stopped","served":true');
  expect(out).toContain('"reason":"incident 7"');
  const report = await verifyAuditFile(suite, join(cwd, 'audit.jsonl'));
  expect(report.fault).toBeUndefined();
  expect(report.entries).toBeGreaterThan(5);
});

it('takes home what was attested of a round', async () => {
  // The function is that of the block before it.
  const [get = ''] = /^get\(\) .*$/m.exec(text) ?? [];
  await shell('a token of an auditor', admin.tokens.auditor, get);
  const { facts } = readAttestedRound(join(cwd, 'evidence.json'));
  expect(facts).toMatchObject({ window: admin.window, n: 5 });
});

it('has a table of roles that says what the matrix says', () => {
  const rows: Readonly<Record<string, readonly string[]>> = {
    'tasks, dictionaries': ['task.read'],
    'list of windows': ['round.read', 'result.read'],
    'how rounds ended, live rounds': ['round.read'],
    'what the registrar attested of a round': ['evidence.read'],
    results: ['result.read'],
    'budget, cohorts, refusals, opt-outs': ['privacy.read'],
    'stop a task': ['task.kill'],
    'let it go on': ['task.resume'],
    'audit log': ['audit.read', 'audit.verify'],
    tokens: ['token.manage'],
  };
  for (const [name, permissions] of Object.entries(rows)) {
    const line = text.split('\n').find((each) => each.startsWith(`| ${name} |`)) ?? '';
    const cells = line.split('|').slice(2, -1);
    const isGranted = ROLES.map((role) => {
      return permissions.some((permission) =>
        (GRANTS[role] as readonly string[]).includes(permission),
      );
    });
    expect([name, cells.map((cell) => cell.trim() !== '')]).toEqual([name, isGranted]);
  }
});
