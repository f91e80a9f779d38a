/**
 * A document as one HTML page without script, image or any other request.
 * Invariant: no text of it is markup; headings come in order; tables have captions and scopes.
 */
import type { Block, Section, TextDocument, TextTable } from './text-document.js';

export function renderHtml({ title, blocks, sections, closing }: TextDocument): string {
  const id = counter();
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escaped(title)}</title>
<style>
${STYLE}
</style>
</head>
<body>
<header>
<h1>${escaped(title)}</h1>
${blocks.map((block) => renderBlock(block, id)).join('\n')}
</header>
<main>
${sections.map((section) => renderSection(section, 2, id)).join('\n')}
</main>
<footer>
<p>${escaped(closing)}</p>
</footer>
</body>
</html>
`;
}

const STYLE = `:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --line: #8a929b; --shade: #f2f4f6; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ec; --paper: #14171a; --line: #6f7881; --shade: #1f2429; }
}
body { margin: 0 auto; max-width: 60rem; padding: 1.5rem; color: var(--ink); background: var(--paper);
  font: 1rem/1.6 system-ui, sans-serif; }
h1, h2, h3 { line-height: 1.25; text-wrap: balance; }
h2 { margin-top: 2.5rem; }
p, li { max-width: 42rem; overflow-wrap: anywhere; }
.table { overflow-x: auto; }
.table:focus-visible { outline: 3px solid Highlight; outline-offset: 2px; }
table { border-collapse: collapse; }
caption { padding: .5rem 0; font-weight: 600; text-align: start; }
th, td { border: 1px solid var(--line); padding: .4rem .6rem; text-align: start; vertical-align: top;
  min-width: 6rem; }
td { overflow-wrap: anywhere; }
thead th { background: var(--shade); }
footer { margin-top: 2.5rem; border-top: 1px solid var(--line); }`;

/** Numbers for ids, which a page has once each. */
type NextId = () => string;

function counter(): NextId {
  let last = 0;
  return () => `part-${++last}`;
}

function renderSection(
  { heading, blocks, sections = [] }: Section,
  level: number,
  id: NextId,
): string {
  const name = id();
  return [
    `<section aria-labelledby="${name}">`,
    `<h${level} id="${name}">${escaped(heading)}</h${level}>`,
    ...blocks.map((block) => renderBlock(block, id)),
    ...sections.map((section) => renderSection(section, level + 1, id)),
    '</section>',
  ].join('\n');
}

function renderBlock(block: Block, id: NextId): string {
  switch (block.kind) {
    case 'paragraph':
      return `<p>${escaped(block.text)}</p>`;
    case 'list':
      return `<ul>\n${block.items.map((item) => `<li>${escaped(item)}</li>`).join('\n')}\n</ul>`;
    case 'table':
      return renderTable(block, id());
  }
}

// A wide table scrolls by itself, by keyboard too.
function renderTable({ caption, head, rows }: TextTable, name: string): string {
  const columns = head.map((text) => `<th scope="col">${escaped(text)}</th>`).join('');
  const lines = rows.map(([first = '', ...rest]) => {
    const cells = rest.map((text) => `<td>${escaped(text)}</td>`).join('');
    return `<tr><th scope="row">${escaped(first)}</th>${cells}</tr>`;
  });
  return `<div class="table" role="region" aria-labelledby="${name}" tabindex="0">
<table>
<caption id="${name}">${escaped(caption)}</caption>
<thead>
<tr>${columns}</tr>
</thead>
<tbody>
${lines.join('\n')}
</tbody>
</table>
</div>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
