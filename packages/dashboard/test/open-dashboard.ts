/** The page in a browser, with what it asks of others and what it complains of. Knows: signing in. */
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { complaintsOf } from '../../../test/browser/chromium.js';

export interface OpenDashboard {
  readonly page: Page;
  /** What it asked of anybody but its own origin. */
  readonly strangers: readonly string[];
  /** Errors in its console, its policy's among them, and uncaught ones. */
  readonly complaints: string[];
}

export async function openDashboard(
  browser: Browser,
  origin: string,
  options: BrowserContextOptions = {},
): Promise<OpenDashboard> {
  const context = await browser.newContext({
    locale: 'en-GB',
    timezoneId: 'Asia/Tokyo',
    ...options,
  });
  const strangers: string[] = [];
  context.on('request', (request) => {
    if (new URL(request.url()).origin !== origin) strangers.push(request.url());
  });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  page.on('websocket', (socket) => strangers.push(socket.url()));
  const complaints = complaintsOf(page);
  await page.goto(origin);
  await page.getByLabel('API token').waitFor();
  return { page, strangers, complaints };
}

/** Returns once a page is shown. @param to - the page's title. */
export async function signIn(page: Page, token: string, to?: string): Promise<void> {
  await page.getByLabel('API token').fill(token);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('navigation', { name: 'Pages' }).waitFor();
  if (to === undefined) return;
  await page.getByRole('link', { name: to }).click();
  await page.getByRole('heading', { name: to, level: 1 }).waitFor();
}
