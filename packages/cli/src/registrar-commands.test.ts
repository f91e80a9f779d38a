/** Commands for a registrar's operator, beside a registrar that runs on its real store. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { toHex } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import { createRegistrar, lmdbStore } from '@onlysum/registrar';
import { type AuditEntry, verifyChain } from '@onlysum/service';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  askAttest,
  Coordinator,
  enrolDevices,
  EPOCH_MS,
  makeTask,
  roundId,
  START_MS,
} from '../../registrar/test/fleet.js';
import { AUDIENCE, ISSUER, makeIssuer, tokenFor } from '../../registrar/test/issuer.js';
import { loadKey } from './keys.js';
import { registrarSettings } from './registrar-settings.js';
import { type OpenRegistrar, openRegistrar } from './run-registrar.js';
import { run } from './run.js';

let cwd: string;
let running: OpenRegistrar | undefined;
beforeEach(async () => {
  cwd = mkdtempSync(join(tmpdir(), 'onlysum-registrar-commands-'));
  expect((await onlysum('init')).code).toBe(0);
  expect((await onlysum('manifest', 'sign')).code).toBe(0);
});
afterEach(async () => {
  await running?.close();
  running = undefined;
  rmSync(cwd, { recursive: true });
});

function terminal() {
  const said = { out: '', err: '' };
  const into = (name: 'out' | 'err') =>
    new Writable({
      write: (chunk: Buffer, _, done) => {
        said[name] += chunk.toString();
        done();
      },
    });
  return { said, out: into('out'), err: into('err'), env: {}, cwd };
}

async function onlysum(...args: string[]) {
  const { said, ...where } = terminal();
  const code = await run(args, where);
  return { code, ...said };
}

async function json(...args: string[]): Promise<Record<string, unknown>> {
  const { code, out, err } = await onlysum(...args, '--json');
  expect([code, err]).toEqual([0, expect.any(String)]);
  return JSON.parse(out) as Record<string, unknown>;
}

function edit(file: string, find: string | RegExp, replace: string): void {
  const path = join(cwd, file);
  const text = readFileSync(path, 'utf8');
  expect(text).toMatch(find);
  writeFileSync(path, text.replace(find, replace));
}

async function start(): Promise<OpenRegistrar> {
  await running?.close();
  running = undefined;
  const settings = { ...registrarSettings({}, terminal()), port: 0 };
  running = await openRegistrar(settings, terminal());
  return running;
}

/** @returns a token for a licence, by the issuer that is put into onlysum.yaml. */
async function trustIssuer(): Promise<(subject: string) => Promise<string>> {
  const issuer = await makeIssuer('ES256');
  writeFileSync(join(cwd, 'jwks.json'), JSON.stringify(issuer.configuration.keys));
  const lines = [
    '  tokens:',
    `    - issuer: ${ISSUER}`,
    `      audience: ${AUDIENCE}`,
    '      keys: jwks.json',
    '      algorithms: [ES256]',
    '  tokenLimits: { devices: 2 }',
    '  rateLimits: { requestsPerMinutePerAddress: 100 }',
    '  auditRetentionDays: 90',
  ];
  edit('onlysum.yaml', /^ {2}port: 8788$/m, `  port: 8788\n${lines.join('\n')}`);
  return (sub) => tokenFor(issuer, { sub, onlysum_devices: 2 }, Date.now());
}

