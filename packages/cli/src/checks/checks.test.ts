/** `onlysum config check` and the checks of files, on real files with one fault each. */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Manifest } from '@onlysum/task';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { caseFolders, runCaptured } from '../../test/captured-run.js';
import { selfSigned } from '../../test/self-signed.js';
import { parseConfiguration } from '../configuration.js';
import { openRegistrar } from '../run-registrar.js';
import { registrarSettings } from '../registrar-settings.js';
import { type Deployment, namedTasks, readDeployment } from './deployment.js';
import type { Finding } from './finding.js';
import { checkNode } from './machine-checks.js';
import { checkStores } from './store-checks.js';
import { checkCertificates } from './tls-checks.js';

const folders = caseFolders('onlysum-checks-');
afterAll(() => folders.remove());
let cwd: string;

beforeEach(async () => {
  cwd = folders.make();
  await runCaptured(cwd, ['init', '.']);
  await runCaptured(cwd, ['manifest', 'sign']);
});

const file = (name: string) => join(cwd, name);

function editConfiguration(from: string | RegExp, to: string): void {
  const text = readFileSync(file('onlysum.yaml'), 'utf8');
  const changed = text.replace(from, to);
  expect(changed).not.toBe(text);
  writeFileSync(file('onlysum.yaml'), changed);
}

async function resign(change: (manifest: Manifest) => object): Promise<void> {
  const manifest = JSON.parse(readFileSync(file('manifest.json'), 'utf8')) as Manifest;
  writeFileSync(file('manifest.json'), JSON.stringify({ ...manifest, ...change(manifest) }));
  const { code, err } = await runCaptured(cwd, ['manifest', 'sign', '--force']);
  expect([code, err]).toEqual([0, '']);
}

async function check(): Promise<{ code: number; failed: Finding[]; all: Finding[] }> {
  const { code, out } = await runCaptured(cwd, ['config', 'check', '--json']);
  const { ok, findings } = JSON.parse(out) as { ok: boolean; findings: Finding[] };
  const failed = findings.filter(({ status }) => status === 'fail');
  expect(ok).toBe(code === 0);
  expect(code).toBe(failed.length === 0 ? 0 : 1);
  return { code, failed, all: findings };
}

async function expectFailure(name: string, message: RegExp, at?: RegExp): Promise<Finding> {
  const { failed } = await check();
  expect(failed).toHaveLength(1);
  const [finding] = failed as [Finding];
  expect(finding.check).toBe(name);
  expect(finding.message).toMatch(message);
  expect(finding.mend).toMatch(/./);
  if (at !== undefined) expect(finding.at).toMatch(at);
  return finding;
}

/** @returns the new public key. */
async function rotate(): Promise<string> {
  const { out } = await runCaptured(cwd, ['registrar', 'rotate-key', '--json']);
  const made = JSON.parse(out) as { file: string; publicKey: string };
  const lines = `key: ${made.file}\n  previousKeys: [keys/registrar.json]`;
  editConfiguration('key: keys/registrar.json', lines);
  return made.publicKey;
}

