import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Manifest } from '@onlysum/task';
import type { Command } from 'commander';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { Capture, caseFolders, runCaptured } from '../test/captured-run.js';
import { makeProgram } from './program.js';
import type { Terminal } from './terminal.js';

const folders = caseFolders('onlysum-run-');
let cwd: string;

beforeEach(() => {
  cwd = folders.make();
});
afterAll(() => folders.remove());

const onlysum = (...args: string[]) => runCaptured(cwd, args);

/** The one JSON value of a command that succeeds. */
async function json(...args: string[]): Promise<Record<string, unknown>> {
  const { code, out, err } = await onlysum(...args, '--json');
  expect({ code, err: code === 0 ? '' : err }).toEqual({ code: 0, err: '' });
  expect(out.split('\n')).toHaveLength(2);
  return JSON.parse(out) as Record<string, unknown>;
}

function editManifest(change: (manifest: Manifest) => object): void {
  const path = join(cwd, 'manifest.json');
  const manifest = JSON.parse(readFileSync(path, 'utf8')) as Manifest;
  writeFileSync(path, JSON.stringify({ ...manifest, ...change(manifest) }));
}

describe('help', () => {
  const commands: Command[] = [];
  const terminal: Terminal = { out: new Capture(), err: new Capture(), env: {}, cwd: '/' };
  const collect = (command: Command) => {
    commands.push(command);
    for (const sub of command.commands) collect(sub);
  };
  collect(makeProgram(terminal, () => undefined));
  const paths = commands.map((command) => {
    const names: string[] = [];
    for (let at: Command | null = command; at?.parent; at = at.parent) names.unshift(at.name());
    return names;
  });

  it.each(paths)('shows an example: %s %s', async (...path) => {
    const { code, out, err } = await onlysum(
      ...path.filter((name) => name !== undefined),
      '--help',
    );
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/Examples?:\n {2}/);
    expect(out).toContain('onlysum');
  });

  it('says that a store is a folder', async () => {
    for (const path of [['device', 'receipts'], ['registrar'], ['registrar', 'codes']]) {
      expect((await onlysum(...path, '--help')).out).toMatch(/--store <folder> +folder of /);
    }
  });

  it('claims no more of a receipt than is checked', async () => {
    const { out } = await onlysum('device', 'receipts', '--help');
    expect(out).toMatch(/registrar signed the roster, U2 .* and U3/);
    expect(out).toMatch(/its own record, which nobody has signed/);
  });

  it('comes on standard error, with code 2, where a command is missing', async () => {
    for (const args of [[], ['manifest'], ['device']]) {
      const { code, out, err } = await onlysum(...args);
      expect([code, out]).toEqual([2, '']);
      expect(err).toContain('Usage:');
    }
  });

  it('prints the version of the package', async () => {
    const { version } = JSON.parse(
      readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
    ) as { version: string };
    expect(await onlysum('--version')).toEqual({ code: 0, out: `${version}\n`, err: '' });
  });
});

