/** `onlysum status` and `doctor` of a server that runs and has no store: it is there, and says why it waits. */
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { memoryStore, startRegistrar } from '@onlysum/registrar';
import { afterAll, beforeEach, expect, it } from 'vitest';
import { Capture, caseFolders, runCaptured } from '../../test/captured-run.js';
import { registrarSettings } from '../registrar-settings.js';
import { loadRole } from '../role.js';
import { checkDeployment } from './run-checks.js';

const folders = caseFolders('onlysum-store-down-');
afterAll(() => folders.remove());
let cwd: string;
const terminal = () => ({ out: new Capture(), err: new Capture(), env: {}, cwd });

beforeEach(async () => {
  cwd = folders.make();
  await runCaptured(cwd, ['init', '.']);
  await runCaptured(cwd, ['manifest', 'sign']);
});

/** Of the registrar and its port, what is not ok, and of status what it prints. */
async function look(url: string) {
  const path = join(cwd, 'onlysum.yaml');
  writeFileSync(path, readFileSync(path, 'utf8').replaceAll('8788', new URL(url).port));
  const findings = await checkDeployment(undefined, terminal());
  const { code, out } = await runCaptured('/', ['status', '--url', url]);
  return {
    findings: findings.filter(
      ({ status, check, message }) =>
        status === 'fail' && (check === 'registrar' || message.startsWith('registrar.port')),
    ),
    status: { code, out },
  };
}

/** Answers as it is told, by path. */
async function withAnswers(
  answers: Readonly<Record<string, readonly [status: number, body: string]>>,
  use: (url: string) => Promise<void>,
): Promise<void> {
  const server = createServer((request, response) => {
    const [status, body] = answers[request.url ?? ''] ?? [404, ''];
    response.writeHead(status).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

it('says of a registrar whose store is closed that it runs, and why it is not ready', async () => {
  const settings = registrarSettings({}, terminal());
  const { tasks, seed } = loadRole('registrar', settings, terminal());
  const store = memoryStore();
  const epochLengthMs = settings.epochLengthMs ?? 0;
  const where = { host: '127.0.0.1', port: 0, logLevel: 'silent' as const };
  const registrar = await startRegistrar({ seed, tasks, epochLengthMs, store, ...where });
  try {
    expect((await look(registrar.url)).findings).toEqual([]);
    await store.close();
    const { findings, status } = await look(registrar.url);
    const message = expect.stringMatching(/ runs and is not ready: the store does not answer/);
    expect(findings).toMatchObject([{ check: 'registrar', message: message as string }]);
    expect(status.code).toBe(1);
    expect(status.out).toContain('NOT READY');
    expect(status.out).toContain('  not ready: the store does not answer');
  } finally {
    await registrar.close();
  }
});

const ERROR = JSON.stringify({ error: { code: 'internal', message: 'see\u001b[2J the log' } });
const NOT_READY = JSON.stringify({ status: 'not-ready', reasons: ['the store does not answer'] });

it('takes the reasons of /readyz where /healthz answers 500', async () => {
  await withAnswers({ '/healthz': [500, ERROR], '/readyz': [503, NOT_READY] }, async (url) => {
    const { findings, status } = await look(url);
    expect(findings).toMatchObject([
      {
        check: 'registrar',
        message: `${url} runs and is not ready: the store does not answer; /healthz answers 500: see[2J the log [internal]`,
        mend: "mend what it says; the registrar's log says more",
      },
    ]);
    expect(status.out.split('\n').slice(0, 3)).toEqual([
      `${url}  NOT READY`,
      '  not ready: the store does not answer',
      '  not ready: /healthz answers 500: see[2J the log [internal]',
    ]);
  });
});

it('takes the errors where /readyz gives no reasons', async () => {
  await withAnswers({ '/healthz': [503, ERROR], '/readyz': [500, ERROR] }, async (url) => {
    const { findings } = await look(url);
    expect(findings[0]?.message).toContain('/readyz answers 500: see');
    expect(findings).toHaveLength(1);
  });
});

it('takes a proxy that has no server behind it for none, and says what it answers', async () => {
  await withAnswers({ '/healthz': [502, '<h1>Bad gateway</h1>'] }, async (url) => {
    const { findings, status } = await look(url);
    expect(status.out).toContain('no server of this version: it answers 502');
    expect(findings).toMatchObject([
      { check: 'ports', message: expect.stringContaining('or a server that hangs') as string },
      { check: 'registrar', message: expect.stringContaining('it answers 502') as string },
    ]);
  });
});

it('takes an error of somebody else for no server of ours', async () => {
  await withAnswers({ '/healthz': [404, ERROR], '/readyz': [200, '{}'] }, async (url) => {
    const { status } = await look(url);
    expect(status.out).toContain('no server of this version: it answers 404');
  });
});