describe('a licence token', () => {
  it('enrols from a file, again for nothing, and its licence is revoked', async () => {
    const licenceToken = await trustIssuer();
    const { url, registrar } = await start();
    const enrol = (store: string, file = 'token.jwt') =>
      onlysum('device', 'enrol', '--token-file', file, '--store', store, '--registrar-url', url);
    writeFileSync(join(cwd, 'token.jwt'), `${await licenceToken('licence-1')}\n`);
    const first = await enrol('d1');
    expect([first.code, first.err]).toEqual([0, '']);
    writeFileSync(join(cwd, 'token.jwt'), await licenceToken('licence-1'));
    expect(await enrol('d1')).toEqual(first);
    expect((await enrol('d2')).code).toBe(0);
    expect((await enrol('d3')).err).toContain('[licence-exhausted]');
    expect(registrar.health().enrolled).toBe(2);
    writeFileSync(join(cwd, 'other.jwt'), await licenceToken('licence-2'));
    const other = await enrol('d1', 'other.jwt');
    expect(other.err).toContain('[already-enrolled]');

    const answer = await json('registrar', 'revoke', '--licence', ISSUER, 'licence-1');
    const revoked = answer['revoked'] as string[];
    expect(revoked).toHaveLength(2);
    expect(first.out).toContain(revoked[0]);
    expect(registrar.health().enrolled).toBe(0);
    const none = await onlysum('registrar', 'revoke', '--licence', ISSUER, 'licence-9');
    expect([none.code, none.out]).toEqual([0, 'Revoked; it had enrolled no device\n']);
  });

  it('comes in a file that holds one, and from no argument', async () => {
    await trustIssuer();
    writeFileSync(join(cwd, 'empty'), 'no token');
    const where = ['--store', 'd1', '--registrar-url', 'http://127.0.0.1:1'];
    const empty = await onlysum('device', 'enrol', '--token-file', 'empty', ...where);
    expect([empty.code, empty.err]).toEqual([2, expect.stringContaining('token: expected a JWT')]);
    const both = await onlysum('device', 'enrol', 'code', '--token-file', 'empty', ...where);
    expect(both.err).toMatch(/code: expected either a code or --token-file FILE, got "both"/);
    const missing = await onlysum('device', 'enrol', '--token-file', 'none', ...where);
    expect(missing.err).toContain('[file-unreadable]');
  });

  it('of an issuer with a wrong line is refused at the start, by its name', async () => {
    await trustIssuer();
    edit('onlysum.yaml', 'algorithms: [ES256]', 'algorithms: [HS256]');
    await expect(start()).rejects.toMatchObject({
      code: 'config-invalid',
      field: 'registrar.tokens[0].algorithms[0]',
    });
    edit('onlysum.yaml', 'algorithms: [HS256]', 'algorithm: ES256');
    await expect(start()).rejects.toMatchObject({
      code: 'config-invalid',
      field: 'registrar.tokens[0].algorithms',
    });
  });
});

describe('registrar rotate-key', () => {
  it('writes a key of its owner only, and what it says leads to a rotation', async () => {
    await start();
    const made = await json('registrar', 'rotate-key');
    const { file, publicKey, previous } = made as {
      file: string;
      publicKey: string;
      previous: { file: string; publicKey: string };
    };
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(file).toBe(join(cwd, `keys/registrar-${publicKey.slice(0, 8)}.json`));
    expect(previous.file).toBe(join(cwd, 'keys/registrar.json'));
    expect(running?.publicKey).toBe(previous.publicKey);

    const manifest = JSON.parse(readFileSync(join(cwd, 'manifest.json'), 'utf8')) as object;
    const next = { ...manifest, version: 2, registrar: publicKey };
    writeFileSync(join(cwd, 'manifest-2.json'), JSON.stringify(next));
    expect((await onlysum('manifest', 'sign', 'manifest-2.json')).code).toBe(0);
    edit(
      'onlysum.yaml',
      'key: keys/registrar.json',
      `key: ${file}\n  previousKeys:\n    - ${previous.file}`,
    );
    edit(
      'onlysum.yaml',
      '- manifest.signed.json',
      '- manifest.signed.json\n    - manifest-2.signed.json',
    );
    const { registrar } = await start();
    const { keys, tasks } = registrar.health();
    expect(keys).toEqual([publicKey, previous.publicKey]);
    expect(tasks.map(({ version }) => version)).toEqual([1, 2]);
    expect((await onlysum('audit', 'log', '--of', 'registrar')).out).toMatch(
      / system key\.rotated done /,
    );
  });

  it('overwrites nothing, and prints the steps', async () => {
    const { code, out } = await onlysum('registrar', 'rotate-key', '--out', 'keys/next.json');
    expect(code).toBe(0);
    for (const word of ['previousKeys:', 'raise version', 'manifest sign', 'docs/registrar.md']) {
      expect(out).toContain(word);
    }
    const again = await onlysum('registrar', 'rotate-key', '--out', 'keys/next.json');
    expect(again.err).toContain('[file-exists]');
    const { seed } = JSON.parse(readFileSync(join(cwd, 'keys/next.json'), 'utf8')) as {
      seed: string;
    };
    expect(out).not.toContain(seed);
  });
});