describe('refusals', () => {
  it.each<[string[], string, RegExp]>([
    [['unknown'], 'flag-invalid', /unknown command 'unknown'/],
    [['init', '--unknown'], 'flag-invalid', /unknown option '--unknown'/],
    [['init', 'a', 'b'], 'flag-invalid', /too many arguments/],
    [['manifest', 'check', '--enrolled'], 'flag-invalid', /'--enrolled <N>' argument missing/],
    [['manifest', 'check', '--enrolled', '0'], 'flag-invalid', /--enrolled: expected an integer/],
    [['manifest', 'check'], 'file-unreadable', /manifest\.json: expected a file .* no such file/],
    [['manifest', 'sign'], 'file-unreadable', /manifest\.json/],
    [['registrar', '--port', '65536'], 'flag-invalid', /--port: expected an integer .*"65536"/],
    [['registrar', '--config', 'none.yaml'], 'file-unreadable', /none\.yaml/],
    [['registrar'], 'setting-missing', /registrar\.key: .*--key/],
    [['registrar', 'codes'], 'flag-invalid', /required option '--count <N>' not specified/],
    [['registrar', 'codes', '--count', '10001'], 'flag-invalid', /--count: .*"10001"/],
    [['registrar', 'codes', '--count', '1'], 'setting-missing', /registrar\.store/],
    [['registrar', 'codes', '--count', '1', '--store', 's'], 'store-missing', /\/s: expected/],
    [['registrar', 'codes', '--count', '1', '--store', '.'], 'store-missing', /a folder without/],
    [['registrar', 'revoke', '0'.repeat(64), '--store', '.'], 'store-missing', /a folder without/],
    [['registrar', 'new-incarnation', '--store', '.'], 'store-missing', /a folder without/],
    [['registrar', 'revoke', 'zz'], 'flag-invalid', /pseudonym: expected/],
    [['registrar', 'revoke'], 'flag-invalid', /pseudonym: expected one, or --licence ISSUER/],
    [['registrar', 'revoke', '--licence', 'a'], 'flag-invalid', /--licence: expected ISSUER SUB/],
    [['audit', 'log', '--of', 'registrar', '--store', '.'], 'store-missing', /a folder without/],
    [['registrar', 'rotate-key'], 'setting-missing', /registrar\.key/],
    [['coordinator'], 'setting-missing', /coordinator\.key/],
    [['coordinator', '--key', 'k'], 'setting-missing', /--registrar-url/],
    [['coordinator', '--key', 'k', '--embed-registrar'], 'setting-missing', /line registrar\.key/],
    [['coordinator', '--registrar-url', 'ftp://x'], 'flag-invalid', /--registrar-url/],
    [['coordinator', '--registrar-url', 'http://x.org'], 'flag-invalid', /--registrar-url/],
    [['coordinator', '--result-file', 'x'], 'flag-invalid', /unknown option '--result-file'/],
    [['device', 'enrol'], 'flag-invalid', /code: expected either a code or --token-file FILE/],
    [['device', 'enrol', 'c'], 'setting-missing', /device\.manifest/],
    [['device', 'enrol', 'c', '--publisher', 'AB'], 'flag-invalid', /--publisher/],
    [['device', 'submit', '--set', 'x'], 'flag-invalid', /--set: expected name=value/],
    [['device', 'submit', '--timeout', '-1'], 'flag-invalid', /--timeout/],
    [['demo', '--devices', 'many'], 'flag-invalid', /--devices/],
    [['demo', '--corrupt-lane', '1.5'], 'flag-invalid', /--corrupt-lane/],
  ])('%j', async (args, code, message) => {
    const plain = await onlysum(...args);
    expect(plain.out).toBe('');
    expect(plain.err).toMatch(message);
    expect(plain.err.trimEnd().split('\n')).toHaveLength(1);
    expect(plain.err).toContain(`[${code}]`);
    expect(plain.code).toBe(2);
    // Anything after a flag that takes a value would be its value.
    const asJson = await onlysum(...args.slice(0, 1), '--json', ...args.slice(1));
    expect(asJson.code).toBe(2);
    expect(asJson.out.split('\n')).toHaveLength(2);
    expect(JSON.parse(asJson.out)).toHaveProperty('error.code');
  });

  it('one JSON value tells code, field, what came and what was expected', async () => {
    const { out } = await onlysum('manifest', 'check', '--json', '--enrolled', 'x');
    expect(JSON.parse(out)).toEqual({
      error: {
        code: 'flag-invalid',
        message: '--enrolled: expected an integer from 1 to 10000000, got "x"',
        field: '--enrolled',
        expected: 'an integer from 1 to 10000000',
        got: '"x"',
        retryable: false,
      },
    });
  });
});

