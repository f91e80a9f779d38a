/** `audit verify`, as it is called. What it finds is tried in audit-file.test.ts of the service package. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nativeSuite } from '@onlysum/crypto/node';
import { type AuditEntry, auditLine, EMPTY_HEAD, nextEntry } from '@onlysum/service';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { caseFolders, runCaptured } from '../test/captured-run.js';

const folders = caseFolders('onlysum-audit-verify-');
let cwd: string;
beforeEach(() => {
  cwd = folders.make();
});
afterAll(() => folders.remove());

const log = ['task.kill', 'result.read', 'token.manage'].reduce<AuditEntry[]>((entries, action) => {
  const event = { action, actor: 'system', outcome: 'done' } as const;
  return [...entries, nextEntry(nativeSuite, entries.at(-1) ?? EMPTY_HEAD, event, 5)];
}, []);
const head = `3:${log[2]!.digest}`;
const write = (entries: readonly AuditEntry[]) =>
  writeFileSync(join(cwd, 'audit.jsonl'), entries.map(auditLine).join(''));
const verify = (...args: string[]) => runCaptured(cwd, ['audit', 'verify', 'audit.jsonl', ...args]);

describe('onlysum audit verify', () => {
  it('prints the head of a log that holds', async () => {
    write(log);
    const { code, out, err } = await verify('--head', `2:${log[1]!.digest}`);
    expect([code, out, err]).toEqual([
      0,
      `holds  3 entries\nhead   ${head}\nkept   1 head that was kept is on it\n`,
      '',
    ]);
    const { out: json } = await verify('--json');
    expect(JSON.parse(json)).toEqual({
      ok: true,
      entries: 3,
      head: { sequence: 3, digest: log[2]!.digest },
      heads: { given: 0, before: 0, receiptsWithout: 0 },
    });
  });

  it('prints line, sequence and reason of what does not, and ends with 1', async () => {
    write([log[0]!, { ...log[1]!, actor: 'nobody' }, log[2]!]);
    const { code, out, err } = await verify();
    expect([code, out]).toEqual([
      1,
      `holds  1 entries, then no more\nhead   1:${log[0]!.digest}\n`,
    ]);
    expect(err).toMatch(/line 2, entry 2: edited: .*\[audit-failed\]/);
    const json = await verify('--json');
    expect(json.code).toBe(1);
    expect(JSON.parse(json.out)).toMatchObject({
      ok: false,
      fault: { line: 2, sequence: 2, reason: 'edited' },
    });
  });

  it('finds by a head that was kept that the newest entries are gone', async () => {
    write(log.slice(0, 2));
    expect((await verify()).code).toBe(0);
    const { code, err } = await verify('--head', head);
    expect([code, err]).toEqual([1, expect.stringContaining('entry 3: truncated')]);
  });

  it('refuses a file without an entry, but after a base: a failed export leaves such a one', async () => {
    write([]);
    expect(await verify()).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringContaining('[file-invalid]'),
    });
    expect((await verify('--head', head)).code).toBe(1);
    expect((await verify('--base', head)).code).toBe(0);
  });

  it('refuses what is no head, and no file', async () => {
    write(log);
    expect(await verify('--head', '3')).toMatchObject({
      code: 2,
      err: expect.stringContaining('[audit-head]'),
    });
    const { code, err } = await runCaptured(cwd, ['audit', 'verify', 'none']);
    expect([code, err]).toEqual([2, expect.stringContaining('[audit-file-unreadable]')]);
  });
});
