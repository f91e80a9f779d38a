/**
 * The command from init to receipt: real processes, through the shim, over real sockets.
 * The plain sum comes from `device preview`, which shows the lanes before they are masked.
 */
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LedgerEntry, Preview, SubmitReceipt } from '@onlysum/client';
import type { PublishedResult } from '@onlysum/coordinator';
import { nativeSuite } from '@onlysum/crypto/node';
import { type AuditEntry, auditLine, EMPTY_HEAD, nextEntry } from '@onlysum/service';
import type { Manifest, SignedManifest } from '@onlysum/task';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { endAll, onlysum, onlysumJson, Running, SHIM } from './onlysum-process.js';
import { freePort } from './free-port.js';

const root = mkdtempSync(join(tmpdir(), 'onlysum-cli-'));
const DAY_MS = 86_400_000;
/** What the whole file takes at most; no window may end meanwhile. */
const QUIET_MS = 60_000;
/** A dozen processes start in a hook; on a busy machine each takes seconds. */
const HOOK_MS = 120_000;

beforeAll(async () => {
  const leftMs = DAY_MS - (Date.now() % DAY_MS);
  if (leftMs < QUIET_MS) await new Promise((resolve) => setTimeout(resolve, leftMs + 1000));
}, 2 * QUIET_MS);
afterAll(async () => {
  await endAll();
  rmSync(root, { recursive: true, force: true });
});

const VALUES = [
  ['licence_active=true', 'app_version=2.0', 'crashes=3', 'startup_ms=120', 'memory_mib=100.4'],
  ['licence_active=false', 'app_version=2.0', 'crashes=0', 'startup_ms=250', 'memory_mib=200'],
  ['licence_active=true', 'app_version=9.9', 'crashes=250', 'documents_saved_mib=1.5'],
] as const;
const FLAGS = VALUES.map((values) => [
  '--opt-in',
  'performance',
  ...values.flatMap((value) => ['--set', value]),
]);
const DEVICES = [0, 1, 2];

/** A deployment as `init` makes it, its windows a day long, its servers on free ports. @returns its folder. */
async function deployment(name: string): Promise<string> {
  const cwd = join(root, name);
  await onlysum(['init', name], { cwd: root });
  const port = await freePort();
  const path = join(cwd, 'manifest.json');
  const manifest = JSON.parse(readFileSync(path, 'utf8')) as Manifest;
  const { coordinator, epoch } = manifest;
  const edited = {
    ...manifest,
    window: { lengthMs: epoch.lengthMs },
    coordinator: { ...coordinator, url: `ws://127.0.0.1:${port}` },
  };
  writeFileSync(path, JSON.stringify(edited));
  const configuration = join(cwd, 'onlysum.yaml');
  const lines = readFileSync(configuration, 'utf8')
    .replace('port: 8787', `port: ${port}`)
    .replace('port: 8788', 'port: 0');
  writeFileSync(configuration, lines);
  await onlysumJson(['manifest', 'sign'], { cwd });
  return cwd;
}

async function enrolThree(cwd: string, registrarUrl: string): Promise<string[]> {
  const { codes } = await onlysumJson<{ codes: string[] }>(['registrar', 'codes', '--count', '3'], {
    cwd,
  });
  const enrolled = await Promise.all(
    DEVICES.map((i) =>
      onlysumJson<{ pseudonym: string }>(
        ['device', 'enrol', '--store', `d${i}`, '--registrar-url', registrarUrl, codes[i] ?? ''],
        { cwd },
      ),
    ),
  );
  return enrolled.map(({ pseudonym }) => pseudonym);
}

/**
 * One device gives documents_saved_mib and none what is new since: the template shows nothing that fewer
 * than two give.
 */
const UNSHOWN = ['documents_saved_mib', 'features_used', 'save_ms'];

async function shownSum(cwd: string): Promise<(number | null)[]> {
  const previews = await Promise.all(
    DEVICES.map((i) =>
      onlysumJson<Preview>(['device', 'preview', '--store', `d${i}`, ...(FLAGS[i] ?? [])], { cwd }),
    ),
  );
  const lanes = previews[0]?.lanes ?? [];
  return lanes.map(({ label }, lane) =>
    UNSHOWN.some((metric) => label.startsWith(`${metric}.`))
      ? null
      : previews.reduce((sum, preview) => sum + (preview.lanes[lane]?.value ?? Number.NaN), 0),
  );
}

