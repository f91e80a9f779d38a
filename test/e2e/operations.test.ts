/**
 * `onlysum doctor` and `onlysum status` against real servers, each fault a real one: a dead process, a wrong
 * clock, a foreign listener, a full limit.
 */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Manifest } from '@onlysum/task';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from './free-port.js';
import { endAll, onlysum, onlysumJson, Running, SHIM } from './onlysum-process.js';

interface Finding {
  readonly check: string;
  readonly status: 'ok' | 'warn' | 'fail';
  readonly message: string;
  readonly mend?: string;
}

const root = mkdtempSync(join(tmpdir(), 'onlysum-operations-'));
const HOOK_MS = 120_000;
afterAll(async () => {
  await endAll();
  rmSync(root, { recursive: true, force: true });
});

interface Deployment {
  readonly cwd: string;
  readonly coordinatorUrl: string;
  readonly registrarUrl: string;
}

/** As `init` makes it, on free ports. */
async function deployment(name: string): Promise<Deployment> {
  const cwd = join(root, name);
  await onlysum(['init', name], { cwd: root });
  const [coordinator, registrar] = [await freePort(), await freePort()];
  const path = join(cwd, 'manifest.json');
  const manifest = JSON.parse(readFileSync(path, 'utf8')) as Manifest;
  const url = `ws://127.0.0.1:${coordinator}`;
  writeFileSync(
    path,
    JSON.stringify({ ...manifest, coordinator: { ...manifest.coordinator, url } }),
  );
  edit(cwd, (text) => text.replaceAll('8787', `${coordinator}`).replaceAll('8788', `${registrar}`));
  await onlysumJson(['manifest', 'sign'], { cwd });
  return {
    cwd,
    coordinatorUrl: `http://127.0.0.1:${coordinator}`,
    registrarUrl: `http://127.0.0.1:${registrar}`,
  };
}

function edit(cwd: string, change: (text: string) => string): void {
  const path = join(cwd, 'onlysum.yaml');
  writeFileSync(path, change(readFileSync(path, 'utf8')));
}

async function doctor(cwd: string): Promise<{ code: number | null; findings: Finding[] }> {
  const { code, out } = await onlysum(['doctor', '--json'], { cwd });
  const { findings } = JSON.parse(out) as { findings: Finding[] };
  expect(code).toBe(findings.some(({ status }) => status === 'fail') ? 1 : 0);
  return { code, findings };
}

const failed = (findings: readonly Finding[]) => findings.filter(({ status }) => status === 'fail');
const of = (findings: readonly Finding[], check: string) =>
  findings.filter((finding) => finding.check === check);

describe('with both servers running', () => {
  let running: Deployment;
  beforeAll(async () => {
    running = await deployment('running');
    for (const role of ['registrar', 'coordinator']) {
      await new Running([role, '--json'], { cwd: running.cwd }).listening();
    }
  }, HOOK_MS);

  it('doctor fails nothing, and warns of one machine and plain ws://', async () => {
    const { code, findings } = await doctor(running.cwd);
    expect(failed(findings)).toEqual([]);
    expect(code).toBe(0);
    for (const check of ['node', 'files', 'keys', 'stores', 'ports', 'coordinator', 'clocks']) {
      expect([check, of(findings, check).map(({ status }) => status)]).toEqual([check, ['ok']]);
    }
    expect(of(findings, 'separation')).toMatchObject([{ status: 'warn' }]);
    expect(of(findings, 'addresses')[0]?.message).toContain('without TLS');
  });

  it('status shows both, as text and as JSON, once or again and again', async () => {
    const { cwd, coordinatorUrl, registrarUrl } = running;
    const text = await onlysum(['status'], { cwd });
    expect(text.code).toBe(0);
    expect(text.out).toContain(`coordinator  ${coordinatorUrl}  ready`);
    expect(text.out).toContain(`registrar  ${registrarUrl}  ready`);
    expect(text.out).toMatch(/rounds: 0 gathering, 0 running, 0 opened, 0 aborted/);
    const { servers } = await onlysumJson<{ servers: { url: string }[] }>(['status'], { cwd });
    expect(servers.map(({ url }) => url)).toEqual([coordinatorUrl, registrarUrl]);
    const watched = ['status', '--watch', '--count', '3', '--interval', '0.05', '--url'];
    const { code, out } = await onlysum([...watched, registrarUrl], { cwd });
    expect(code).toBe(0);
    expect(out.split(registrarUrl)).toHaveLength(4);
    // Not a terminal: nothing that moves a cursor.
    expect(out).not.toContain('\u001b');
  });

  it(
    'status shows a gathering round, and doctor still passes',
    async () => {
      const { cwd, coordinatorUrl } = running;
      const { codes } = await onlysumJson<{ codes: string[] }>(
        ['registrar', 'codes', '--count', '1'],
        {
          cwd,
        },
      );
      await onlysumJson(['device', 'enrol', codes[0] ?? '', '--store', 'd1'], { cwd });
      const device = new Running(['device', 'submit', '--store', 'd1'], { cwd });
      let out = '';
      for (let i = 0; i < 100 && !out.includes('gathering │'); i++) {
        ({ out } = await onlysum(['status', '--url', coordinatorUrl], { cwd }));
      }
      expect(out).toMatch(/example-app version 1 .*│ +\d+ │ gathering │ +1 │/);
      device.signal('SIGKILL');
      await device.ended;
    },
    HOOK_MS,
  );

  it('metrics answer over HTTP on both', async () => {
    const { coordinatorUrl, registrarUrl } = running;
    expect(await (await fetch(`${coordinatorUrl}/metrics`)).text()).toContain(
      'onlysum_coordinator_connections',
    );
    expect(await (await fetch(`${registrarUrl}/metrics`)).text()).toContain(
      'onlysum_registrar_incarnation',
    );
  });
});