describe('onlysum config check', () => {
  it('passes what init makes once it is signed', async () => {
    expect((await check()).failed).toEqual([]);
    const { code, out } = await runCaptured(cwd, ['config', 'check']);
    expect(code).toBe(0);
    expect(out).toContain('0 failed');
  });

  it('says all faults of the file at once, each with its place', async () => {
    editConfiguration('  port: 8788', '  prot: 8788\n  limits: 3');
    editConfiguration(/^ {2}limits: \{\} # connections, req.*\n/m, '');
    editConfiguration('level: info', 'level: loud');
    const { failed } = await check();
    expect(failed.map(({ message }) => message.split(':')[0])).toEqual([
      'registrar',
      'registrar.limits',
      'log.level',
    ]);
    expect(failed[0]).toMatchObject({ mend: 'write port' });
    for (const { at } of failed) expect(at).toMatch(/onlysum\.yaml:\d+:\d+$/);
  });

  it('finds a file that is not there, at its line', async () => {
    editConfiguration('key: keys/registrar.json', 'key: keys/regisrtar.json');
    await expectFailure('files', /^registrar\.key: .*regisrtar\.json is not there/, /yaml:7:3$/);
  });

  it('finds a secret that others can read', async () => {
    chmodSync(file('keys/coordinator.json'), 0o644);
    const { mend } = await expectFailure('files', /can be read by others/);
    expect(mend).toBe(`chmod 600 ${file('keys/coordinator.json')}`);
  });

  it('finds a password in a file that others can read, and does not show it', async () => {
    editConfiguration(
      'store: registrar-store',
      'store: { postgres: { url: "postgres://me:hunter2@db.example/x" } }',
    );
    const finding = await expectFailure('files', /holds a password/);
    expect(JSON.stringify(finding)).not.toContain('hunter2');
    chmodSync(file('onlysum.yaml'), 0o600);
    expect((await check()).failed).toEqual([]);
  });

  it('finds a file where a folder must be', async () => {
    writeFileSync(file('results'), '');
    await expectFailure('files', /^coordinator\.resultsDir: .* is a file/);
  });

  it('finds the key of another role, and a key file that is none', async () => {
    editConfiguration('key: keys/coordinator.json', 'key: keys/publisher.json');
    await expectFailure('keys', /coordinator\.key .*which is the publisher's/);
    editConfiguration('key: keys/publisher.json', 'key: keys/none.json');
    writeFileSync(file('keys/none.json'), '{"seed":"deadbeef"}', { mode: 0o600 });
    const finding = await expectFailure('keys', /none\.json/);
    expect(JSON.stringify(finding)).not.toContain('deadbeef');
  });

  it('passes manifests that name a key of before a rotation', async () => {
    await rotate();
    expect((await check()).failed).toEqual([]);
    editConfiguration(/^ {2}previousKeys: .*\n/m, '');
    await expectFailure('keys', /registrar\.key /);
  });

  it('finds an epoch and a publisher that the manifest does not have', async () => {
    editConfiguration(/epochLengthMs: \d+/, 'epochLengthMs: 5000');
    await expectFailure('keys', /^registrar\.epochLengthMs: 5000, and .* has epoch\.lengthMs/);
    editConfiguration(/epochLengthMs: \d+/, 'epochLengthMs: 86400000');
    editConfiguration(/publisher: [0-9a-f]+/, `publisher: ${'ab'.repeat(32)}`);
    await expectFailure('keys', /^device\.publisher: abab/);
  });

  it('finds a manifest that was changed after it was signed', async () => {
    const signed = readFileSync(file('manifest.signed.json'), 'utf8');
    writeFileSync(file('manifest.signed.json'), signed.replace('"target": 3', '"target": 4'));
    const { failed } = await check();
    expect(failed.map((finding) => finding.check)).toEqual(['manifests', 'manifests']);
  });

  it('finds two listeners with one port, and a manifest that leads to another', async () => {
    editConfiguration('port: 8788', 'port: 8787');
    const { failed, all } = await check();
    expect(failed).toMatchObject([{ check: 'addresses' }]);
    expect(failed[0]?.message).toMatch(/^registrar\.port: 8787 is the port of coordinator\.port/);
    expect(all.some(({ message }) => message.startsWith('coordinator.registrarUrl'))).toBe(true);
    editConfiguration('port: 8787', 'port: 8788');
    await resign(({ coordinator }) => ({
      coordinator: { ...coordinator, url: 'ws://127.0.0.1:9999' },
    }));
    await expectFailure('addresses', /^coordinator\.port: 8787, and devices .* ws:.*:9999$/);
  });

  it('finds a proxy that is no address, and says where one must be named', async () => {
    editConfiguration(
      'resultsDir: results',
      'resultsDir: results\n  trustProxy: [10.0.0.0/8, proxy.example.org]',
    );
    await expectFailure('proxies', /^coordinator\.trustProxy\[1\]: expected an address/, /yaml:/);
    editConfiguration(/^ {2}trustProxy: .*\n/m, '');
    editConfiguration('port: 8788', 'port: 8788\n  trustProxy: [10.0.0.0/8, 10.0.0.0/33]');
    await expectFailure(
      'proxies',
      /^registrar\.trustProxy\[1\]: expected an address, or a network/,
    );
    editConfiguration(/^ {2}trustProxy: .*\n/m, '');
    const proxies = async () => {
      return (await check()).all.filter((finding) => finding.check === 'proxies');
    };
    expect(await proxies()).toMatchObject([{ status: 'ok' }]);
    await resign(({ coordinator }) => ({
      coordinator: { ...coordinator, url: 'wss://sums.example.org' },
    }));
    expect(await proxies()).toMatchObject([
      { status: 'warn', message: expect.stringContaining('count as one address') as string },
    ]);
    editConfiguration('resultsDir: results', 'resultsDir: results\n  trustProxy: [127.0.0.1]');
    expect(await proxies()).toMatchObject([{ status: 'ok' }]);
  });

  it('finds a database without a key for results, as the server does', async () => {
    const lines =
      'resultsDir: results\n  store: { postgres: { environment: COORDINATOR_DATABASE } }';
    editConfiguration('resultsDir: results', lines);
    await expectFailure('settings', /^coordinator\.resultsKey: missing/);
    const { code, err } = await runCaptured(cwd, ['coordinator']);
    expect([code, err]).toEqual([2, expect.stringContaining('[setting-missing]')]);
    editConfiguration(
      'resultsDir: results',
      'resultsDir: results\n  resultsKey: { environment: K }',
    );
    expect((await check()).failed).toEqual([]);
  });

  it('cannot check what is not there', async () => {
    const { code, err } = await runCaptured(cwd, ['config', 'check', '--config', 'none.yaml']);
    expect([code, err]).toEqual([2, expect.stringContaining('[file-unreadable]')]);
  });
});

describe('checkStores', () => {
  async function checked(): Promise<Finding[]> {
    const { deployment } = readDeployment(undefined, here());
    return checkStores(deployment!, namedTasks(deployment!).tasks);
  }
  const here = () => ({ out: process.stdout, err: process.stderr, env: {}, cwd });

  it('knows the store of a key of before a rotation, and that of another registrar', async () => {
    const settings = { ...registrarSettings({}, here()), port: 0, logLevel: 'silent' as const };
    await (await openRegistrar(settings, here())).close();
    expect(await checked()).toMatchObject([{ status: 'ok' }]);
    const registrar = await rotate();
    await resign((manifest) => ({ version: manifest.version + 1, registrar }));
    expect(await checked()).toMatchObject([{ status: 'ok' }]);
    editConfiguration(/^ {2}previousKeys: .*\n/m, '');
    const [finding] = await checked();
    expect(finding).toMatchObject({ status: 'fail', check: 'stores' });
    expect(finding?.message).toContain('is the store of another registrar');
  });
});

describe('checkNode', () => {
  it.each([
    ['20.19.0', 'ok'],
    ['22.1.0', 'ok'],
    ['20.18.3', 'fail'],
    ['18.20.0', 'fail'],
  ])('of %s is %s', (version, status) => expect(checkNode(version).status).toBe(status));
});

describe('checkCertificates', () => {
  const DAY_MS = 86_400_000;
  const nowMs = Date.UTC(2030, 0, 1);

  function statusOf(fromDays: number, toDays: number, otherKey = false): string {
    mkdirSync(file('tls'), { recursive: true });
    const at = (days: number) => new Date(nowMs + days * DAY_MS);
    const { certificate, key } = selfSigned(at(fromDays), at(toDays));
    writeFileSync(file('tls/c.pem'), certificate);
    writeFileSync(file('tls/k.pem'), otherKey ? selfSigned(at(0), at(1)).key : key);
    const text = 'coordinator: { tls: { certificate: tls/c.pem, key: tls/k.pem } }';
    const { configuration } = parseConfiguration(text, cwd);
    const deployment = { configuration, at: () => 'onlysum.yaml:1:1' } as unknown as Deployment;
    const [finding] = checkCertificates(deployment, [], nowMs);
    return `${finding?.status} ${finding?.message}`;
  }

  it('passes one that holds for long and warns of one that ends soon', () => {
    expect(statusOf(-10, 90)).toMatch(/^ok /);
    expect(statusOf(-10, 5)).toMatch(/^warn .* ends in 5 days, on 2030-01-06/);
  });

  it('fails one that has ended, has not begun, or belongs to another key', () => {
    expect(statusOf(-10, -1)).toMatch(/^fail .* ended on 2029-12-31/);
    expect(statusOf(1, 10)).toMatch(/^fail .* does not hold yet/);
    expect(statusOf(-1, 90, true)).toMatch(/^fail .* is not that of the certificate/);
  });
});
