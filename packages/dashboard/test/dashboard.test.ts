/**
 * The page as a person meets it, with recorded answers. test/admin/dashboard.test.ts has a coordinator.
 * Needs Debian's chromium or google-chrome. Skipped without it, except where CI is set.
 */
import { readFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { focused, tabTo, violations } from '../../../test/browser/accessibility.js';
import { findChromium, NO_CHROMIUM, startBrowser } from '../../../test/browser/chromium.js';
import { type OpenDashboard, openDashboard, signIn } from './open-dashboard.js';
import { buildPage, type PageServer, servePage } from './page-server.js';
import { RecordedApi } from './recorded-api.js';

const WIDE = { width: 1200, height: 900 };
const NARROW = { width: 375, height: 667 };
/** Of all that a browser loads. */
const MOST_GZIP_BYTES = 60_000;

let directory: string;
beforeAll(async () => {
  directory = await buildPage();
});
afterAll(() => rm(directory, { recursive: true, force: true }));

it('is small, and nothing in it is inline', async () => {
  const assets = await readdir(join(directory, 'assets'));
  const files = ['index.html', ...assets.map((name) => `assets/${name}`)];
  const bytes = await Promise.all(files.map((name) => readFile(join(directory, name))));
  const gzipBytes = bytes.reduce((sum, each) => sum + gzipSync(each).length, 0);
  expect(gzipBytes).toBeLessThan(MOST_GZIP_BYTES);
  const markup = String(bytes[0]);
  expect(markup).not.toMatch(/<style|style=|<script(?![^>]*\bsrc=)|\bon\w+=/);
  expect(markup.match(/https?:/g)).toBeNull();
});

const found = findChromium();
const skips = found === undefined && process.env['CI'] !== 'true';

describe.skipIf(skips)(skips ? `the page (skipped: ${NO_CHROMIUM})` : 'the page', () => {
  let browser: Browser;
  let api: RecordedApi;
  let server: PageServer;
  let opened: OpenDashboard | undefined;

  beforeAll(async () => {
    if (found === undefined) throw new Error(NO_CHROMIUM);
    api = new RecordedApi();
    [browser, server] = await Promise.all([startBrowser(found), servePage(directory, api)]);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });
  afterEach(async () => {
    const { page, strangers, complaints } = opened ?? {};
    opened = undefined;
    await page?.context().close();
    api.reset();
    // Whatever a test did: nobody else was asked, and the policy was kept.
    expect(strangers).toEqual([]);
    expect(complaints).toEqual([]);
  });

  async function open(options: BrowserContextOptions = {}): Promise<Page> {
    opened = await openDashboard(browser, server.origin, { viewport: WIDE, ...options });
    return opened.page;
  }

  /** A refused request is an error in the console; only those that a test expects are. */
  function forgetRefusals(): void {
    const rest = (opened?.complaints ?? []).filter(
      (text) => !text.startsWith('Failed to load resource'),
    );
    opened?.complaints.splice(0, Infinity, ...rest);
  }

  const PAGES = [
    ['operator', 'Live rounds'],
    ['analyst', 'Results'],
    ['privacy-officer', 'Privacy'],
    ['auditor', 'Audit log'],
    ['privacy-officer', 'Tasks'],
  ] as const;

  it.each([
    ['light', WIDE],
    ['dark', WIDE],
    ['light', NARROW],
    ['dark', NARROW],
  ] as const)('has no fault that axe finds, and fits: %s, %o', async (colorScheme, viewport) => {
    const page = await open({ colorScheme, viewport });
    expect(await violations(page)).toEqual([]);
    for (const [role, title] of PAGES) {
      await signIn(page, `onlysum_${role}`, title);
      await settled(page);
      await openAllDetails(page);
      expect([title, ...(await violations(page))]).toEqual([title]);
      expect(await overflow(page)).toBe(0);
      await page.getByRole('button', { name: 'Sign out' }).click();
    }
  });

  describe('signing in', () => {
    it('keeps the token in memory only, and forgets it on a reload', async () => {
      const page = await open();
      await signIn(page, 'onlysum_analyst');
      const kept = await page.evaluate(async () => {
        const databases = await indexedDB.databases();
        return [localStorage.length, sessionStorage.length, document.cookie, databases.length];
      });
      expect(kept).toEqual([0, 0, '', 0]);
      expect(await page.content()).not.toContain('onlysum_analyst');
      await page.reload();
      await page.getByLabel('API token').waitFor();
      expect(await page.getByLabel('API token').inputValue()).toBe('');
    });

    it('explains a token that does not hold, and one that has ended', async () => {
      const page = await open();
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByRole('alert').filter({ hasText: 'Enter a token.' }).waitFor();
      await page.getByLabel('API token').fill('onlysum_nobody');
      await page.keyboard.press('Enter');
      await page.getByRole('alert').filter({ hasText: 'does not know this token' }).waitFor();
      forgetRefusals();
      await signIn(page, 'onlysum_privacy-officer');
      await settled(page);
      api.expiresMs = 0;
      await page.getByRole('link', { name: 'Audit log' }).click();
      await page.getByRole('status').filter({ hasText: 'Your token has expired' }).waitFor();
      expect(await focused(page)).toBe('API token');
      forgetRefusals();
    });

    it('signs out by itself when the token ends', async () => {
      api.expiresMs = Date.now() + 2_500;
      const page = await open();
      await signIn(page, 'onlysum_analyst');
      await page.getByRole('status').filter({ hasText: 'Your token has expired' }).waitFor();
      forgetRefusals();
    });

    it.each([
      ['operator', 'Live rounds, Privacy, Audit log, Tasks'],
      ['analyst', 'Results, Tasks'],
      ['auditor', 'Live rounds, Audit log, Tasks'],
      ['privacy-officer', 'Privacy, Audit log, Tasks'],
    ])('shows an %s %s', async (role, titles) => {
      const page = await open();
      await signIn(page, `onlysum_${role}`);
      const links = page.getByRole('navigation').getByRole('link');
      expect((await links.allInnerTexts()).join(', ')).toBe(titles);
    });
  });

  it('is used by keyboard alone', async () => {
    const page = await open();
    expect(await focused(page)).toBe('API token');
    await page.keyboard.type('onlysum_privacy-officer');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Privacy', level: 1 }).waitFor();
    await settled(page);
    expect(await focused(page)).toBe('Privacy');
    await page.reload();
    await page.getByLabel('API token').waitFor();
    await tabTo(page, 'Skip to content');
    await page.keyboard.press('Enter');
    expect(await page.locator('main:focus').count()).toBe(1);
    await signIn(page, 'onlysum_privacy-officer');
    await tabTo(page, 'Tasks');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Tasks', level: 1 }).waitFor();
    expect(await focused(page)).toBe('Tasks');
    await tabTo(page, 'Stop editor-telemetry…');
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog');
    await dialog.waitFor();
    expect(await focused(page)).toBe('Reason');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').filter({ hasText: 'Give a reason' }).waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    expect(await focused(page)).toBe('Stop editor-telemetry…');
    expect(api.changes).toEqual([]);
  });

  describe('live rounds', () => {
    it('shows stages, counts and what is missing, and follows', async () => {
      const page = await open();
      await signIn(page, 'onlysum_operator', 'Live rounds');
      const gathering = page.getByRole('article', { name: 'Round a1b2c3d4' });
      await gathering.getByText('12 more devices needed to begin').waitFor();
      api.liveStep = 3;
      await gathering.getByText('enough for a round (at least 1,000)').waitFor();
      const text = await gathering.innerText();
      expect(text).toMatch(/Window 2909[^]*closes in [45]:\d\d[^]*of 4,800 devices/);
      const masking = page.getByRole('article', { name: 'Round 0f1e2d3c' });
      expect(await masking.locator('[aria-current=step]').innerText()).toBe('Unmasking');
      expect(await masking.innerText()).toContain('3,120 of 4,790 answered');
      const bar = masking.getByRole('progressbar', { name: 'Devices that answered' });
      expect(await bar.evaluate((of: HTMLProgressElement) => [of.value, of.max])).toEqual([
        3_120, 4_790,
      ]);
      await page
        .getByRole('status')
        .filter({ hasText: 'editor-telemetry: unmasking, 4,800 devices.' })
        .waitFor();
      api.liveStep = 4;
      await masking.getByText('The sum is written down before anybody is told.').waitFor();
      expect(await masking.locator('[aria-current=step]').innerText()).toBe('Opening');
    });

    it('comes back after its connection broke', async () => {
      const page = await open();
      await signIn(page, 'onlysum_operator', 'Live rounds');
      await page.getByText('Live', { exact: true }).waitFor();
      server.breakStreams();
      await page.getByText(/Trying again in/).waitFor();
      await page.getByText('Live', { exact: true }).waitFor();
      forgetRefusals();
      opened?.complaints.splice(0);
    });

    it('says how the rounds of a window ended', async () => {
      const page = await open();
      await signIn(page, 'onlysum_auditor', 'Live rounds');
      await page.getByText('Recent windows').click();
      await page.getByRole('button', { name: 'Show rounds of window 2904' }).click();
      await page.getByText('Aborted: too-few-survivors').waitFor();
    });
  });

  describe('results', () => {
    it('shows estimates with intervals, and in tables what is drawn', async () => {
      const page = await open();
      await signIn(page, 'onlysum_analyst', 'Results');
      const version = page.getByRole('region', { name: 'App version', exact: true });
      await version.getByText('Table: App version, share of devices').click();
      const row = version.getByRole('row', { name: /^4\.2/ }).first();
      expect(await row.innerText()).toMatch(
        /4\.2\s+[\d,]+\s+[\d,]+ to [\d,]+\s+[\d.]+%\s+[\d.]+% to/,
      );
      const startup = page.getByRole('region', { name: 'Startup ms' });
      await startup.getByText('Table: Startup ms, quantiles over windows').click();
      await startup.getByRole('row', { name: /^2904.*too few devices/ }).waitFor();
      // Windows begin at midnight of UTC, whatever the reader's clock says.
      expect(await startup.innerText()).toMatch(/2900\s+31 Jul 2025, 00:00 UTC/);
      const cross = page.getByRole('table', { name: 'Version by system' });
      expect(await cross.getByRole('columnheader').allInnerTexts()).toContain('macOS');
    });

    it('names what is suppressed, withheld and too few', async () => {
      const page = await open();
      await signIn(page, 'onlysum_analyst', 'Results');
      await page.getByText('Withheld:').waitFor();
      expect(await page.locator('.note').first().innerText()).toContain('support_contacts');
      const beta = page.getByRole('region', { name: 'Beta channel' });
      expect(await beta.innerText()).toContain('Suppressed: fewer than 500 devices gave a value');
      await page
        .getByRole('group', { name: 'Window', exact: true })
        .getByRole('combobox')
        .selectOption('2904');
      await page.getByText('Too few devices in window 2904.').waitFor();
      await page.getByRole('button', { name: 'Later window' }).click();
      await page.getByText('in the sum of window 2905').waitFor();
      expect(page.url()).toMatch(/#\/results\/\w+\/2905$/);
    });

    it.each([
      ['Results, CSV', 'editor-telemetry-v3-window-2908.csv', /^task,version,window/],
      ['Dictionary, CSV', 'editor-telemetry-dictionary.csv', /^entry,name/],
      ['Both, JSON', 'editor-telemetry-v3-window-2908.json', /^\{"dictionary":/],
    ])('downloads %s', async (button, name, content) => {
      const page = await open();
      await signIn(page, 'onlysum_analyst', 'Results');
      const saved = page.waitForEvent('download');
      await page.getByRole('button', { name: button }).click();
      const download = await saved;
      expect(download.suggestedFilename()).toBe(name);
      const text = await readFile(await download.path(), 'utf8');
      expect(text).toMatch(content);
      if (name.endsWith('.json')) expect(JSON.parse(text).results[0].window).toBe(2908);
    });
  });

  it('says what noise costs and what the budget pays for, and who opted out', async () => {
    const page = await open();
    await signIn(page, 'onlysum_privacy-officer', 'Privacy');
    await settled(page);
    const text = await page.getByRole('main').innerText();
    expect(text).toContain('Skellam noise');
    expect(text).toMatch(/Pays for\s+12 windows/);
    expect(text).toMatch(/spent ε = 6\.218 of 8/);
    expect(text).toContain('most by connection-lost');
    expect(text).toMatch(/2908\s+[\d.]+% \(95\s%: [\d.]+% to [\d.]+%\)/);
  });

  describe('the audit log', () => {
    it('shows the newest entries without following it, and what was found when it was', async () => {
      const page = await open();
      await signIn(page, 'onlysum_auditor', 'Audit log');
      await page.getByText('100 entries loaded, 230 in all').waitFor();
      await page.getByText('Not verified since you signed in.').waitFor();
      expect(api.asked.filter((path) => path === '/audit/verify')).toEqual([]);
      await page.getByRole('button', { name: 'Verify the log' }).click();
      await page.getByText('The log holds. 230 entries').waitFor();
      await page.getByRole('link', { name: 'Live rounds' }).click();
      await page.getByRole('link', { name: 'Audit log' }).click();
      await page.getByText(/^Last verified .* UTC\./).waitFor();
      expect(api.asked.filter((path) => path === '/audit/verify')).toHaveLength(1);
      await page.getByRole('button', { name: 'Verify again' }).waitFor();
      // Whoever signs in next has verified nothing.
      await page.getByRole('button', { name: 'Sign out' }).click();
      await signIn(page, 'onlysum_privacy-officer', 'Audit log');
      await page.getByText('Not verified since you signed in.').waitFor();
    });

    it('is paged and filtered, and its head can be copied', async () => {
      const page = await open({ permissions: ['clipboard-read', 'clipboard-write'] });
      await signIn(page, 'onlysum_auditor', 'Audit log');
      const rows = page.getByRole('table').locator('tbody tr');
      await page.getByText('100 entries loaded, 230 in all').waitFor();
      expect(await rows.first().innerText()).toMatch(/^230\s/);
      await page.getByRole('button', { name: 'Load older' }).click();
      await page.getByText('200 entries loaded').waitFor();
      await page.getByRole('button', { name: 'Load older' }).click();
      await page.getByText('230 entries loaded').waitFor();
      expect(await page.getByRole('button', { name: 'Load older' }).count()).toBe(0);
      expect(await rows.last().innerText()).toMatch(/^1\s/);
      await page.getByLabel('Action').selectOption('task.stopped');
      await page.getByText('46 of 230 entries loaded').waitFor();
      expect(await rows.count()).toBe(46);
      await page.getByRole('button', { name: 'Copy the head' }).click();
      await page.getByText('Copied').waitFor();
      const copied = await page.evaluate(() => navigator.clipboard.readText());
      expect(copied).toMatch(/^230:[0-9a-f]{64}$/);
    });

    it.each([
      ['edited', 'Entry 118 was edited. Up to entry 117 it holds.'],
      ['missing-or-moved', 'Entry 118 was moved, or the one before it is missing.'],
      ['truncated', 'Entry 118 and all after it were cut off.'],
      ['rewritten', 'Entry 118 was written anew: the store has another head.'],
    ] as const)('says where a log is broken: %s', async (reason, text) => {
      api.fault = { sequence: 118, reason };
      const page = await open();
      await signIn(page, 'onlysum_operator', 'Audit log');
      await page.getByRole('button', { name: 'Verify the log' }).click();
      await page.getByText('The log does not hold.').waitFor();
      expect(await page.getByRole('main').innerText()).toContain(text);
      expect(await page.getByText('Your role may verify the log, not read it.').count()).toBe(1);
    });
  });

  it('stops a task only with a reason, and says who may let it run again', async () => {
    const page = await open();
    await signIn(page, 'onlysum_privacy-officer', 'Tasks');
    await page.getByRole('button', { name: 'Stop editor-telemetry…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Stop editor-telemetry, version 3?' });
    await dialog.getByLabel('Reason').fill('wrong manifest');
    await dialog.getByRole('button', { name: 'Stop editor-telemetry' }).click();
    await page.getByRole('status').filter({ hasText: 'editor-telemetry was stopped.' }).waitFor();
    expect(api.changes).toEqual([expect.stringMatching(/\/stop wrong manifest$/)]);
    expect(await page.getByText('Stopped: wrong manifest').count()).toBe(1);
    expect(await page.getByText('Your role may not resume it.').count()).toBe(1);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await signIn(page, 'onlysum_operator', 'Tasks');
    await page.getByRole('button', { name: 'Resume editor-telemetry…' }).click();
    await page.getByLabel('Reason').fill('mended');
    await page.getByRole('dialog').getByRole('button', { name: 'Resume' }).click();
    await page.getByRole('status').filter({ hasText: 'editor-telemetry runs again.' }).waitFor();
  });

  it('says so if a stop is not written down', async () => {
    api.isStoreAway = true;
    const page = await open();
    await signIn(page, 'onlysum_operator', 'Tasks');
    await page.getByRole('button', { name: 'Stop editor-telemetry…' }).click();
    await page.getByLabel('Reason').fill('leak');
    await page.getByRole('dialog').getByRole('button', { name: 'Stop editor-telemetry' }).click();
    await page.getByRole('status').filter({ hasText: 'the stop is lost' }).waitFor();
    expect(await page.getByText('Stopped: leak').count()).toBe(1);
  });

  it('offers an analyst no kill switch', async () => {
    const page = await open();
    await signIn(page, 'onlysum_analyst', 'Tasks');
    await page.getByText('Your role may not stop it.').waitFor();
    expect(await page.getByRole('button', { name: /^Stop/ }).count()).toBe(0);
  });

  it('says that there is nothing yet, and what failed', async () => {
    api.isEmpty = true;
    const page = await open();
    await signIn(page, 'onlysum_analyst', 'Results');
    await page.getByText('This coordinator serves no task yet.').waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    api.isEmpty = false;
    await signIn(page, 'onlysum_privacy-officer', 'Tasks');
    const message = 'the store cannot be reached';
    api.failing = { status: 503, body: { error: { code: 'unavailable', message } } };
    await page.getByRole('link', { name: 'Privacy' }).click();
    await page.getByRole('alert').filter({ hasText: message }).waitFor();
    expect(await violations(page)).toEqual([]);
    api.failing = undefined;
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByText('Skellam noise').waitFor();
    forgetRefusals();
  });

  it.each([
    ['reduce', 'none'],
    ['no-preference', 'turn'],
  ] as const)('moves only for those who do not mind: %s', async (reducedMotion, animation) => {
    const page = await open({ reducedMotion });
    const name = page.evaluate(() => {
      const spinner = document.createElement('span');
      spinner.className = 'spinner';
      document.body.append(spinner);
      return getComputedStyle(spinner).animationName;
    });
    expect(await name).toBe(animation);
  });

  it('is kept by its policy from asking anybody', async () => {
    const page = await open();
    const outcome = await page.evaluate(() =>
      fetch('https://stranger.test/').then(
        () => 'answered',
        () => 'refused',
      ),
    );
    expect(outcome).toBe('refused');
    expect(opened?.complaints.splice(0).join(' ')).toContain('Content Security Policy');
  });
});

/** Nothing is loading any more. */
async function settled(page: Page): Promise<void> {
  await page.locator('main .card').first().waitFor();
  await page.waitForFunction(() => document.querySelector('.loading') === null);
  // What became visible is measured in a later frame.
  await page.evaluate(async () => {
    for (let frame = 0; frame < 3; frame++) {
      await new Promise((resolve) => requestAnimationFrame(resolve));
    }
  });
}

async function openAllDetails(page: Page): Promise<void> {
  await page.evaluate(() => {
    for (const details of document.querySelectorAll('details')) details.open = true;
  });
  await settled(page);
}

/** By how much the page scrolls sideways, px. */
function overflow(page: Page): Promise<number> {
  return page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    return scrollWidth - clientWidth;
  });
}