describe('registrar and coordinator as two processes', () => {
  let cwd: string;
  let registrar: Running;
  let coordinator: Running;
  let registrarUrl: string;
  let pseudonyms: string[];
  let receipts: SubmitReceipt[];

  beforeAll(async () => {
    cwd = await deployment('two');
    registrar = new Running(['registrar', '--port', '0', '--json'], { cwd });
    registrarUrl = (await registrar.listening()).listening;
    const args = ['--registrar-url', registrarUrl, '--json'];
    coordinator = new Running(['coordinator', ...args], { cwd });
    await coordinator.listening();
    pseudonyms = await enrolThree(cwd, registrarUrl);
    receipts = await Promise.all(
      DEVICES.map((i) => {
        const where = ['--store', `d${i}`, '--registrar-url', registrarUrl];
        return onlysumJson<SubmitReceipt>(
          ['device', 'submit', ...where, '--timeout', '40', ...(FLAGS[i] ?? [])],
          { cwd },
        );
      }),
    );
  }, HOOK_MS);
  afterAll(endAll);

  it('say where they listen and with which key', async () => {
    const key = (role: string) =>
      (JSON.parse(readFileSync(join(cwd, `keys/${role}.json`), 'utf8')) as { publicKey: string })
        .publicKey;
    expect(await registrar.listening()).toEqual({
      listening: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      publicKey: key('registrar'),
    });
    const { listening, publicKey } = await coordinator.listening();
    expect(publicKey).toBe(key('coordinator'));
    expect((await fetch(`${listening}/healthz`)).status).toBe(200);
    expect((await fetch(`${registrarUrl}/healthz`)).status).toBe(200);
  });

  it('give each device a receipt of one and the same round', () => {
    for (const receipt of receipts) {
      expect(receipt).toMatchObject({ included: true, opened: true, devices: 3, survivors: 3 });
      expect(receipt.round).toBe(receipts[0]?.round);
    }
    expect(receipts[2]?.values).toEqual({
      licence_active: true,
      app_version: 'other',
      crashes: 250,
      documents_saved_mib: 1.5,
    });
  });

  it('open the plain sum, and nothing else', async () => {
    const files = resultFiles(cwd);
    expect(files).toHaveLength(1);
    const path = join(cwd, 'results', files[0] ?? '');
    const result = JSON.parse(readFileSync(path, 'utf8')) as PublishedResult;
    expect(result.lanes).toEqual(await shownSum(cwd));
    const value = (number: number) => ({ value: number, standardError: 0 });
    expect(result.estimates).toMatchObject({
      survivors: 3,
      groups: {
        essential: { respondents: value(3) },
        performance: { respondents: value(3), optOutRate: value(0) },
      },
      metrics: {
        licence_active: { yes: value(2), reported: value(3) },
        app_version: {
          categories: [
            { name: '1.0', count: value(0) },
            { name: '1.1', count: value(0) },
            { name: '2.0', count: value(2) },
            { name: 'other', count: value(1) },
          ],
        },
        // 3 + 0 + 250 clipped to 100.
        crashes: { total: value(103), clipped: value(1) },
        documents_saved_mib: { suppressed: { reason: 'too-few-respondents', required: 2 } },
        memory_mib: { mean: value(150), reported: value(2) },
        startup_ms: { reported: value(2) },
      },
    });
    expect(result.estimates.metrics['documents_saved_mib']).not.toHaveProperty('reported');
    expect(result.round).toBe(receipts[0]?.round);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('keep the receipts, whose signatures still hold', async () => {
    const args = ['device', 'receipts', '--store', 'd0'];
    const entries = await onlysumJson<(LedgerEntry & { signatures: string })[]>(args, { cwd });
    expect(entries).toEqual([{ ...receipts[0], signatures: 'hold' }]);
    const { out } = await onlysum(args, { cwd });
    expect(out).toContain('one of 3 in the sum, of 3 in the round; opened');
    expect(out).toContain('signatures: hold');
  });

  it.each(['coordinator', 'registrar'] as const)(
    'cannot change what the %s has logged before a receipt was given',
    async (role) => {
      const { out: log } = await onlysum(['audit', 'log', '--of', role, '--json'], { cwd });
      const { out: head } = await onlysum(['audit', 'head', '--of', role], { cwd });
      writeFileSync(join(cwd, 'audit.jsonl'), log);
      writeFileSync(join(cwd, 'heads.txt'), head);
      writeFileSync(join(cwd, 'receipts.json'), JSON.stringify(receipts));
      const seen = ['--heads', 'heads.txt', '--receipts', 'receipts.json', '--of', role];
      const trusted = ['--manifest', 'manifest.signed.json'];
      const args = ['audit', 'verify', 'audit.jsonl', ...seen, ...trusted];
      const { heads } = await onlysumJson<{ heads: unknown }>(args, { cwd });
      expect(heads).toEqual({ given: 4, before: 0, receiptsWithout: 0 });

      // Its owner says of the round that fewer devices were in it, and writes all digests anew.
      const entries = log
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as AuditEntry);
      let last = EMPTY_HEAD;
      const anew = entries.map(({ action, actor, subject, outcome, details, atMs }) => {
        const isRound = subject === receipts[0]?.round;
        const event = {
          ...{ action, actor, outcome },
          ...(subject === undefined ? {} : { subject }),
          ...(details === undefined
            ? {}
            : { details: { ...details, ...(isRound && { devices: 2 }) } }),
        };
        const entry = nextEntry(nativeSuite, last, event, atMs);
        last = entry;
        return auditLine(entry);
      });
      writeFileSync(join(cwd, 'audit.jsonl'), anew.join(''));
      expect((await onlysum(['audit', 'verify', 'audit.jsonl'], { cwd })).code).toBe(0);
      writeFileSync(join(cwd, 'heads.txt'), '');
      const { code, err } = await onlysum(args, { cwd });
      expect([code, err]).toEqual([1, expect.stringMatching(/rewritten: .*\[audit-failed\]/)]);
    },
  );

  it('take a device once a window: a failure that can be tried again later', async () => {
    const where = ['--store', 'd0', '--registrar-url', registrarUrl, '--timeout', '20'];
    const { code, out, err } = await onlysum(['device', 'submit', ...where, '--json'], { cwd });
    expect(JSON.parse(out)).toMatchObject({
      error: { code: 'already-contributed', retryable: true },
    });
    expect(err).toContain('[already-contributed]');
    expect(code).toBe(1);
  });

  it('are administered while they run', async () => {
    const { revoked } = await onlysumJson<{ revoked: string[] }>(
      ['registrar', 'revoke', pseudonyms[1] ?? ''],
      { cwd },
    );
    // With it go those it was renewed to.
    expect(revoked).toContain(pseudonyms[1]);
    const list = (await (await fetch(`${registrarUrl}/v1/revocations`)).json()) as {
      pseudonyms: string[];
      incarnation: number;
    };
    expect(list.pseudonyms).toEqual([...revoked].sort());
    const beganMs = Date.now();
    const made = await onlysumJson<{ codes: string[]; expiresMs: number }>(
      ['registrar', 'codes', '--count', '2', '--lifetime-days', '1'],
      { cwd },
    );
    expect(new Set(made.codes).size).toBe(2);
    expect(Math.abs(made.expiresMs - beganMs - DAY_MS)).toBeLessThan(QUIET_MS);
    const next = await onlysumJson<{ incarnation: number }>(['registrar', 'new-incarnation'], {
      cwd,
    });
    expect(next.incarnation).toBeGreaterThan(list.incarnation);
    const after = (await (await fetch(`${registrarUrl}/healthz`)).json()) as {
      incarnation: number;
    };
    expect(after.incarnation).toBe(next.incarnation);
  });

  it('end well at SIGTERM, with nothing more on standard output', async () => {
    for (const server of [coordinator, registrar]) {
      server.signal('SIGTERM');
      const { code, out, err } = await server.ended;
      expect(code).toBe(0);
      expect(out.indexOf('\n')).toBe(out.length - 1);
      expect(err).toContain('SIGTERM: closing');
    }
  });
});

describe('a registrar embedded in the coordinator', () => {
  afterEach(endAll);

  it('runs a round that anyone can check, and warns of what it gives up', async () => {
    const cwd = await deployment('embedded');
    const args = ['coordinator', '--embed-registrar', '--export-rounds', '--json'];
    const server = new Running(args, { cwd });
    const { registrar } = await server.listening();
    expect(server.errors).toContain('THE REGISTRAR RUNS INSIDE THE COORDINATOR');
    expect(server.errors).toMatch(/attest false rosters/);
    const url = registrar?.listening ?? '';
    await enrolThree(cwd, url);
    const ended = await Promise.all(
      DEVICES.map((i) => {
        const where = ['--store', `d${i}`, '--registrar-url', url, '--timeout', '40'];
        return onlysum(['device', 'submit', ...where, ...(FLAGS[i] ?? [])], { cwd });
      }),
    );
    for (const { code, out } of ended) {
      expect(code).toBe(0);
      expect(out).toContain('one of 3 in the sum, of 3 in the round; opened');
    }
    server.signal('SIGINT');
    expect((await server.ended).code).toBe(0);
    const [result = '', record = ''] = resultFiles(cwd)
      .toSorted((a, b) => a.length - b.length)
      .map((file) => `results/${file}`);
    const { lanes } = JSON.parse(readFileSync(join(cwd, result), 'utf8')) as PublishedResult;
    expect(lanes).toEqual(await shownSum(cwd));
    const check = ['audit', 'round', record, '--result', result];
    const checked = await onlysumJson<{ lanes: number[] }>(check, { cwd });
    expect(checked).toMatchObject({ ok: true, survivors: 3 });
    // The record has what the result keeps back.
    const kept = lanes.map((sum, lane) => (sum === null ? null : checked.lanes[lane]));
    expect(kept).toEqual(lanes);
  });
});

describe('servers', () => {
  let cwd: string;

  beforeAll(async () => {
    cwd = await deployment('servers');
  }, HOOK_MS);
  afterEach(endAll);

  it('end at once at a second signal', async () => {
    const server = new Running(['registrar', '--json'], { cwd });
    const { listening } = await server.listening();
    // A request that never ends holds up the first signal for two seconds.
    const socket = connect(Number(new URL(listening).port), '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write('POST /v1/enrol HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n');
    await new Promise((resolve) => setTimeout(resolve, 300));
    server.signal('SIGINT');
    await server.says('SIGINT: closing');
    server.signal('SIGINT');
    expect((await server.ended).code).toBe(130);
    socket.destroy();
  });

  it('see a device go that is told to stop while it waits', async () => {
    const server = new Running(['coordinator', '--embed-registrar', '--json'], { cwd });
    const url = (await server.listening()).registrar?.listening ?? '';
    await enrolThree(cwd, url);
    const where = ['--store', 'd0', '--registrar-url', url];
    const device = new Running(['device', 'submit', ...where, '--json'], { cwd });
    await device.says('2 more devices needed');
    device.signal('SIGINT');
    const { code, out } = await device.ended;
    expect(code).toBe(1);
    expect(JSON.parse(out)).toHaveProperty('error.code');
  });

  it.each<[string[], string]>([
    [['registrar', '--key', 'keys/publisher.json'], 'task-mismatch'],
    [['registrar', '--epoch-length-ms', '5000'], 'task-mismatch'],
    [['registrar', '--manifest', 'manifest.json'], 'manifest-invalid'],
    [['coordinator', '--key', 'keys/registrar.json'], 'task-mismatch'],
    [['coordinator', '--registrar-url', 'http://example.org'], 'flag-invalid'],
  ])('do not start: %j', async (args, code) => {
    const ended = await onlysum([...args, '--json'], { cwd });
    expect(JSON.parse(ended.out)).toHaveProperty('error.code', code);
    expect(ended.err).toContain(`[${code}]`);
    expect(ended.code).toBe(2);
  });

  it('do not start on a port that is taken', async () => {
    const first = new Running(['registrar', '--json'], { cwd });
    const { port } = new URL((await first.listening()).listening);
    const second = await onlysum(['registrar', '--port', port], { cwd });
    expect([second.code, second.out]).toEqual([2, '']);
    expect(second.err).toContain('[listen-failed]');
  });
});

describe('sealed keys', () => {
  it('work with their passphrase, and refuse a wrong one and none', async () => {
    const passphrase = 'a long passphrase';
    const { code, err } = await onlysum(['init', 'sealed'], { cwd: root, passphrase });
    expect([code, err]).toEqual([0, '']);
    const cwd = join(root, 'sealed');
    for (const role of ['publisher', 'registrar', 'coordinator']) {
      const path = join(cwd, `keys/${role}.json`);
      expect(statSync(path).mode & 0o777).toBe(0o600);
      const key = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
      expect(Object.keys(key).sort()).toEqual(['onlysum', 'publicKey', 'sealed', 'type']);
    }
    const sign = ['manifest', 'sign'];
    const without = await onlysum(sign, { cwd });
    expect([without.code, without.out]).toEqual([2, '']);
    expect(without.err).toContain('[passphrase-missing]');
    const wrong = await onlysum(sign, { cwd, passphrase: 'another' });
    expect([wrong.code, wrong.out]).toEqual([2, '']);
    expect(wrong.err).toContain('[passphrase-wrong]');
    expect(wrong.err).not.toContain('another passphrase');
    expect(readdirSync(cwd)).not.toContain('manifest.signed.json');
    await onlysumJson(sign, { cwd, passphrase });
    const signed = readFileSync(join(cwd, 'manifest.signed.json'), 'utf8');
    expect((JSON.parse(signed) as SignedManifest).signature).toMatch(/^[0-9a-f]{128}$/);
  });
});

describe('the shim', () => {
  it('says what to do where nothing is built yet', () => {
    const bare = join(root, 'bare');
    mkdirSync(join(bare, 'bin'), { recursive: true });
    writeFileSync(join(bare, 'package.json'), '{"type":"module"}');
    copyFileSync(SHIM, join(bare, 'bin/onlysum.js'));
    const { status, stdout, stderr } = spawnSync(process.execPath, ['bin/onlysum.js', 'demo'], {
      cwd: bare,
      encoding: 'utf8',
    });
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toContain('npm run build');
  });

  it('is executable', () => {
    expect(statSync(SHIM).mode & 0o111).toBe(0o111);
  });
});

/** Of rounds; windows that end meanwhile have files of their own. */
function resultFiles(cwd: string): string[] {
  return readdirSync(join(cwd, 'results')).filter((name) => !name.endsWith('-window.json'));
}
