/** README.md's client, exactly as it is printed, against what `onlysum init` writes. */
import { spawn } from 'node:child_process';
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PublishedResult } from '@onlysum/coordinator';
import type { Manifest } from '@onlysum/task';
import { afterAll, expect, it, vi } from 'vitest';
import { endAll, onlysumJson, Running } from './onlysum-process.js';
import { freePort } from './free-port.js';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const root = mkdtempSync(join(tmpdir(), 'onlysum-readme-'));
const LIMIT_MS = 120_000;

afterAll(async () => {
  await endAll();
  rmSync(root, { recursive: true, force: true });
});

it(
  'is ten lines, and its value is in the sum',
  async () => {
    const readme = readFileSync(join(repository, 'README.md'), 'utf8');
    const printed = /```ts\n([^]*?)```/.exec(readme)?.[1] ?? '';
    expect(printed.trimEnd().split('\n')).toHaveLength(10);
    const cwd = join(root, 'app');
    await init();
    // Windows of ten minutes would end in the middle of a test now and then.
    const path = join(cwd, 'manifest.json');
    const manifest = JSON.parse(readFileSync(path, 'utf8')) as Manifest;
    const url = `ws://127.0.0.1:${await freePort()}`;
    const coordinator = { ...manifest.coordinator, url };
    const window = { lengthMs: manifest.epoch.lengthMs };
    writeFileSync(path, JSON.stringify({ ...manifest, coordinator, window }));
    await onlysumJson(['manifest', 'sign'], { cwd });
    const configuration = join(cwd, 'onlysum.yaml');
    const lines = readFileSync(configuration, 'utf8').replace('port: 8788', 'port: 0');
    writeFileSync(configuration, lines);
    const flags = ['--port', new URL(url).port, '--embed-registrar', '--json'];
    const server = new Running(['coordinator', ...flags], { cwd });
    const registrarUrl = (await server.listening()).registrar?.listening ?? '';
    const made = await onlysumJson<{ codes: string[] }>(['registrar', 'codes', '--count', '3'], {
      cwd,
    });
    const [code = '', ...others] = made.codes;
    const device = (i: number) => ['--store', `d${i}`, '--registrar-url', registrarUrl];
    for (const [i, own] of others.entries()) {
      await onlysumJson(['device', 'enrol', own, ...device(i)], { cwd });
    }
    const given = { publisherKey: manifest.publisher, registrarUrl, code };
    const constants = Object.entries(given).map(([name, text]) => `const ${name} = '${text}';\n`);
    writeFileSync(join(cwd, 'app.mjs'), constants.join('') + printed);
    symlinkSync(join(repository, 'node_modules'), join(cwd, 'node_modules'));
    const app = spawn(process.execPath, ['app.mjs'], { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    app.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const ended = once(app, 'close');
    // Whoever opens the window freezes who is enrolled for it.
    await vi.waitFor(async () => expect(await enrolled(registrarUrl)).toBe(3), LIMIT_MS / 4);
    const submitted = others.map((_, i) => {
      const value = ['--opt-in', 'performance', '--set', 'startup_ms=3000', '--timeout', '40'];
      return onlysumJson(['device', 'submit', ...device(i), ...value], { cwd });
    });
    const all = await Promise.all([ended, ...submitted]);
    expect([(all[0] as [number])[0], said]).toEqual([0, 'one of 3 in the sum\n']);
    const [file = ''] = readdirSync(join(cwd, 'results'));
    const text = readFileSync(join(cwd, 'results', file), 'utf8');
    const { startup_ms: startup } = (JSON.parse(text) as PublishedResult).estimates.metrics;
    expect(startup).toMatchObject({
      reported: { value: 3 },
      buckets: { 1: { from: 250, to: 500, count: { value: 1 } } },
    });
  },
  LIMIT_MS,
);

async function enrolled(registrarUrl: string): Promise<number> {
  const health = await (await fetch(`${registrarUrl}/healthz`)).json();
  return (health as { enrolled: number }).enrolled;
}

async function init(): Promise<void> {
  await new Running(['init', 'app'], { cwd: root }).ended;
}
