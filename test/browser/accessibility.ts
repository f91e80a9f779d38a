/** What axe-core finds on a page, and moving on it by keyboard. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type axe from 'axe-core';
import type { Page } from 'playwright-core';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Of the rules for WCAG 2.2 AA and of those axe calls good practice. */
export async function violations(page: Page): Promise<readonly string[]> {
  await page.evaluate(AXE);
  const { violations, passes } = await page.evaluate(async () => {
    const { axe: tester } = globalThis as unknown as { axe: typeof axe };
    return tester.run(document);
  });
  // A page without text that it could judge would have no violations either.
  if (!passes.some(({ id }) => id === 'color-contrast')) throw new Error('axe judged no contrast');
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}

/** @returns the accessible name of what has the focus, as its label or text gives it. */
export function focused(page: Page): Promise<string> {
  return page.evaluate(() => {
    const node = document.activeElement;
    const label = node instanceof HTMLInputElement ? (node.labels?.[0] ?? node) : node;
    return node?.getAttribute('aria-label') ?? label?.textContent.trim() ?? '';
  });
}

/** @param most - Tab stops; more means that focus is lost. */
export async function tabTo(page: Page, name: string, most = 40): Promise<void> {
  for (let stop = 0; stop < most; stop++) {
    await page.keyboard.press('Tab');
    if ((await focused(page)) === name) return;
  }
  throw new Error(`${name} is not reached by Tab`);
}
