import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nativeSuite } from '@onlysum/crypto/node';
import { afterAll, describe, expect, it } from 'vitest';
import { type AuditEntry, type AuditHead, EMPTY_HEAD, nextEntry } from './audit-chain.js';
import {
  auditLine,
  formatAuditHead,
  type KnownHeads,
  parseAuditHead,
  verifyAuditFile,
} from './audit-file.js';

const folder = mkdtempSync(join(tmpdir(), 'onlysum-audit-file-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const LENGTH = 9;
const headOf = ({ sequence, digest }: AuditEntry): AuditHead => ({ sequence, digest });
const log = chain(LENGTH);
const LINES = log.map(auditLine);
const PLACES = [
  ['first', 0],
  ['middle', 4],
  ['last', LENGTH - 1],
] as const;

/** @param from - entries from here on say something else. */
function chain(length: number, from = length): AuditEntry[] {
  const entries: AuditEntry[] = [];
  for (let i = 0; i < length; i++) {
    const event = {
      action: 'result.read',
      actor: i < from ? `token-${i}` : 'somebody else',
      ...(i % 2 === 0 ? {} : { subject: 'telemetry' }),
      outcome: 'done',
      ...(i % 3 === 0 ? {} : { details: { window: i, whole: true, metric: 'größe\u2028"' } }),
    } as const;
    const last = entries.at(-1);
    entries.push(nextEntry(nativeSuite, last === undefined ? EMPTY_HEAD : headOf(last), event, i));
  }
  return entries;
}

let files = 0;
function verify(content: string | readonly string[], kept?: AuditHead) {
  const path = join(folder, `log-${files++}`);
  writeFileSync(path, typeof content === 'string' ? content : content.join(''));
  return verifyAuditFile(nativeSuite, path, kept === undefined ? {} : { heads: [kept] });
}

describe('an audit log in a file', () => {
  it('holds as it was written, with or without the last line’s end', async () => {
    const head = headOf(log.at(-1)!);
    const expected = { entries: LENGTH, head, headsBefore: 0, fault: undefined };
    expect(await verify(LINES)).toEqual(expected);
    expect(await verify(LINES.join('').trimEnd())).toEqual(expected);
    expect(await verify('')).toMatchObject({ entries: 0, head: EMPTY_HEAD, fault: undefined });
  });

  it('is followed over many chunks', async () => {
    const long = chain(2000);
    const report = await verify(long.map(auditLine));
    expect(report).toMatchObject({ entries: 2000, head: headOf(long.at(-1)!), fault: undefined });
  });

  describe.each(PLACES)('shows at its %s entry', (_, i) => {
    const fault = (reason: string, line = i + 1, sequence = i + 1) =>
      expect.objectContaining({ reason, line, sequence });

    it.each(['action', 'actor', 'outcome', 'atMs', 'subject', 'details'] as const)(
      'an edit of %s',
      async (field) => {
        const value = { atMs: 77, outcome: 'refused', details: { window: 99 } }[field as 'atMs'];
        const edited = { ...log[i]!, [field]: value ?? 'other' } as AuditEntry;
        expect((await verify(LINES.with(i, auditLine(edited)))).fault).toEqual(fault('edited'));
      },
    );

    it.each(['sequence', 'previous', 'digest'] as const)('an edit of %s', async (field) => {
      const value = field === 'sequence' ? 55 : 'ab'.repeat(32);
      const edited = { ...log[i]!, [field]: value } as AuditEntry;
      const { fault: found } = await verify(LINES.with(i, auditLine(edited)));
      expect(found).toMatchObject({ line: i + 1 });
      expect(found?.reason).toBe(field === 'digest' ? 'edited' : 'missing-or-moved');
    });

    it('a copy in its place, from another log', async () => {
      const other = chain(LENGTH, 0).map(auditLine);
      const { fault: found } = await verify(LINES.with(i, other[i]!));
      // The first entry of another log begins a log as well: what comes after it does not follow.
      expect(found).toMatchObject({ reason: 'missing-or-moved', line: i === 0 ? 2 : i + 1 });
    });

    it('that one comes twice', async () => {
      const { fault: found } = await verify(LINES.toSpliced(i, 0, LINES[i]!));
      expect(found).toEqual(fault('missing-or-moved', i + 2, i + 1));
    });

    it('that it was removed', async () => {
      const { fault: found, head } = await verify(LINES.toSpliced(i, 1), headOf(log.at(-1)!));
      if (i === LENGTH - 1) {
        expect(found).toEqual(
          expect.objectContaining({ reason: 'truncated', line: undefined, sequence: LENGTH }),
        );
      } else {
        expect(found).toEqual(fault('missing-or-moved', i + 1, i + 2));
      }
      expect(head.sequence).toBe(i);
    });

    it('that two changed places', async () => {
      const j = i === LENGTH - 1 ? i - 1 : i;
      const moved = LINES.with(j, LINES[j + 1]!).with(j + 1, LINES[j]!);
      expect((await verify(moved)).fault).toEqual(fault('missing-or-moved', j + 1, j + 2));
    });

    it('that the log was written anew from there, to whoever kept a later head', async () => {
      const anew = chain(LENGTH, i);
      expect((await verify(anew.map(auditLine))).fault).toBeUndefined();
      for (const kept of log.slice(i)) {
        const { fault: found } = await verify(anew.map(auditLine), headOf(kept));
        expect(found).toMatchObject({ reason: 'rewritten', sequence: kept.sequence });
      }
      for (const kept of log.slice(0, i)) {
        expect((await verify(anew.map(auditLine), headOf(kept))).fault).toBeUndefined();
      }
    });

    it.each([
      ['an unknown field', (line: string) => line.replace('{', '{"aaa":1,')],
      ['a missing field', (line: string) => line.replace(/"outcome":"\w+",/, '')],
      ['a field twice', (line: string) => line.replace('{', '{"action":"task.kill",')],
      ['white space', (line: string) => line.replace(',', ', ')],
      ['a fraction', (line: string) => line.replace(/"atMs":\d+/, '"atMs":0.5')],
      ['a number spelt otherwise', (line: string) => line.replace(/"sequence":/, '"sequence":0')],
      ['a wrong outcome', (line: string) => line.replace('"done"', '"maybe"')],
      ['a nested detail', (line: string) => line.replace('{', '{"details":{"a":{}},')],
      ['half a line', (line: string) => `${line.slice(0, 40)}\n`],
      ['no JSON', () => 'entry\n'],
      ['an empty line', () => '\n'],
      ['a line without end', () => `${'x'.repeat(200_000)}\n`],
    ])('%s', async (_name, spoil) => {
      const { fault: found } = await verify(LINES.with(i, spoil(LINES[i]!)));
      expect(found).toMatchObject({ reason: 'malformed', line: i + 1, sequence: undefined });
    });
  });

  describe('whose oldest entries were deleted', () => {
    const path = join(folder, 'deleted');
    const base = headOf(log[3]!);
    const follow = (known: KnownHeads) => {
      writeFileSync(path, LINES.slice(4).join(''));
      return verifyAuditFile(nativeSuite, path, known);
    };

    it('follows the last of them, and nothing else', async () => {
      const { entries, head, fault } = await follow({ base });
      expect([entries, head, fault]).toEqual([LENGTH - 4, headOf(log.at(-1)!), undefined]);
      for (const wrong of [undefined, headOf(log[2]!), { ...base, digest: '1'.repeat(64) }]) {
        const { fault: found } = await follow(wrong === undefined ? {} : { base: wrong });
        expect(found).toMatchObject({ reason: 'missing-or-moved', line: 1 });
      }
    });

    it('counts the heads that it is too short for, and looks for the others', async () => {
      const heads = [headOf(log[1]!), headOf(log[2]!), base, headOf(log[6]!)];
      expect(await follow({ base, heads })).toMatchObject({ headsBefore: 2, fault: undefined });
      const other = { sequence: base.sequence, digest: '1'.repeat(64) };
      const { fault } = await follow({ base, heads: [other] });
      expect(fault).toMatchObject({ reason: 'rewritten', sequence: base.sequence });
    });
  });

  it('must have every head that was seen, however many tell of one entry', async () => {
    const path = join(folder, 'many-heads');
    writeFileSync(path, LINES.join(''));
    const heads = log.flatMap((entry) => [headOf(entry), headOf(entry)]);
    expect((await verifyAuditFile(nativeSuite, path, { heads })).fault).toBeUndefined();
    const forked = [...heads, { sequence: 5, digest: '2'.repeat(64) }];
    for (const base of [EMPTY_HEAD, headOf(log[7]!)]) {
      const { fault } = await verifyAuditFile(nativeSuite, path, { base, heads: forked });
      expect(fault).toMatchObject({ reason: 'forked', sequence: 5 });
    }
  });

  it('has by then what whoever got a head was told of', async () => {
    const path = join(folder, 'told');
    writeFileSync(path, LINES.join(''));
    const telling = (at: number, subject: string, action = 'result.read') => ({
      ...headOf(log[at]!),
      tells: { action, subject },
    });
    const faultOf = async (...heads: ReturnType<typeof telling>[]) =>
      (await verifyAuditFile(nativeSuite, path, { heads })).fault;
    // Every second entry is about it, from the second one on.
    expect(await faultOf(telling(1, 'telemetry'), telling(8, 'telemetry'))).toBeUndefined();
    const leftOut = (sequence: number) => expect.objectContaining({ reason: 'left-out', sequence });
    expect(await faultOf(telling(0, 'telemetry'))).toEqual(leftOut(1));
    expect(await faultOf(telling(8, 'other'))).toEqual(leftOut(9));
    expect(await faultOf(telling(8, 'telemetry', 'task.killed'))).toEqual(leftOut(9));
    expect(await faultOf(telling(8, 'telemetry'), telling(8, 'other'))).toEqual(leftOut(9));
    const empty = { ...EMPTY_HEAD, tells: { action: 'result.read', subject: 'telemetry' } };
    expect(await faultOf(empty)).toEqual(leftOut(0));
  });

  it('has no line longer than an entry can be', async () => {
    const event = { action: 'a', actor: 'x'.repeat(70_000), outcome: 'done' } as const;
    const long = auditLine(nextEntry(nativeSuite, EMPTY_HEAD, event, 0));
    expect((await verify(long)).fault).toMatchObject({ reason: 'malformed', line: 1 });
  });

  it('is told from another one by the empty head alone only if that is wrong', async () => {
    expect((await verify(LINES, EMPTY_HEAD)).fault).toBeUndefined();
    const wrong = { sequence: 0, digest: '1'.repeat(64) };
    expect((await verify(LINES, wrong)).fault).toMatchObject({ reason: 'rewritten' });
  });

  it('reads heads as it writes them, and nothing else', () => {
    const head = headOf(log[3]!);
    expect(parseAuditHead(formatAuditHead(head))).toEqual(head);
    for (const text of ['', '4', `4:${'A'.repeat(64)}`, `-1:${head.digest}`, `4:${head.digest} `]) {
      expect(() => parseAuditHead(text)).toThrow(expect.objectContaining({ code: 'audit-head' }));
    }
  });

  it('says when there is no file', async () => {
    await expect(verifyAuditFile(nativeSuite, join(folder, 'none'))).rejects.toMatchObject({
      code: 'audit-file-unreadable',
    });
    await expect(verifyAuditFile(nativeSuite, folder)).rejects.toMatchObject({
      code: 'audit-file-unreadable',
    });
  });
});
