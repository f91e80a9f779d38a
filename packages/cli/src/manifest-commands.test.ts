/** The manifest commands as they are called: what they print, and their exit codes. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Manifest } from '@onlysum/task';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { caseFolders, runCaptured } from '../test/captured-run.js';
import { SKELLAM, everyKind, withNoise } from '../test/every-kind.js';

const folders = caseFolders('onlysum-manifest-');
let cwd: string;

beforeEach(() => {
  cwd = folders.make();
  write('manifest.json', everyKind);
});
afterAll(() => folders.remove());

const onlysum = (...args: string[]) => runCaptured(cwd, ['manifest', ...args]);
const write = (name: string, manifest: Manifest) =>
  writeFileSync(join(cwd, name), JSON.stringify(manifest));
const wider: Manifest = { ...everyKind, version: 4, attempts: 4 };

describe('manifest check', () => {
  it('shows noise, errors and the budget', async () => {
    write('manifest.json', withNoise(SKELLAM));
    const { code, out, err } = await onlysum('check');
    expect(code).toBe(0);
    expect(out).toContain('Noise: skellam, neighbours zero, ε 1 and δ 0.000001 a window');
    expect(out).toMatch(/pays for \d+ of the 30 windows in 30 days/);
    expect(out).toMatch(/written_mib\.value +│ +1 │ +1024 │ +1,020 │/);
    expect(out).toMatch(/active +│ share of yes +│ percentage points │ +too few │/);
    expect(out).toContain('10000 devices: the sums of 10 cohorts of 1000 added up');
    expect(err).not.toContain('privacy.mechanism is "none"');
  });

  it('has the same as JSON, in plain numbers', async () => {
    write('manifest.json', withNoise(SKELLAM));
    const { out } = await onlysum('check', '--json');
    const { noise } = JSON.parse(out) as { noise: { metrics: object[]; blocks: object[] } };
    expect(noise.metrics).toHaveLength(everyKind.metrics.length);
    expect(noise.blocks[0]).toMatchObject({ name: 'essential.respondents', l1: 1, l2: 1 });
  });

  it('shows no noise where there is none', async () => {
    const { out, err } = await onlysum('check');
    expect(out).not.toContain('Noise');
    expect(err).toContain('privacy.mechanism is "none"');
    expect(JSON.parse((await onlysum('check', '--json')).out)).not.toHaveProperty('noise');
  });
});

describe('manifest notice', () => {
  it('prints Markdown, or HTML, or writes a file', async () => {
    const { code, out } = await onlysum('notice');
    expect([code, out.slice(0, 31)]).toEqual([0, '# Privacy notice of acme-deskto']);
    expect((await onlysum('notice', '--markdown')).out).toBe(out);
    const html = (await onlysum('notice', '--html')).out;
    expect(html).toContain('<!doctype html>');
    const written = await onlysum('notice', '--html', '--out', 'notice.html');
    expect(written).toEqual({ code: 0, out: '', err: `Wrote ${join(cwd, 'notice.html')}\n` });
    expect(readFileSync(join(cwd, 'notice.html'), 'utf8')).toBe(html);
    expect(statSync(join(cwd, 'notice.html')).mode & 0o777).toBe(0o644);
    expect((await onlysum('notice', '--html', '--markdown')).code).toBe(2);
  });
});

describe('manifest inventory', () => {
  it('prints a table, CSV or JSON', async () => {
    expect((await onlysum('inventory')).out).toContain('essential (essential)');
    expect((await onlysum('inventory', '--csv')).out).toMatch(/^name,kind,.*\r\n/);
    const { elements } = JSON.parse((await onlysum('inventory', '--json')).out) as {
      elements: { name: string }[];
    };
    expect(elements.map(({ name }) => name)).toContain('crashes');
    expect((await onlysum('inventory', '--csv', '--json')).code).toBe(2);
  });
});

describe('manifest diff', () => {
  it('ends with 1 if the new one asks for more, with 0 else', async () => {
    write('new.json', wider);
    const { code, out } = await onlysum('diff', 'manifest.json', 'new.json');
    expect(code).toBe(1);
    expect(out).toMatch(/widens +│ attempts +│ 3 +│ 4/);
    expect(out).toContain('1 widen what is collected, 0 narrow it, 1 do neither');
    expect((await onlysum('diff', 'new.json', 'manifest.json')).code).toBe(0);
    const same = await onlysum('diff', 'manifest.json', 'manifest.json');
    expect(same).toEqual({ code: 0, out: 'No change.\n', err: '' });
    const json = await onlysum('diff', 'manifest.json', 'new.json', '--json');
    expect([json.code, JSON.parse(json.out)]).toEqual([
      1,
      {
        widens: true,
        changes: [
          { field: 'version', effect: 'neutral', before: '3', after: '4' },
          { field: 'attempts', effect: 'widens', before: '3', after: '4' },
        ],
      },
    ]);
  });

  it('ends with 2 if it asks for more without a higher version, or is no manifest', async () => {
    write('new.json', { ...wider, version: 3 });
    const { code, out, err } = await onlysum('diff', 'manifest.json', 'new.json');
    expect(code).toBe(2);
    expect(out).toContain('widens');
    expect(err).toContain('version: expected more than 3, as it asks for more (attempts), got 3');
    expect(err).toContain('[version-not-raised]');
    expect((await onlysum('diff', 'manifest.json', 'none.json')).code).toBe(2);
  });
});

describe('manifest schema and types', () => {
  it('print what the files in the repository have', async () => {
    const schema = readFileSync(
      new URL('../../../docs/manifest.schema.json', import.meta.url),
      'utf8',
    );
    expect((await onlysum('schema')).out).toBe(schema);
    const types = readFileSync(new URL('../test/golden/metrics.ts', import.meta.url), 'utf8');
    expect((await onlysum('types')).out).toBe(types);
  });
});

describe('manifest sign --previous', () => {
  it('refuses more without a higher version, whatever is forced', async () => {
    expect((await runCaptured(cwd, ['init', 'task'])).code).toBe(0);
    const folder = join(cwd, 'task');
    const inTask = (...args: string[]) => runCaptured(folder, ['manifest', ...args]);
    const path = join(folder, 'manifest.json');
    const template = JSON.parse(readFileSync(path, 'utf8')) as Manifest;
    writeFileSync(join(folder, 'old.json'), JSON.stringify(template));
    writeFileSync(path, JSON.stringify({ ...template, attempts: template.attempts + 1 }));
    for (const force of [[], ['--force']]) {
      const refused = await inTask('sign', '--previous', 'old.json', ...force);
      expect(refused.code).toBe(2);
      expect(refused.err).toContain('[version-not-raised]');
    }
    writeFileSync(
      path,
      JSON.stringify({ ...template, attempts: template.attempts + 1, version: 2 }),
    );
    expect((await inTask('sign', '--previous', 'old.json')).code).toBe(0);
  });
});
