import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Children, firstJson } from './children.js';

let directory: string;
let failures: Error[];
let children: Children;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'onlysum-children-'));
  failures = [];
  children = new Children((error) => failures.push(error));
});
afterEach(async () => {
  await children.endAll();
  await rm(directory, { recursive: true });
});

async function command(source: string) {
  const cliPath = join(directory, 'command.mjs');
  await writeFile(cliPath, source);
  return { cliPath, args: ['x'], cwd: directory };
}

test('the first line of a command is its answer', async () => {
  const says = 'console.log(JSON.stringify({ listening: process.argv[2] })); console.log("more");';
  const child = children.task('speaker', await command(says));
  expect(await firstJson(child)).toEqual({ listening: 'x' });
  await once(child.process, 'close');
  expect(failures).toEqual([]);
});

test('an answer that is not JSON is refused, with the name of who gave it', async () => {
  const child = children.task('speaker', await command('console.log("hello");'));
  await expect(firstJson(child)).rejects.toThrow('speaker answered something else than JSON');
});

test('a task that fails and a server that ends are failures, with what they said last', async () => {
  const fails = await command('console.error("no luck"); process.exitCode = 3;');
  await once(children.task('the task', fails).process, 'close');
  await once(children.server('the server', await command('')).process, 'close');
  expect(failures.map(({ message }) => message)).toEqual([
    'the task ended early, with 3; it said last:\nno luck',
    'the server ended early, with 0',
  ]);
});

test('a released process may end', async () => {
  const child = children.server('the server', await command('process.exitCode = 3;'));
  child.release();
  await once(child.process, 'close');
  expect(failures).toEqual([]);
});

test('endAll ends also what ignores SIGTERM, and that is no failure', async () => {
  const stubborn =
    'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000); console.log("1");';
  const child = children.server('the stubborn', await command(stubborn));
  await firstJson(child);
  await children.endAll();
  expect(child.process.signalCode).toBe('SIGKILL');
  expect(failures).toEqual([]);
});