describe('doctor', () => {
  it('finds a registrar that does not run, and status says so with code 1', async () => {
    const { cwd, registrarUrl } = await deployment('dead');
    const coordinator = new Running(['coordinator', '--json'], { cwd });
    await coordinator.listening();
    const { findings } = await doctor(cwd);
    expect(of(findings, 'registrar')).toMatchObject([
      { status: 'fail', message: `${registrarUrl} does not answer: ECONNREFUSED` },
    ]);
    expect(of(findings, 'coordinator')[0]?.message).toContain('is not ready: the registrar');
    const { code, out } = await onlysum(['status'], { cwd });
    expect(code).toBe(1);
    expect(out).toContain('NOT READY');
    expect(out).toContain(`${registrarUrl}  does not answer: ECONNREFUSED`);
  });

  it('finds a clock that is wrong', async () => {
    const { cwd } = await deployment('clock');
    const late = 'const now = Date.now; Date.now = () => now() - 90000;';
    const module = `data:text/javascript,${encodeURIComponent(late)}`;
    const before = process.env['NODE_OPTIONS'];
    process.env['NODE_OPTIONS'] = `--import=${module}`;
    const registrar = new Running(['registrar', '--json'], { cwd });
    if (before === undefined) delete process.env['NODE_OPTIONS'];
    else process.env['NODE_OPTIONS'] = before;
    await registrar.listening();
    const { findings } = await doctor(cwd);
    const [clocks] = of(findings, 'clocks');
    expect(clocks).toMatchObject({ status: 'fail' });
    expect(clocks?.message).toMatch(
      /registrar's clock is (89|90)\.\d s behind that of this machine/,
    );
    expect(clocks?.mend).toContain('NTP');
  });

  it('finds another program on the port', async () => {
    const { cwd, coordinatorUrl } = await deployment('port');
    const stranger = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => {
      stranger.listen(Number(new URL(coordinatorUrl).port), '127.0.0.1', resolve);
    });
    try {
      const { findings } = await doctor(cwd);
      expect(of(findings, 'ports')).toMatchObject([
        { status: 'fail', message: expect.stringContaining('another program') as string },
      ]);
    } finally {
      await new Promise((resolve) => stranger.close(resolve));
    }
  });

  it('finds a registrar with another key than the manifest names', async () => {
    const [own, other] = [await deployment('own'), await deployment('other')];
    await new Running(['registrar', '--json'], { cwd: other.cwd }).listening();
    edit(own.cwd, (text) => text.replaceAll(own.registrarUrl, other.registrarUrl));
    const { findings } = await doctor(own.cwd);
    expect(of(findings, 'registrar')[0]).toMatchObject({ status: 'fail' });
    expect(of(findings, 'registrar')[0]?.message).toMatch(/has key [0-9a-f]{64}, and .* names/);
  });

  it('finds a store that is damaged, a database that is not there, and an embedded registrar', async () => {
    const { cwd } = await deployment('stores');
    const embedded = new Running(['coordinator', '--embed-registrar', '--json'], { cwd });
    await embedded.listening();
    const { findings } = await doctor(cwd);
    expect(of(findings, 'separation')[0]?.message).toContain('inside itself');
    embedded.signal('SIGKILL');
    await embedded.ended;
    writeFileSync(join(cwd, 'registrar-store', 'data.mdb'), 'x'.repeat(4096));
    const damaged = await doctor(cwd);
    expect(of(damaged.findings, 'stores')[0]?.message).toMatch(/no lmdb file, or it is damaged/);
    const port = await freePort();
    const url = `postgres://me:hunter2@127.0.0.1:${port}/onlysum`;
    edit(cwd, (text) => text.replace('registrar-store', `{ postgres: { url: "${url}" } }`));
    chmodSync(join(cwd, 'onlysum.yaml'), 0o600);
    const gone = await doctor(cwd);
    expect(of(gone.findings, 'stores')[0]?.message).toMatch(/does not answer: .*ECONNREFUSED/);
    expect(JSON.stringify(gone)).not.toContain('hunter2');
  });

  it('warns where fewer files may be open than connections are allowed', async () => {
    const { cwd } = await deployment('files');
    const command = `ulimit -n 1000; exec "${process.execPath}" "${SHIM}" doctor --json`;
    const { stdout } = spawnSync('sh', ['-c', command], { cwd, encoding: 'utf8', timeout: 50_000 });
    const { findings } = JSON.parse(stdout) as { findings: Finding[] };
    expect(of(findings, 'open-files').map(({ status }) => status)).toEqual(['warn', 'warn']);
    expect(of(findings, 'open-files')[0]?.message).toContain('10512 open files, and 1000');
  });

  it('fails a manifest that is not valid now', async () => {
    const { cwd } = await deployment('validity');
    const path = join(cwd, 'manifest.json');
    const manifest = JSON.parse(readFileSync(path, 'utf8')) as Manifest;
    const validity = { notBeforeMs: 0, notAfterMs: 1_000_000_000_000 };
    writeFileSync(path, JSON.stringify({ ...manifest, validity }));
    await onlysumJson(['manifest', 'sign', '--force'], { cwd });
    const { findings } = await doctor(cwd);
    expect(failed(of(findings, 'manifests'))[0]?.message).toMatch(/valid from 1970.* only$/);
  });
});
