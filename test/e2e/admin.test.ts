/** The admin API of a real process: configured by onlysum.yaml, its tokens made by the command beside it. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { endAll, type Listening, onlysum, onlysumJson, Running } from './onlysum-process.js';

const cwd = mkdtempSync(join(tmpdir(), 'onlysum-admin-e2e-'));
afterAll(async () => {
  await endAll();
  rmSync(cwd, { recursive: true, force: true });
});

function configure(admin: string | undefined): void {
  const path = join(cwd, 'onlysum.yaml');
  const text = readFileSync(path, 'utf8').replace(/\n {2}admin: .*/, '');
  const line = admin === undefined ? '' : `  admin: ${admin}\n`;
  writeFileSync(path, text.replace('\ncoordinator:\n', `\ncoordinator:\n${line}`));
}

it('is off unless configured, needs TLS on a network, and minds tokens made while it runs', async () => {
  await onlysumJson(['init', '.'], { cwd });
  await onlysumJson(['manifest', 'sign'], { cwd });
  const args = ['coordinator', '--embed-registrar', '--port', '0', '--json'];

  configure('{ host: 0.0.0.0, port: 0 }');
  const refused = await onlysum(args, { cwd });
  expect([refused.code === 0, JSON.parse(refused.out).error.code]).toEqual([false, 'tls-required']);

  execFileSync('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
    ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '1'],
    ...['-keyout', join(cwd, 'tls.key'), '-out', join(cwd, 'tls.pem')],
  ]);
  configure('{ host: 127.0.0.1, port: 0, tls: { certificate: tls.pem, key: tls.key } }');
  const coordinator = new Running(args, { cwd });
  const { admin = '' } = (await coordinator.listening()) as Listening & { admin?: string };
  expect(admin).toMatch(/^https:/);
  const role = ['--role', 'operator', '--name', 'e2e'];
  const made = await onlysumJson<{ token: string; id: string }>(['token', 'create', ...role], {
    cwd,
  });
  const me = () => {
    const curl = ['--silent', '--cacert', 'tls.pem', '-H', `Authorization: Bearer ${made.token}`];
    const out = execFileSync('curl', [...curl, `${admin}/api/v1/me`], { cwd, encoding: 'utf8' });
    return JSON.parse(out) as object;
  };
  expect(me()).toMatchObject({ id: made.id, role: 'operator' });
  coordinator.signal('SIGHUP');
  expect(me()).toMatchObject({ id: made.id });
  await onlysumJson(['token', 'revoke', made.id], { cwd });
  expect(me()).toMatchObject({ error: { code: 'token-revoked' } });
  coordinator.signal('SIGTERM');
  expect((await coordinator.ended).code).toBe(0);

  configure(undefined);
  const without = new Running(args, { cwd });
  expect(await without.listening()).not.toHaveProperty('admin');
  without.signal('SIGTERM');
  await without.ended;
});
