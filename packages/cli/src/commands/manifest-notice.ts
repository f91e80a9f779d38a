/** `onlysum manifest notice`: the privacy notice, made from the manifest. */
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { renderHtml } from '../document-html.js';
import { renderMarkdown } from '../document-markdown.js';
import { inFile, replaceFile } from '../files.js';
import { pathFlag } from '../flags.js';
import { noticeOf } from '../manifest-notice.js';
import { note } from '../output.js';
import { loadManifest } from '../tasks.js';
import type { Terminal } from '../terminal.js';

const PUBLIC_MODE = 0o644;

interface NoticeFlags {
  readonly html?: true;
  readonly markdown?: true;
  readonly out?: string;
}

export function addManifestNotice(manifest: Command, terminal: Terminal): void {
  manifest
    .command('notice')
    .summary('write the privacy notice that follows from a manifest')
    .description(
      'Writes in plain language who asks, what is collected and why, what users can decide, how it is\n' +
        'protected and where that ends. Give it to users as it is, or as a part of your own notice.',
    )
    .argument('[file]', 'manifest, signed or not', 'manifest.json')
    .addOption(new Option('--html', 'as one HTML page, without script').conflicts('markdown'))
    .option('--markdown', 'as Markdown (default)')
    .option('--out <file>', 'file to write to or replace', pathFlag('--out', terminal.cwd))
    .addHelpText(
      'after',
      '\nExample:\n  onlysum manifest notice manifest.signed.json --html --out notice.html',
    )
    .action((file: string, { html, out }: NoticeFlags) => {
      const path = resolve(terminal.cwd, file);
      const notice = inFile(path, () => noticeOf(loadManifest(path).manifest));
      const text = html === true ? renderHtml(notice) : renderMarkdown(notice);
      if (out === undefined) {
        terminal.out.write(text);
        return;
      }
      replaceFile(out, text, PUBLIC_MODE);
      note(terminal, `Wrote ${out}`);
    });
}
