/**
 * The dialog as a person meets it. Needs Debian's chromium or google-chrome. Skipped without it, except
 * where CI is set: there it must run (.ci/run installs it).
 */
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { focused, tabTo, violations } from '../../../test/browser/accessibility.js';
import { findChromium, NO_CHROMIUM, startBrowser } from '../../../test/browser/chromium.js';
import { type OpenPage, openPage, pageFiles } from './browser-page.js';

const WIDE = { width: 1024, height: 800 };
const NARROW = { width: 375, height: 667 };

const found = findChromium();
const skips = found === undefined && process.env['CI'] !== 'true';

describe.skipIf(skips)(skips ? `the dialog (skipped: ${NO_CHROMIUM})` : 'the dialog', () => {
  let browser: Browser;
  let files: Awaited<ReturnType<typeof pageFiles>>;
  let opened: OpenPage | undefined;

  beforeAll(async () => {
    if (found === undefined) throw new Error(NO_CHROMIUM);
    [browser, files] = await Promise.all([startBrowser(found), pageFiles()]);
  });
  afterAll(() => browser?.close());
  afterEach(async () => {
    const { page, strangers, complaints } = opened ?? {};
    opened = undefined;
    await page?.context().close();
    // Whatever a test did: nothing has left the page, and its policy was kept.
    expect(strangers).toEqual([]);
    expect(complaints).toEqual([]);
  });

  async function open(options: BrowserContextOptions = {}): Promise<Page> {
    opened = await openPage(browser, files, { viewport: WIDE, ...options });
    return opened.page;
  }

  it.each([
    ['light', WIDE],
    ['dark', WIDE],
    ['light', NARROW],
    ['dark', NARROW],
  ] as const)('has no fault that axe finds: %s, %o', async (colorScheme, viewport) => {
    const page = await open({ colorScheme, viewport });
    await openAllDetails(page);
    await page.getByRole('switch', { name: 'Share performance' }).check();
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Save choices' }).click();
    expect(await violations(page)).toEqual([]);
  });

  it.each([
    ['open', true],
    ['closed', false],
  ])('fits 375 px without scrolling sideways, dialog %s', async (_name, isOpen) => {
    const page = await open({ viewport: NARROW });
    await openAllDetails(page);
    if (!isOpen) await page.keyboard.press('Escape');
    const overflow = await page.evaluate(() =>
      [...document.querySelectorAll('html, .scroll, fieldset, section')].map(
        ({ scrollWidth, clientWidth }) => scrollWidth - clientWidth,
      ),
    );
    expect(overflow).toEqual([0, 0, 0, 0, 0, 0, 0]);
    if (!isOpen) return;
    // All three choices are in sight, whatever is above them.
    for (const name of CHOICES) {
      const box = await page.getByRole('button', { name }).boundingBox();
      expect((box?.y ?? NARROW.height) + (box?.height ?? 0)).toBeLessThan(NARROW.height);
    }
  });

  it('is done with the keyboard alone, and gives focus back', async () => {
    const page = await open();
    expect(await focused(page)).toBe('What may this editor measure?');
    await tabTo(page, 'Share performance');
    await page.keyboard.press('Space');
    await tabTo(page, 'Save choices');
    await page.keyboard.press('Enter');
    await expectStatus(page, 'Saved. Shared now: essential, performance.');
    expect(await focused(page)).toBe('Privacy settings');

    await page.keyboard.press('Enter');
    expect(await page.getByRole('switch', { name: 'Share performance' }).isChecked()).toBe(true);
    expect(await focused(page)).toBe('What may this editor measure?');
    await tabTo(page, 'Share features');
    await page.keyboard.press('Space');
    await page.keyboard.press('Escape');
    await expectStatus(page, 'Nothing was changed. Shared now: essential, performance.');
    expect(await focused(page)).toBe('Privacy settings');
    // What Escape gave up is not there the next time either.
    await page.keyboard.press('Enter');
    expect(await page.getByRole('switch', { name: 'Share features' }).isChecked()).toBe(false);
  });

  it('says what becomes of a group before it asks, and what cannot be turned off', async () => {
    const page = await open();
    expect(await page.getByRole('switch').count()).toBe(2);
    const essential = page.getByRole('group', { name: 'Essential' });
    expect(await essential.getByRole('switch').count()).toBe(0);
    expect(await essential.innerText()).toMatch(/Always on[^]*To send none of it, leave/);
    const features = page.getByRole('group', { name: 'Features' });
    await features.getByText('See how much the tools are used.').click();
    const told = await features.innerText();
    expect(told).toContain('How often it happens between two uploads (about 1 week), up to 200.');
    expect(told).toContain('Results are kept for 180 days, then deleted.');
    expect(told).toContain('Results may be read by analysts and the privacy officer.');
    await page.getByText('How this is protected, and by whom').click();
    const all = await page.getByRole('dialog').innerText();
    expect(all).toContain('ε = 1, δ = 0.0000001 for one upload');
    expect(all).toContain('cannot be taken back');
    expect(all).toContain('sum.example.com');
  });

  it('gives no choice more weight than another', async () => {
    const page = await open();
    const looks = await Promise.all(
      CHOICES.map((name) =>
        page.getByRole('button', { name }).evaluate((button) => {
          const { color, backgroundColor, fontSize, fontWeight, borderColor } =
            getComputedStyle(button);
          const { width, height } = button.getBoundingClientRect();
          return [
            color,
            backgroundColor,
            fontSize,
            fontWeight,
            borderColor,
            Math.round(width),
            height,
          ];
        }),
      ),
    );
    expect(looks[1]).toEqual(looks[0]);
    expect(looks[2]).toEqual(looks[0]);
  });

  it('takes values back for good with their group', async () => {
    const page = await open();
    await page.getByRole('button', { name: 'Accept all' }).click();
    await expectStatus(page, 'Saved. Shared now: essential, performance, features.');
    for (const name of ['Pen', 'Pen', 'Text']) await page.getByRole('button', { name }).click();
    expect(await previewed(page)).toMatchObject({
      app_version: '2.1',
      licence_active: 'yes',
      window_width: '1024 px',
      tools: 'pen, text',
      tool_uses: '3',
    });

    await page.getByRole('button', { name: 'Privacy settings' }).click();
    await page.getByRole('switch', { name: 'Share features' }).uncheck();
    // Nothing happens before a button is pressed.
    expect(await previewed(page)).toMatchObject({ tools: 'pen, text', tool_uses: '3' });
    await page.getByRole('button', { name: 'Save choices' }).click();
    await expectStatus(page, 'Saved. Shared now: essential, performance.');
    const off = { tools: 'not shared', tool_uses: 'not shared' };
    expect(await previewed(page)).toMatchObject({ ...off, window_width: '1024 px' });
    expect(await page.locator('#preview-note').innerText()).toMatch(/^5 of 7 would be reported/);

    await page.getByRole('button', { name: 'Text' }).click();
    expect(await previewed(page)).toMatchObject(off);
    await page.getByRole('button', { name: 'Privacy settings' }).click();
    await page.getByRole('button', { name: 'Accept all' }).click();
    await expectStatus(page, 'Saved. Shared now: essential, performance, features.');
    const none = { tools: 'nothing yet', tool_uses: 'nothing yet' };
    expect(await previewed(page)).toMatchObject(none);
    await page.getByRole('button', { name: 'Shapes' }).click();
    expect(await previewed(page)).toMatchObject({ tools: 'shapes', tool_uses: '1' });

    await page.getByRole('button', { name: 'Privacy settings' }).click();
    await page.getByRole('button', { name: 'Decline all optional' }).click();
    await expectStatus(page, 'Saved. Shared now: essential.');
    const withheld = Object.values(await previewed(page)).filter((text) => text === 'not shared');
    expect(withheld).toHaveLength(5);
  });

  it('lets the user leave altogether', async () => {
    const page = await open();
    await page.getByRole('button', { name: 'Leave, and send nothing at all' }).click();
    await expectStatus(page, /^You have left/);
    expect(await page.locator('#preview-note').innerText()).toMatch(/^0 of 7/);
    expect(await page.getByRole('button', { name: 'Privacy settings' }).isDisabled()).toBe(true);
    expect(await page.locator('#status:focus').count()).toBe(1);
  });

  it.each([
    ['reduce', '0s'],
    ['no-preference', '0.12s'],
  ] as const)('moves only for those who do not mind: %s', async (reducedMotion, duration) => {
    const page = await open({ reducedMotion });
    const input = page.getByRole('switch').first();
    const durations = input.evaluate((node) => getComputedStyle(node).transitionDuration);
    expect(await durations).toBe(duration);
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
    // The policy stopped it before the network did, and said so.
    expect(opened?.strangers).toEqual([]);
    expect(opened?.complaints.splice(0).join(' ')).toContain('Content Security Policy');
  });
});

const CHOICES = ['Decline all optional', 'Save choices', 'Accept all'];

async function openAllDetails(page: Page): Promise<void> {
  await page.evaluate(() => {
    for (const details of document.querySelectorAll('details')) details.open = true;
  });
}

async function expectStatus(page: Page, text: string | RegExp): Promise<void> {
  await page.getByRole('status').filter({ hasText: text }).waitFor({ timeout: 10_000 });
}

/** @returns the preview's values by metric. */
async function previewed(page: Page): Promise<Record<string, string>> {
  const rows = await page
    .locator('[data-metric]')
    .evaluateAll((nodes) =>
      nodes.map((node): [string, string] => [
        (node as HTMLElement).dataset['metric'] ?? '',
        node.querySelector('td')?.textContent ?? '',
      ]),
    );
  return Object.fromEntries(rows);
}
