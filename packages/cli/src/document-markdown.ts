/** A document as Markdown (CommonMark with GitHub's tables). Invariant: no text of it is markup. */
import type { Block, Section, TextDocument, TextTable } from './text-document.js';

export function renderMarkdown({ title, blocks, sections, closing }: TextDocument): string {
  const parts = [
    `# ${escaped(title)}`,
    ...blocks.map(renderBlock),
    ...sections.flatMap((section) => renderSection(section, 2)),
    '---',
    escaped(closing),
  ];
  return `${parts.join('\n\n')}\n`;
}

function renderSection({ heading, blocks, sections = [] }: Section, level: number): string[] {
  return [
    `${'#'.repeat(level)} ${escaped(heading)}`,
    ...blocks.map(renderBlock),
    ...sections.flatMap((section) => renderSection(section, level + 1)),
  ];
}

function renderBlock(block: Block): string {
  switch (block.kind) {
    case 'paragraph':
      return escaped(block.text);
    case 'list':
      return block.items.map((item) => `- ${escaped(item)}`).join('\n');
    case 'table':
      return renderTable(block);
  }
}

// Markdown's tables have no captions: a line before it says the same.
function renderTable({ caption, head, rows }: TextTable): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(escaped).join(' | ')} |`;
  const rule = `| ${head.map(() => '---').join(' | ')} |`;
  return [`${escaped(caption)}:`, '', line(head), rule, ...rows.map(line)].join('\n');
}

/**
 * Any ASCII punctuation may be escaped; these are what can begin markup inside a line, at its beginning (a
 * list, a heading, a rule), or by themselves (what looks like an address becomes a link).
 */
function escaped(text: string): string {
  return text
    .replace(/[\\`*_{}[\]<>#|~&!$@^]/g, '\\$&')
    .replace(/^(\s*)([-+=:])/, '$1\\$2')
    .replace(/^(\s*\d+)([.)])/, '$1\\$2')
    .replace(/:(?=\/\/)/g, '\\:')
    .replace(/\bwww\./gi, (match) => `${match.slice(0, -1)}\\.`);
}
