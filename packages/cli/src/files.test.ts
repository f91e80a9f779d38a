import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { invalidField, UsageError } from '@onlysum/crypto';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { inFile, PRIVATE_MODE, readJson, replaceFile, writeNewFiles } from './files.js';

const root = mkdtempSync(join(tmpdir(), 'onlysum-files-'));
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(root, 'case-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

function caught(run: () => unknown): UsageError {
  try {
    run();
  } catch (error) {
    if (error instanceof UsageError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('writeNewFiles', () => {
  it('writes with the mode asked for, and makes folders that only the owner can enter for keys', () => {
    const path = join(folder, 'keys/a.json');
    writeNewFiles([{ path, text: 'a', mode: PRIVATE_MODE }]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'keys')).mode & 0o777).toBe(0o700);
  });

  it('writes none of them if one is there', () => {
    const taken = join(folder, 'b.json');
    writeFileSync(taken, 'old');
    const files = ['a.json', 'b.json'].map((name) => ({
      path: join(folder, name),
      text: 'new',
      mode: 0o644,
    }));
    const error = caught(() => writeNewFiles(files));
    expect([error.code, error.field]).toEqual(['file-exists', taken]);
    expect(readdirSync(folder)).toEqual(['b.json']);
    expect(readFileSync(taken, 'utf8')).toBe('old');
  });

  it('names a place that cannot be written', () => {
    writeFileSync(join(folder, 'file'), '');
    const path = join(folder, 'file/a.json');
    const error = caught(() => writeNewFiles([{ path, text: '', mode: 0o644 }]));
    expect([error.code, error.field]).toEqual(['file-unwritable', path]);
  });
});

describe('replaceFile', () => {
  it('replaces whole and leaves nothing else behind', () => {
    const path = join(folder, 'result.json');
    replaceFile(path, '1', PRIVATE_MODE);
    replaceFile(path, '2', PRIVATE_MODE);
    expect(readFileSync(path, 'utf8')).toBe('2');
    expect(readdirSync(folder)).toEqual(['result.json']);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('removes its partial file if it fails', () => {
    const path = join(folder, 'taken');
    writeNewFiles([{ path: join(path, 'inside'), text: '', mode: 0o644 }]);
    expect(caught(() => replaceFile(path, '', 0o644)).code).toBe('file-unwritable');
    expect(readdirSync(folder)).toEqual(['taken']);
  });
});

describe('reading', () => {
  it('names what is missing or a folder', () => {
    const path = join(folder, 'none.json');
    expect(caught(() => readJson(path)).message).toBe(
      `${path}: expected a file that can be read, got no such file`,
    );
    expect(caught(() => readJson(folder)).message).toContain('got a folder');
  });

  it('never quotes a file that is no JSON: it may be a key', () => {
    const path = join(folder, 'key.json');
    writeFileSync(path, '{"seed": "deadbeef",}');
    const error = caught(() => readJson(path));
    expect(error.code).toBe('file-invalid');
    expect(error.message).not.toContain('deadbeef');
    expect(error.message).toContain('at line 1, column 21');
  });

  it('puts the name of the file before an error about its content', () => {
    const error = caught(() =>
      inFile('m.json', () => {
        throw invalidField(UsageError, 'manifest-invalid', 'cohort.min', 'an integer', 'x');
      }),
    );
    expect(error).toMatchObject({
      code: 'manifest-invalid',
      field: 'cohort.min',
      expected: 'an integer',
      got: '"x"',
      message: 'm.json: cohort.min: expected an integer, got "x"',
    });
  });
});
