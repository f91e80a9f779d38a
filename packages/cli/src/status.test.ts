/** `onlysum status` where nothing runs; with servers, see test/e2e/operations.test.ts. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { Capture, runCaptured } from '../test/captured-run.js';
import { run } from './run.js';

/** Answers every request with `body`. */
async function withServer<T>(body: string, use: (url: string) => Promise<T>): Promise<T> {
  const server = createServer((_, response) => response.end(body));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

it('shows a watched view in place on a terminal', async () => {
  await withServer('{}', async (url) => {
    const [out, err] = [Object.assign(new Capture(), { isTTY: true }), new Capture()];
    const args = ['status', '--url', url, '--watch', '--count', '2', '--interval', '0.01'];
    expect(await run(args, { out, err, env: {}, cwd: '/' })).toBe(1);
    expect(out.text.split('\u001b[2J\u001b[H')).toHaveLength(3);
  });
});

it('takes nothing for a server that does not speak as one', async () => {
  for (const body of ['', '{', '{"status":"ok"}', `"${'x'.repeat(2 ** 20)}"`]) {
    const { code, out } = await withServer(body, (url) =>
      runCaptured('/', ['status', '--url', url]),
    );
    expect([code, out]).toEqual([1, expect.stringContaining('no server of this version')]);
  }
});

it('prints nothing of what a server says that a terminal would obey', async () => {
  const health = {
    role: 'registrar',
    status: 'ok',
    nowMs: 0,
    uptimeMs: 1,
    incarnation: 1,
    epoch: 1,
    enrolled: 1,
    tasks: [{ name: 'a\u001b[2Jb', version: 1 }],
    reasons: ['c\u0007d'],
  };
  const bodies = [{ ...health }, { status: 'not-ready', reasons: health.reasons }];
  const server = createServer((request, response) => {
    response.end(JSON.stringify(bodies[request.url === '/readyz' ? 1 : 0]));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { code, out } = await runCaptured('/', ['status', '--url', url]);
  server.closeAllConnections();
  server.close();
  expect(code).toBe(1);
  expect(out).toContain('not ready: c');
  for (const control of ['\u0007', '\u001b']) expect(out).not.toContain(control);
});

it.each(['ftp://a', 'http://me:hunter2@a', 'a'])('refuses the URL %s', async (url) => {
  const { code, err } = await runCaptured('/', ['status', '--url', url]);
  expect([code, err]).toEqual([2, expect.stringContaining('[flag-invalid]')]);
  expect(err).not.toContain('hunter2');
});

it('needs a server to look at', async () => {
  const { code, err } = await runCaptured('/nowhere', ['status']);
  expect([code, err]).toEqual([2, expect.stringContaining('[setting-missing]')]);
});