describe('registrar find', () => {
  const round = toHex(roundId('a'));

  /** On a store with one round of six devices. @returns their pseudonyms, by their place. */
  async function withRound(): Promise<string[]> {
    const { seed } = loadKey(join(cwd, 'keys/registrar.json'), terminal());
    const { publicKey } = JSON.parse(readFileSync(join(cwd, 'keys/registrar.json'), 'utf8')) as {
      publicKey: string;
    };
    const task = makeTask({ registrar: publicKey });
    const store = lmdbStore(join(cwd, 'registrar-store'));
    const clock = { nowMs: START_MS };
    const options = { seed, tasks: [task], epochLengthMs: EPOCH_MS, now: () => clock.nowMs };
    const registrar = await createRegistrar({ ...options, store });
    const devices = await enrolDevices(registrar, 6);
    const coordinator = new Coordinator(task, clock, askAttest(registrar));
    await coordinator.openWindow();
    expect(await coordinator.roster('a', devices)).toMatchObject({ kind: 'roster' });
    await store.close();
    return devices.map(({ pseudonym }) => toHex(pseudonym));
  }

  it('prints who had a place, and leaves an entry that does not say it', async () => {
    const pseudonyms = await withRound();
    const { code, out, err } = await onlysum('registrar', 'find', round, '2');
    expect([code, out]).toEqual([0, `${pseudonyms[2]}\n`]);
    expect(err).toContain(`onlysum registrar revoke ${pseudonyms[2]}`);
    const found = { round, place: 5, pseudonym: pseudonyms[5] };
    expect(await json('registrar', 'find', round, '5')).toEqual(found);
    const log = await onlysum('audit', 'log', '--of', 'registrar');
    expect(log.out).toMatch(new RegExp(` operator participant\\.found done ${round} place=5\\n`));
    expect(log.out.match(/participant\.found/g)).toHaveLength(2);
    for (const pseudonym of pseudonyms) expect(log.out).not.toContain(pseudonym);
  });

  it('needs the key that the task names, be it one from before a rotation', async () => {
    const [first] = await withRound();
    const next = ['--key', 'keys/next.json'];
    expect((await onlysum('registrar', 'rotate-key', '--out', 'keys/next.json')).code).toBe(0);
    const refused = await onlysum('registrar', 'find', round, '0', ...next);
    expect([refused.code, refused.out]).toEqual([2, '']);
    expect(refused.err).toContain('[participant-unknown]');
    const previous = ['--previous-key', 'keys/registrar.json'];
    const found = await onlysum('registrar', 'find', round, '0', ...next, ...previous);
    expect([found.code, found.out]).toEqual([0, `${first}\n`]);
  });

  it.each([
    [['0'.repeat(32), '0'], 'round-unknown'],
    [[round, '6'], 'argument-invalid'],
    [[round, '-1'], 'flag-invalid'],
    [['abc', '0'], 'flag-invalid'],
  ])('refuses %j: %s', async (args, code) => {
    await withRound();
    const refused = await onlysum('registrar', 'find', ...args);
    expect([refused.code, refused.err]).toEqual([2, expect.stringContaining(`[${code}]`)]);
  });
});

describe('audit log', () => {
  it('prints one entry a line that follow each other, while the registrar runs', async () => {
    const { registrar } = await start();
    await onlysum('registrar', 'codes', '--count', '3');
    await onlysum('registrar', 'new-incarnation');
    const { code, out, err } = await onlysum('audit', 'log', '--of', 'registrar', '--json');
    expect(code).toBe(0);
    const entries = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as AuditEntry);
    expect(entries.map(({ action, actor }) => `${actor} ${action}`)).toEqual([
      'system registrar.started',
      'operator codes.made',
      'operator incarnation.begun',
    ]);
    const { head, fault } = verifyChain(nativeSuite, entries);
    expect(fault).toBeUndefined();
    expect(head).toEqual(registrar.health().audit);
    expect(err).toBe(`head ${head.sequence}:${head.digest}\n`);
    const text = await onlysum('audit', 'log', '--of', 'registrar');
    expect(text.out.split('\n')[1]).toMatch(/Z operator codes\.made done count=3 lifetimeMs=\d+$/);
  });

  it('prints a long log whole', async () => {
    const { registrar } = await start();
    for (let i = 0; i < 1100; i++) await registrar.makeCodes(1, 1000);
    const { out } = await onlysum('audit', 'log', '--of', 'registrar', '--json');
    const lines = out.trimEnd().split('\n');
    expect(lines).toHaveLength(1101);
    const entries = lines.map((line) => JSON.parse(line) as AuditEntry);
    expect(verifyChain(nativeSuite, entries).head).toEqual(registrar.health().audit);
  });
});
