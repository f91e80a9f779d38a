/**
 * The example in headless Chromium, from memory: the page's files are answered here, and every other
 * request is refused and remembered. Knows: browser, bundle, requests. Doesn't know: what is tested.
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { complaintsOf } from '../../../test/browser/chromium.js';

const ORIGIN = 'https://editor.test';
const folder = fileURLToPath(new URL('..', import.meta.url));

export interface OpenPage {
  readonly page: Page;
  /** What it asked of anybody but the page's own files. */
  readonly strangers: readonly string[];
  /** Errors in its console, its policy's among them, and uncaught ones. */
  readonly complaints: string[];
}

/** @returns the page's files by path, its module built from the sources. */
export async function pageFiles(): Promise<ReadonlyMap<string, PageFile>> {
  const { outputFiles } = await build({
    entryPoints: [`${folder}src/main.ts`],
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2023',
    write: false,
  });
  return new Map([
    ['/', { type: 'text/html', body: await readFile(`${folder}page/index.html`, 'utf8') }],
    ['/style.css', { type: 'text/css', body: await readFile(`${folder}page/style.css`, 'utf8') }],
    ['/main.js', { type: 'text/javascript', body: outputFiles[0]?.text ?? '' }],
  ]);
}

interface PageFile {
  readonly type: string;
  readonly body: string;
}

/** Returns once the dialog is open. */
export async function openPage(
  browser: Browser,
  files: ReadonlyMap<string, PageFile>,
  options: BrowserContextOptions = {},
): Promise<OpenPage> {
  const context = await browser.newContext(options);
  const strangers: string[] = [];
  await context.route('**/*', (route) => {
    const url = new URL(route.request().url());
    const file = url.origin === ORIGIN ? files.get(url.pathname) : undefined;
    if (file !== undefined) return route.fulfill({ contentType: file.type, body: file.body });
    strangers.push(url.href);
    return route.abort();
  });
  const page = await context.newPage();
  page.on('websocket', (socket) => strangers.push(socket.url()));
  const complaints = complaintsOf(page);
  await page.goto(`${ORIGIN}/`);
  await page.getByRole('dialog').waitFor();
  return { page, strangers, complaints };
}