describe('init, manifest check, sign and show', () => {
  it('writes keys of the owner only, and a manifest that passes', async () => {
    const { files, publicKeys } = await jsonOfInit();
    expect(files.map((path) => path.slice(cwd.length + 1)).sort()).toEqual([
      '.gitignore',
      'keys/coordinator.json',
      'keys/publisher.json',
      'keys/registrar.json',
      'manifest.json',
      'onlysum.yaml',
    ]);
    for (const role of ['publisher', 'registrar', 'coordinator']) {
      const path = join(cwd, `keys/${role}.json`);
      expect(statSync(path).mode & 0o777).toBe(0o600);
      const key = JSON.parse(readFileSync(path, 'utf8')) as Record<string, string>;
      expect(key['publicKey']).toBe(publicKeys[role]);
    }
    const report = await onlysum('manifest', 'check', '--json');
    expect(JSON.parse(report.out)).toMatchObject({ ok: true, signed: false, problems: [] });
    expect((await onlysum('manifest', 'check')).code).toBe(0);
  });

  it('keeps keys and stores out of version control, and says so where a .gitignore is', async () => {
    await jsonOfInit();
    const ignored = readFileSync(join(cwd, '.gitignore'), 'utf8').split('\n');
    for (const folder of ['keys/', 'registrar-store/', 'coordinator-store*', 'device/'])
      expect(ignored).toContain(folder);
    const own = join(cwd, 'own');
    mkdirSync(own);
    writeFileSync(join(own, '.gitignore'), 'dist\n');
    const { code, err } = await onlysum('init', 'own');
    expect(code).toBe(0);
    expect(err).toMatch(/\.gitignore is there: add keys\/, registrar-store\//);
    expect(readFileSync(join(own, '.gitignore'), 'utf8')).toBe('dist\n');
  });

  it('overwrites nothing', async () => {
    await jsonOfInit();
    const before = readFileSync(join(cwd, 'keys/publisher.json'), 'utf8');
    const { code, err } = await onlysum('init');
    expect(code).toBe(2);
    expect(err).toMatch(/manifest\.json: expected no such file yet/);
    expect(readFileSync(join(cwd, 'keys/publisher.json'), 'utf8')).toBe(before);
  });

  it('signs, and what is signed is checked and shown', async () => {
    await jsonOfInit();
    const signed = await json('manifest', 'sign');
    expect(signed['file']).toBe(join(cwd, 'manifest.signed.json'));
    const shown = await json('manifest', 'show', 'manifest.signed.json');
    expect(shown).toMatchObject({ signed: true, taskId: signed['taskId'] });
    const { out } = await onlysum('manifest', 'show', 'manifest.signed.json');
    expect(out).toContain('Find out where the product is slow or unstable.');
    expect(out).toContain('10 minutes, in epochs of 1 day');
  });

  it('refuses a manifest that was changed after signing, with the name of the file', async () => {
    await jsonOfInit();
    await json('manifest', 'sign');
    const path = join(cwd, 'manifest.signed.json');
    writeFileSync(path, readFileSync(path, 'utf8').replace('"attempts": 3', '"attempts": 4'));
    for (const command of ['check', 'show']) {
      const { code, err } = await onlysum('manifest', command, 'manifest.signed.json');
      expect(code).toBe(2);
      expect(err).toMatch(/manifest\.signed\.json: .*\[manifest-signature\]/);
    }
  });

  it('names the field of a manifest that is wrong', async () => {
    await jsonOfInit();
    editManifest(() => ({ attempts: 0 }));
    for (const command of ['check', 'sign', 'show']) {
      const { code, err } = await onlysum('manifest', command);
      expect(code).toBe(2);
      expect(err).toMatch(/attempts: expected an integer from 1 to 16, got 0 \[manifest-invalid\]/);
    }
  });

  it('fails for a manifest under which no round could run, and still reports it', async () => {
    await jsonOfInit();
    editManifest(({ assumptions }) => ({
      assumptions: { ...assumptions, dropout: 700 },
    }));
    const { code, out, err } = await onlysum('manifest', 'check', '--json');
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ ok: false, problems: [expect.any(String)] });
    expect(err).toContain('[parameters-infeasible]');
    expect((await onlysum('manifest', 'check')).out).toContain('none is safe');
  });

  it('replaces a signed manifest by a higher version only, or by force', async () => {
    await jsonOfInit();
    await json('manifest', 'sign');
    await json('manifest', 'sign');
    editManifest(() => ({ attempts: 4 }));
    expect((await onlysum('manifest', 'sign')).err).toContain('[version-not-raised]');
    editManifest(() => ({ version: 2 }));
    await json('manifest', 'sign');
    editManifest(() => ({ version: 1 }));
    expect((await onlysum('manifest', 'sign')).err).toContain('[manifest-rollback]');
    await json('manifest', 'sign', '--force');
  });

  it('warns of a key that others can read', async () => {
    await jsonOfInit();
    const key = join(cwd, 'keys/publisher.json');
    chmodSync(key, 0o640);
    const { code, err } = await onlysum('manifest', 'sign');
    expect(code).toBe(0);
    expect(err).toBe(`warning: ${key} can be read by others than its owner: chmod 600 it\n`);
  });

  it('signs with no key but the publisher’s', async () => {
    await jsonOfInit();
    const { code, err } = await onlysum('manifest', 'sign', '--key', 'keys/registrar.json');
    expect(code).toBe(2);
    expect(err).toContain('[publisher-mismatch]');
    const [publisher, registrar] = ['publisher', 'registrar'].map(publicKeyOf);
    expect(err).toMatch(
      new RegExp(
        `--key ${cwd}/keys/registrar.json: expected the key of the publisher that ${cwd}/manifest.json ` +
          `names, ${publisher}, got ${registrar}, which is the registrar's`,
      ),
    );
  });

  it('says of a manifest that it is signed already, or not yet', async () => {
    await jsonOfInit();
    await json('manifest', 'sign');
    const again = await onlysum('manifest', 'sign', 'manifest.signed.json');
    expect([again.code, again.err]).toEqual([
      2,
      expect.stringMatching(/one that is signed already/),
    ]);
    const unsigned = await onlysum('device', 'preview', '--manifest', 'manifest.json');
    expect(unsigned.code).toBe(2);
    expect(unsigned.err).toContain(`${cwd}/manifest.json: not signed: run 'onlysum manifest sign'`);
  });

  it.each(['registrar', 'coordinator'])(
    'starts no %s with the key of another role',
    async (role) => {
      await jsonOfInit();
      await json('manifest', 'sign');
      const { code, err } = await onlysum(role, '--key', 'keys/publisher.json');
      expect(code).toBe(2);
      const [own, got] = [role, 'publisher'].map(publicKeyOf);
      expect(err).toContain(
        `--key ${cwd}/keys/publisher.json: expected the key of the ${role} that ` +
          `${cwd}/manifest.signed.json names, ${own}, got ${got}, which is the publisher's`,
      );
      expect(err).not.toContain('the seed of');
      expect(existsSync(join(cwd, 'registrar-store'))).toBe(false);
    },
  );

  it('names the line of an embedded registrar’s key, not the flag of the coordinator’s', async () => {
    await jsonOfInit();
    await json('manifest', 'sign');
    const path = join(cwd, 'onlysum.yaml');
    const lines = readFileSync(path, 'utf8').replace('keys/registrar.json', 'keys/publisher.json');
    writeFileSync(path, lines);
    const { code, err } = await onlysum('coordinator', '--embed-registrar');
    expect(code).toBe(2);
    expect(err).toContain(
      `registrar.key ${cwd}/keys/publisher.json: expected the key of the registrar`,
    );
    expect(err).not.toContain('--key');
  });

  it('shows both publishers whole', async () => {
    await jsonOfInit();
    await json('manifest', 'sign');
    const pinned = `${'0a'.repeat(31)}0b`;
    const { err } = await onlysum('device', 'preview', '--publisher', pinned);
    expect(err).toContain(`${cwd}/manifest.signed.json: publisher: expected the key ${pinned}`);
    expect(err).toContain(`got "${publicKeyOf('publisher')}"`);
  });

  it('makes no record for a device that is only looked at, or not enrolled', async () => {
    await jsonOfInit();
    await json('manifest', 'sign');
    for (const command of ['preview', 'receipts', 'submit']) {
      const { code, err } = await onlysum('device', command, '--store', 'none');
      expect(code).toBe(2);
      expect(err).toMatch(/\/none: expected a device's record, got none there.*\[store-missing\]/);
    }
    expect(existsSync(join(cwd, 'none'))).toBe(false);
  });

  it('tells a device that never enrolled how to, in the words of the command', async () => {
    await jsonOfInit();
    await json('manifest', 'sign');
    // Nobody is there: the record begins, and the code stays good.
    const where = ['--store', 'd1', '--registrar-url', 'http://127.0.0.1:1'];
    expect((await onlysum('device', 'enrol', 'code', ...where)).code).toBe(1);
    const { code, err } = await onlysum('device', 'submit', ...where);
    expect(code).toBe(2);
    expect(err).toMatch(/d1 is not enrolled: run 'onlysum device enrol CODE'.*\[not-enrolled\]/);
  });

  it('names a file once, and where in it something is wrong', async () => {
    writeFileSync(join(cwd, 'onlysum.yaml'), 'registrar:\n  port: [1\n');
    const yaml = await onlysum('registrar');
    expect(yaml.err.split(`${cwd}/onlysum.yaml`)).toHaveLength(2);
    writeFileSync(join(cwd, 'manifest.json'), '{\n  "a": 1,\n}');
    expect((await onlysum('manifest', 'check')).err).toMatch(
      /got something else at line 3, column 1/,
    );
  });

  function publicKeyOf(role: string): string {
    const text = readFileSync(join(cwd, `keys/${role}.json`), 'utf8');
    return (JSON.parse(text) as { publicKey: string }).publicKey;
  }

  async function jsonOfInit(): Promise<{ files: string[]; publicKeys: Record<string, string> }> {
    const { code, out, err } = await onlysum('init', '--json');
    expect(code).toBe(0);
    expect(err).toMatch(/^warning: the keys lie in the clear/);
    return JSON.parse(out) as { files: string[]; publicKeys: Record<string, string> };
  }
});
