/**
 * The dashboard on a real coordinator: what it shows is what the API says, and its switch stops a round.
 * Needs Debian's chromium or google-chrome. Skipped without it, except where CI is set.
 */
import { rm } from 'node:fs/promises';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  type OpenDashboard,
  openDashboard,
  signIn,
} from '../../packages/dashboard/test/open-dashboard.js';
import { buildPage } from '../../packages/dashboard/test/page-server.js';
import { violations } from '../browser/accessibility.js';
import { findChromium, NO_CHROMIUM, startBrowser } from '../browser/chromium.js';
import { enrolDevices, runDevices } from '../coordinator/wire-fleet.js';
import { type AdminFleet, startAdminFleet } from './admin-fleet.js';

const found = findChromium();
const skips = found === undefined && process.env['CI'] !== 'true';
const name = 'the dashboard of a coordinator';

describe.skipIf(skips)(skips ? `${name} (skipped: ${NO_CHROMIUM})` : name, () => {
  let browser: Browser;
  let dashboardDir: string;
  /** One with a window that is decided, and one whose first window is open. */
  let admin: AdminFleet;
  let fresh: AdminFleet;
  let opened: OpenDashboard | undefined;

  beforeAll(async () => {
    if (found === undefined) throw new Error(NO_CHROMIUM);
    dashboardDir = await buildPage();
    admin = await startAdminFleet({ admin: { dashboardDir } });
    fresh = await startAdminFleet({ admin: { dashboardDir }, withRound: false });
    browser = await startBrowser(found);
  });
  afterAll(async () => {
    await browser?.close();
    await admin?.close();
    await fresh?.close();
    await rm(dashboardDir, { recursive: true, force: true });
  });
  afterEach(async () => {
    const { page, strangers, complaints } = opened ?? {};
    opened = undefined;
    await page?.context().close();
    expect(strangers).toEqual([]);
    expect(complaints).toEqual([]);
  });

  async function open(
    { url, tokens }: AdminFleet,
    role: keyof AdminFleet['tokens'],
    title: string,
  ): Promise<Page> {
    opened = await openDashboard(browser, url);
    await signIn(opened.page, tokens[role], title);
    return opened.page;
  }

  it('shows the results of a window that its role may read', async () => {
    const page = await open(admin, 'analyst', 'Results');
    await page.getByText(`5 devices in the sum of window ${admin.window}`).waitFor();
    await page.getByRole('region', { name: 'Crashes', exact: true }).waitFor();
    expect(await page.locator('.note').first().innerText()).toContain('licensed');
    expect(await page.getByRole('region', { name: 'Licensed' }).count()).toBe(0);
    await page.getByRole('region', { name: 'Crashes' }).getByText('Over 1 window.').waitFor();
    expect(await violations(page)).toEqual([]);
  });

  it('shows privacy, and an audit log that holds', async () => {
    const page = await open(admin, 'privacy-officer', 'Privacy');
    await page.getByText(/^1 window of \d opened\./).waitFor();
    await page.getByRole('link', { name: 'Audit log' }).click();
    await page.getByRole('cell', { name: 'privacy.read' }).first().waitFor();
    await page.getByRole('button', { name: 'Verify the log' }).click();
    await page.getByText('The log holds.').waitFor();
    expect(await violations(page)).toEqual([]);
  });

  it('stops a round that gathers', async () => {
    const page = await open(fresh, 'operator', 'Live rounds');
    const running = runDevices(fresh.fleet, await enrolDevices(fresh.fleet, 2));
    await page.getByText('1 more device needed to begin').waitFor();
    await page.getByRole('link', { name: 'Tasks' }).click();
    await page.getByRole('button', { name: 'Stop acme-desktop…' }).click();
    await page.getByLabel('Reason').fill('wrong manifest');
    await page.getByRole('dialog').getByRole('button', { name: 'Stop acme-desktop' }).click();
    await page.getByRole('status').filter({ hasText: 'acme-desktop was stopped.' }).waitFor();
    await running;
    await page.getByRole('link', { name: 'Live rounds' }).click();
    await page.getByText('Stopped: no round runs.').waitFor();
    expect(await fresh.store.task(fresh.taskId)).toMatchObject({
      state: 'stopped',
      reason: 'wrong manifest',
    });
  });
});
