import { execFileSync, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { clientStoreContract } from '@onlysum/testkit';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { type ClientRecord, emptyRecord } from '../record.js';
import { fileStore } from './file-store.js';
import { encodeGeneration } from './record-file.js';

// Other processes run the build, as they would in a product.
const BUILD = new URL('../../dist/node/file-store.js', import.meta.url).href;
const root = mkdtempSync(join(tmpdir(), 'onlysum-store-'));
let opened = 0;
const freshPath = (): string => join(root, `device.${opened++}`);

afterAll(() => rm(root, { recursive: true, force: true }));

const PUBLISHER = 'cd'.repeat(32);
const SEAL_KEY = new Uint8Array(32).fill(7);

function count(record: ClientRecord, name = 'n'): number {
  return record.versions[PUBLISHER]?.[name] ?? 0;
}

/** Sets all of `names` to one more. */
function bump(record: ClientRecord, ...names: string[]): ClientRecord {
  const next = Object.fromEntries(names.map((name) => [name, count(record, name) + 1]));
  const own = { ...record.versions[PUBLISHER], ...next };
  return { ...record, versions: { ...record.versions, [PUBLISHER]: own } };
}

/** Source of a process: `store` is open on the path it is given, `bump` as above. */
function program(body: string): string[] {
  const source = `
    import { fileStore } from ${JSON.stringify(BUILD)};
    const PUBLISHER = ${JSON.stringify(PUBLISHER)};
    const count = ${count.toString()};
    const bump = ${bump.toString()};
    const [path, argument] = process.argv.slice(1);
    const store = fileStore(path);
    ${body}
  `;
  return ['--input-type=module', '-e', source];
}

function start(body: string, path: string, argument = '') {
  const args = [...program(body), path, argument];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const exited = once(child, 'close').then(([code]) => ({ code: code as number | null, output }));
  return { child, exited, output: () => output };
}

async function files(path: string, prefix: string): Promise<string[]> {
  return (await readdir(path)).filter((name) => name.startsWith(prefix)).sort();
}

async function newestFile(path: string): Promise<string> {
  return join(path, (await files(path, 'record-')).at(-1) ?? 'none');
}

clientStoreContract('files', async () => {
  const path = freshPath();
  return { store: fileStore(path), another: () => fileStore(path) };
});

clientStoreContract('sealed files', async () => {
  const path = freshPath();
  const open = () => fileStore(path, { sealKey: SEAL_KEY });
  return { store: open(), another: open };
});

describe('between processes', () => {
  it('loses no change of four processes that race', async () => {
    const path = freshPath();
    const body = `
      for (let i = 0; i < 25; i++) await store.update((record) => [bump(record, 'n'), undefined]);
    `;
    const children = Array.from({ length: 4 }, () => start(body, path));
    for (const { exited } of children) expect((await exited).code).toBe(0);
    expect(count(await fileStore(path).read())).toBe(4 * 25);
  });

  it('gives one window to exactly one of those who race for it', async () => {
    const path = freshPath();
    const body = `
      const mine = [];
      for (let window = 0; window < 20; window++) {
        const won = await store.update((record) => {
          const until = record.contributedUntil[PUBLISHER]?.m ?? 0;
          if (window < until) return [record, false];
          const contributedUntil = { [PUBLISHER]: { m: window + 1 } };
          return [{ ...record, contributedUntil }, true];
        });
        if (won) mine.push(window);
      }
      console.log(JSON.stringify(mine));
    `;
    const children = Array.from({ length: 3 }, () => start(body, path));
    const won: number[] = [];
    for (const { exited } of children) won.push(...(JSON.parse((await exited).output) as number[]));
    // A process that runs ahead may take windows that another has not come to yet; none goes twice.
    expect([...won].sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });

  it('has the old or the new record, and nothing locked, after SIGKILL at any moment', async () => {
    const path = freshPath();
    const body = `
      for (;;) {
        const done = await store.update((record) => {
          const next = bump(record, 'a', 'b');
          return [next, count(next, 'a')];
        });
        process.stdout.write(done + '\\n');
      }
    `;
    let before = 0;
    for (let kill = 0; kill < 12; kill++) {
      const { child, exited, output } = start(body, path);
      while (!output().includes('\n')) await new Promise((resume) => setTimeout(resume, 5));
      await new Promise((resume) => setTimeout(resume, randomInt(30)));
      child.kill('SIGKILL');
      await exited;
      const acknowledged = Number(output().trimEnd().split('\n').at(-1));
      const record = await fileStore(path).read();
      expect(count(record, 'b')).toBe(count(record, 'a'));
      expect(count(record, 'a') - acknowledged).toBeOneOf([0, 1]);
      expect(acknowledged).toBeGreaterThan(before);
      before = count(record, 'a');
    }
    const store = fileStore(path);
    await store.update((record) => [bump(record, 'a', 'b'), undefined]);
    expect(count(await store.read(), 'a')).toBe(before + 1);
  });

  it('waits for others by the CSPRNG, as for everything else', async () => {
    const path = freshPath();
    const foretold = vi.spyOn(Math, 'random').mockReturnValue(0.5);
    let tries = 0;
    const changes = Array.from({ length: 8 }, () =>
      fileStore(path).update((record) => {
        tries++;
        return [bump(record, 'n'), undefined];
      }),
    );
    await Promise.all(changes);
    expect(tries).toBeGreaterThan(changes.length);
    expect(foretold).not.toHaveBeenCalled();
    foretold.mockRestore();
  });

  it('does not count a change on a record that is no longer the newest, though its name is free', async () => {
    const path = freshPath();
    const store = fileStore(path);
    await store.update((record) => [bump(record, 'n'), undefined]);
    const others = program(`
      for (let i = 0; i < 10; i++) await store.update((record) => [bump(record, 'n'), undefined]);
    `);
    let isFirst = true;
    const seen = await store.update((record) => {
      // As if this process had been stopped here while others went on and cleaned up behind them.
      if (isFirst) execFileSync(process.execPath, [...others, path]);
      isFirst = false;
      return [bump(record, 'n'), count(record)];
    });
    expect(seen).toBe(11);
    expect(count(await store.read())).toBe(12);
  });

  it('says that it cannot tell after too many changes of others', async () => {
    const path = freshPath();
    const store = fileStore(path);
    await store.update((record) => [bump(record, 'n'), undefined]);
    const others = program(`
      for (let i = 0; i < 70; i++) await store.update((record) => [bump(record, 'n'), undefined]);
    `);
    const late = store.update((record) => {
      execFileSync(process.execPath, [...others, path]);
      return [bump(record, 'n'), undefined];
    });
    await expect(late).rejects.toMatchObject({ code: 'store-failed', retryable: true });
    expect(count(await store.read())).toBe(71);
  });
});

describe('on disk', () => {
  it('is private, and keeps few files', async () => {
    const path = freshPath();
    const store = fileStore(path);
    for (let i = 0; i < 12; i++) await store.update((record) => [bump(record, 'n'), undefined]);
    expect((await stat(path)).mode & 0o777).toBe(0o700);
    const names = await readdir(path);
    expect(names.length).toBeLessThanOrEqual(5);
    for (const name of names) expect((await stat(join(path, name))).mode & 0o777).toBe(0o600);
  });

  it('leaves nothing of earlier records when it is closed', async () => {
    const path = freshPath();
    const store = fileStore(path);
    for (let i = 0; i < 3; i++)
      await store.update((record) => [bump(record, `old${i}`), undefined]);
    await store.update(() => [bump(emptyRecord(), 'new'), undefined]);
    const watching = fileStore(path);
    await watching.read();
    await watching.close();
    expect(await readdir(path)).toHaveLength(4);
    await store.close();
    await store.close();
    const [name, ...others] = await readdir(path);
    expect(others).toEqual([]);
    expect(await readFile(join(path, name ?? ''), 'utf8')).not.toContain('old');
    expect(count(await fileStore(path).read(), 'new')).toBe(1);
  });

  it('writes nothing for a change that changes nothing', async () => {
    const path = freshPath();
    const store = fileStore(path);
    await store.update((record) => [bump(record, 'n'), undefined]);
    const before = await newestFile(path);
    await store.update((record) => [record, undefined]);
    expect(await newestFile(path)).toBe(before);
  });

  it('removes what a killed process left, once it is old', async () => {
    const path = freshPath();
    await mkdir(path);
    const [old, fresh] = [join(path, 'tmp-1-old'), join(path, 'tmp-1-fresh')];
    for (const file of [old, fresh]) await writeFile(file, 'half a reco');
    const hourAgo = new Date(Date.now() - 3_600_000);
    await utimes(old, hourAgo, hourAgo);
    const store = fileStore(path);
    expect(await store.read()).toEqual(emptyRecord());
    await store.update((record) => [bump(record, 'n'), undefined]);
    expect(await files(path, 'tmp-')).toEqual(['tmp-1-fresh']);
  });

  it('holds nothing readable when sealed, and other bytes each time', async () => {
    const path = freshPath();
    const store = fileStore(path, { sealKey: SEAL_KEY });
    const bodies = new Set<string>();
    for (let i = 0; i < 3; i++) {
      await store.update((record) => [bump(record, 'n'), undefined]);
      const text = (await readFile(await newestFile(path))).toString('latin1');
      expect(text).toMatch(/^onlysum-record 1 \d+ sealed [0-9a-f]{48}\n/);
      expect(text).not.toContain(PUBLISHER);
      bodies.add(text.slice(-32));
    }
    expect(bodies.size).toBe(3);
    expect(count(await fileStore(path, { sealKey: SEAL_KEY }).read())).toBe(3);
  });
});

describe('refusals', () => {
  const damage: [name: string, (bytes: Buffer) => Buffer, sealed?: boolean][] = [
    ['an empty file', () => Buffer.alloc(0)],
    ['a file cut short', (bytes) => bytes.subarray(0, bytes.length - 10)],
    ['a header cut short', (bytes) => bytes.subarray(0, 30)],
    ['a changed digit', (bytes) => Buffer.from(bytes.toString().replace('"n":1', '"n":0'))],
    ['bytes after the end', (bytes) => Buffer.concat([bytes, Buffer.from(' ')])],
    ['zeros', (bytes) => Buffer.alloc(bytes.length)],
    ['a sealed file with one bit changed', flipLast, true],
    [
      'a sealed file of another generation',
      (b) => Buffer.from(b.toString('latin1').replace(' 1 1 ', ' 1 2 '), 'latin1'),
      true,
    ],
  ];

  it.each(damage)('%s is an error, never a fresh record', async (_name, change, sealed) => {
    const path = freshPath();
    const options = sealed === true ? { sealKey: SEAL_KEY } : {};
    const store = fileStore(path, options);
    await store.update((record) => [bump(record, 'n'), undefined]);
    const file = await newestFile(path);
    const bytes = await readFile(file);
    await writeFile(file, change(bytes));
    for (const call of [
      () => store.read(),
      () => store.update((record) => [bump(record, 'n'), undefined]),
    ]) {
      await expect(call()).rejects.toMatchObject({
        code: 'record-corrupt',
        message: expect.stringContaining(file) as string,
      });
    }
    await writeFile(file, bytes);
    expect(count(await store.read())).toBe(1);
  });

  it('does not take an older generation under a newer name', async () => {
    const path = freshPath();
    const store = fileStore(path);
    await store.update((record) => [bump(record, 'n'), undefined]);
    const file = await newestFile(path);
    await store.update((record) => [bump(record, 'n'), undefined]);
    await rename(file, file.replace(/1$/, '9'));
    await expect(store.read()).rejects.toMatchObject({ code: 'record-corrupt' });
  });

  it('tells a missing key from a missing seal', async () => {
    const path = freshPath();
    const sealed = fileStore(path, { sealKey: SEAL_KEY });
    await sealed.update((record) => [bump(record, 'n'), undefined]);
    await expect(fileStore(path).read()).rejects.toMatchObject({
      code: 'seal-mismatch',
      message: expect.stringContaining('pass the sealKey') as string,
    });
    const clearPath = freshPath();
    await fileStore(clearPath).update((record) => [bump(record, 'n'), undefined]);
    await expect(fileStore(clearPath, { sealKey: SEAL_KEY }).read()).rejects.toMatchObject({
      code: 'seal-mismatch',
      message: expect.stringContaining('expected a sealed record') as string,
    });
    const otherKey = fileStore(path, { sealKey: new Uint8Array(32).fill(8) });
    await expect(otherKey.read()).rejects.toMatchObject({ code: 'record-corrupt' });
  });

  it('never shows what is in the record, and never writes what it could not read', async () => {
    const path = freshPath();
    const store = fileStore(path);
    await store.update((record) => [bump(record, 'n'), undefined]);
    const seed = 'ee'.repeat(32);
    const bad = { epoch: -1, seed, publicKey: seed, signature: 'x' };
    const registrar = { incarnation: 0, code: null, enrolling: null, renewing: null };
    const spoilt = { ...emptyRecord(), registrars: { a: { ...registrar, pseudonyms: [bad] } } };
    const message = (call: Promise<unknown>): Promise<string> =>
      call.then(
        () => 'nothing',
        (error: Error) => error.message,
      );
    const refused = await message(store.update(() => [spoilt, undefined]));
    expect(refused).toContain('a change would spoil the record');
    expect(count(await store.read())).toBe(1);
    const bytes = encodeGeneration({ number: 1, ancestors: ['x'], record: spoilt });
    await writeFile(await newestFile(path), bytes);
    const corrupt = await message(store.read());
    expect(corrupt).toContain('record: registrars');
    for (const text of [refused, corrupt]) expect(text).not.toContain(seed);
  });

  it('says what the system said about a folder it cannot use', async () => {
    const file = freshPath();
    await writeFile(file, 'a file');
    for (const path of [file, join(file, 'below')]) {
      await expect(
        fileStore(path).update((record) => [bump(record, 'n'), 0]),
      ).rejects.toMatchObject({
        code: 'store-failed',
        message: expect.stringContaining(path) as string,
      });
    }
  });

  it.each([
    ['path', () => fileStore('')],
    ['path', () => fileStore('a\0b')],
    ['path', () => fileStore(fileURLToPath as unknown as string)],
    ['sealKey', () => fileStore('x', { sealKey: new Uint8Array(31) })],
    ['sealKey', () => fileStore('x', { sealKey: 'k' as unknown as Uint8Array })],
  ])('refuses a wrong %s', (field, call) => {
    expect(call).toThrow(expect.objectContaining({ code: 'argument-invalid', field }));
  });
});

function flipLast(bytes: Buffer): Buffer {
  const changed = Buffer.from(bytes);
  changed[changed.length - 1]! ^= 1;
  return changed;
}
