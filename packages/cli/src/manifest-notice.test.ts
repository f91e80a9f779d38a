import type { Manifest, Metric } from '@onlysum/task';
import { describe, expect, it } from 'vitest';
import { LAPLACE, SKELLAM, everyKind, withNoise } from '../test/every-kind.js';
import { renderHtml } from './document-html.js';
import { renderMarkdown } from './document-markdown.js';
import { noticeOf } from './manifest-notice.js';

const CASES: readonly (readonly [string, Manifest])[] = [
  ['exact', everyKind],
  ['skellam', withNoise(SKELLAM)],
  ['laplace', withNoise(LAPLACE)],
];
const golden = (name: string) => `../test/golden/notice-${name}`;

describe.each(CASES)('the notice, %s', (name, manifest) => {
  const notice = noticeOf(manifest);

  // To write them anew: npx vitest run packages/cli/src/manifest-notice.test.ts -u
  it('is the Markdown that was read by a person', async () => {
    await expect(renderMarkdown(notice)).toMatchFileSnapshot(`${golden(name)}.md`);
  });

  it('is the HTML that was read by a person', async () => {
    await expect(renderHtml(notice)).toMatchFileSnapshot(`${golden(name)}.html`);
  });

  it('says of each metric what the manifest says', () => {
    const html = renderHtml(notice);
    for (const { name, purpose, retentionDays } of manifest.metrics) {
      expect(html).toContain(`<th scope="row">${name}</th>`);
      expect(html).toContain(`<td>${purpose}</td><td>${retentionDays} days</td>`);
    }
    for (const { name, purpose, essential } of manifest.groups) {
      expect(html).toContain(`>${name} (${essential ? 'required' : 'optional'})</h3>`);
      expect(html).toContain(`Why: ${purpose}`);
    }
    for (const key of [manifest.publisher, manifest.registrar, manifest.coordinator.key]) {
      expect(html).toContain(`<td>${key}</td>`);
    }
  });
});

describe('the HTML', () => {
  const html = renderHtml(noticeOf(withNoise(SKELLAM)));

  it('has a language, a title, landmarks, and headings in order', () => {
    expect(html).toMatch(/^<!doctype html>\n<html lang="en">/);
    expect(html).toContain('<title>Privacy notice of acme-desktop</title>');
    for (const landmark of ['header', 'main', 'footer']) {
      expect(html.split(`<${landmark}>`)).toHaveLength(2);
    }
    const levels = [...html.matchAll(/<h([1-6])/g)].map(([, level]) => Number(level));
    expect(levels[0]).toBe(1);
    expect(levels.filter((level) => level === 1)).toHaveLength(1);
    levels.slice(1).forEach((level, i) => expect(level).toBeLessThanOrEqual(levels[i]! + 1));
  });

  it('labels tables and sections by what is there once', () => {
    const ids = [...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [, id] of html.matchAll(/aria-labelledby="([^"]+)"/g)) expect(ids).toContain(id);
    const tables = html.split('<table>').slice(1);
    expect(tables.length).toBeGreaterThan(2);
    for (const table of tables) {
      expect(table).toMatch(/^\n<caption id="[^"]+">[^<]+<\/caption>/);
      expect(table).toContain('<th scope="col">');
      expect(table).toContain('<th scope="row">');
    }
  });

  it('runs nothing and asks nobody for anything, light or dark', () => {
    expect(html).not.toMatch(/<script|<link|<img|<iframe|@import|url\(|\son[a-z]+=|\s(href|src)=/i);
    expect(html).toContain("default-src 'none'");
    expect(html).toContain('color-scheme: light dark');
    expect(html).toContain('prefers-color-scheme: dark');
  });
});

describe('hostile text', () => {
  const HOSTILE = [
    `<script>alert(1)</script>`,
    `</td></table><img src=x onerror="a()">'&amp;`,
    'a | b `c` ``d`` *e* _f_ ~~g~~ [h](javascript:i) ![j](k) \\| $l$',
    '# heading',
    '- item',
    '+ item',
    '12. item',
    '12) item',
    '> quote',
    '--- ',
    '=== ',
    '<https://evil.example>',
    'https://evil.example www.evil.example a@evil.example',
    '&lt;b&gt; &#60;i&#62;',
  ];
  const metrics = HOSTILE.map(
    (text, i): Metric => ({
      ...everyKind.metrics[0],
      name: `m${i}`,
      purpose: text,
      owner: text,
    }),
  );
  const notice = noticeOf({
    ...everyKind,
    metrics,
    groups: [{ name: 'essential', purpose: HOSTILE[0]!, essential: true }],
  });

  it('is text in HTML', () => {
    const html = renderHtml(notice);
    expect(html).not.toMatch(/<script|<img|<b>|<i>/);
    const cells = [...html.matchAll(/<td>(.*?)<\/td>/g)].map(([, cell = '']) => unescaped(cell));
    for (const text of HOSTILE) expect(cells).toContain(text);
  });

  it('is text in Markdown', () => {
    const markdown = renderMarkdown(notice);
    const rows = markdown.split('\n').filter((line) => line.startsWith('| m'));
    expect(rows).toHaveLength(HOSTILE.length);
    rows.forEach((row, i) => {
      const cells = row.split(/(?<!\\)(?:\\\\)*\|/).slice(1, -1);
      expect(cells).toHaveLength(6);
      expect(cells[2]!.trim().replace(/\\([!-/:-@[-`{-~])/g, '$1')).toBe(HOSTILE[i]!.trim());
    });
    // Nothing is left that could begin markup or become a link.
    expect(markdown).not.toMatch(/(?<!\\)[<`*_~$[\]]/);
    expect(rows.join('\n')).not.toMatch(/(?<!\\):\/\/|(?<!\\)@|www\.(?!$)/);
    expect(rows.join('\n')).not.toMatch(/\| ([-+=>#]|\d+[.)]) ?/);
  });
});

function unescaped(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&');
}
