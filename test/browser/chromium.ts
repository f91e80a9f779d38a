/**
 * Headless Chromium for tests of pages. Knows: where it is, how it starts, what it complains about.
 * Doesn't know: pages.
 */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';

/** Without some of these it looks for hosts of its maker's at every start. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export const NO_CHROMIUM = 'chromium is missing: apt-get install chromium';

/** @returns the absolute path of Debian's chromium, or of what it is called elsewhere. */
export function findChromium(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return ['chromium', 'google-chrome']
    .flatMap((name) => folders.map((path) => join(path, name)))
    .find(existsSync);
}

/** A fresh profile, which Playwright makes and removes. */
export function startBrowser(executablePath: string): Promise<Browser> {
  return chromium.launch({ executablePath, args: FLAGS });
}

/** @returns errors in the page's console, its policy's among them, and uncaught ones; grows. */
export function complaintsOf(page: Page): string[] {
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  return complaints;
}
