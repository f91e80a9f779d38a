/**
 * One page of a fresh headless Chromium that imports a module, calls a function of it and sends back what
 * it gave. Knows: how to start and end the browser. Doesn't know: what is measured.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { type IncomingMessage, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Debian's name and the one elsewhere. */
const COMMANDS = ['chromium', 'google-chrome'];
const PATIENCE_MS = 60_000;
/** Without some of these it looks for hosts of its maker's at every start, or keeps a cache on disk. */
const FLAGS = [
  '--headless',
  '--incognito',
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** @returns its command, and its name with the first number of its version; undefined if there is none. */
export function findChromium(): { readonly command: string; readonly name: string } | undefined {
  for (const command of COMMANDS) {
    const { status, stdout } = spawnSync(command, ['--version'], { encoding: 'utf8' });
    const version = /\d+/.exec(stdout ?? '')?.[0];
    if (status === 0 && version !== undefined) return { command, name: `Chromium ${version}` };
  }
  return undefined;
}

export interface PageWork {
  /** Text of an ES module. */
  readonly module: string;
  /** A function of it that takes `argument` and gives a promise of something that JSON has. */
  readonly call: string;
  readonly argument: string;
}

/** @throws {Error} if the page failed, or said nothing for a minute. */
export async function runInChromium(command: string, work: PageWork): Promise<unknown> {
  let answered: (text: string) => void = () => undefined;
  const answer = new Promise<string>((resolve) => {
    answered = resolve;
  });
  const server = createServer((request, response) => {
    // Isolated pages have the finest clock: 5 µs.
    response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
    response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
    response.setHeader('Content-Type', request.url === '/' ? 'text/html' : 'text/javascript');
    if (request.url === '/') response.end(PAGE);
    else if (request.url === '/module.js') response.end(work.module);
    else if (request.url === '/page.js') response.end(pageScript(work));
    else
      void textOf(request)
        .then(answered)
        .then(() => response.end());
  });
  const folder = mkdtempSync(join(tmpdir(), 'onlysum-chromium-'));
  let browser: ChildProcess | undefined;
  try {
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const args = [...FLAGS, `--user-data-dir=${folder}`, `http://127.0.0.1:${port}/`];
    browser = spawn(command, args, { stdio: 'ignore' });
    const { result, error } = JSON.parse(await inTime(answer)) as Answer;
    if (error !== undefined) throw new Error(`the page failed: ${error}`);
    return result;
  } finally {
    if (browser !== undefined) await ended(browser);
    server.closeAllConnections();
    server.close();
    // Its other processes write for a little longer.
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }
}

interface Answer {
  readonly result?: unknown;
  readonly error?: string;
}

const PAGE = '<!doctype html><script type="module" src="/page.js"></script>';

function pageScript({ call, argument }: PageWork): string {
  return `
    import { ${call} } from '/module.js';
    const send = (answer) => fetch('/answer', { method: 'POST', body: JSON.stringify(answer) });
    ${call}(${JSON.stringify(argument)}).then((result) => send({ result }), (error) => send({ error: String(error) }));
  `;
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}

function inTime(answer: Promise<string>): Promise<string> {
  return new Promise((resolve, reject) => {
    const late = (): void => reject(new Error(`the page said nothing for ${PATIENCE_MS} ms`));
    const timer = setTimeout(late, PATIENCE_MS);
    void answer.then(resolve).finally(() => clearTimeout(timer));
  });
}

async function ended(browser: ChildProcess): Promise<void> {
  if (browser.exitCode !== null) return;
  const exit = once(browser, 'exit');
  browser.kill();
  await exit;
}
