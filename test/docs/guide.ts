/**
 * docs/operating.md as something to run: its blocks as they are printed, and a shell that has the
 * command and the repository where the guide has them. Knows: Markdown, bash. Doesn't know: servers.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SHIM } from '../e2e/onlysum-process.js';

export const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
export const GUIDE = readFileSync(join(REPOSITORY, 'docs/operating.md'), 'utf8');

/** Those that begin with `# tried`, in their order. */
export function triedBlocks(): string[] {
  return [...GUIDE.matchAll(/```sh\n# tried\n([^]*?)```/g)].map(([, code = '']) => code);
}

/** @param language - sh, nginx or caddyfile. @param text - what is in this block alone. */
export function guideBlock(language: string, text: string): string {
  const all = [...GUIDE.matchAll(new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``, 'g'))];
  const found = all.map(([, code = '']) => code).filter((code) => code.includes(text));
  if (found.length !== 1) throw new Error(`${found.length} blocks of ${language} have ${text}`);
  return found[0] ?? '';
}

/** Puts other addresses, ports and paths into a block. @throws if it has not what is to be replaced. */
export function substitute(block: string, others: Readonly<Record<string, string>>): string {
  const missing = Object.keys(others).filter((from) => !block.includes(from));
  if (missing.length > 0) throw new Error(`the guide does not have ${missing.join(', ')}`);
  // In one pass, so that what was put in stays; of two that begin alike, the longer.
  const longestFirst = Object.keys(others).toSorted((a, b) => b.length - a.length);
  const any = longestFirst.map((from) => from.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&')).join('|');
  return block.replaceAll(new RegExp(any, 'g'), (from) => others[from] ?? from);
}

export interface ShellEnd {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface ShellOptions {
  readonly cwd: string;
  readonly limitMs: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Folder whose commands come first. Default: `onlysum` of the build. */
  readonly commands?: string;
}

/** Runs a script by bash; what it leaves in the background ends with it. */
export async function shell(script: string, options: ShellOptions): Promise<ShellEnd> {
  const { cwd, limitMs } = options;
  const own = mkdtempSync(join(tmpdir(), 'onlysum-commands-'));
  symlinkSync(SHIM, join(own, 'onlysum'));
  const path = `${options.commands ?? own}:${process.env['PATH']}`;
  const env = { ...process.env, ...options.env, PATH: path, ONLYSUM_HOME: REPOSITORY };
  // A group of its own, so that servers end also if the script fails.
  const child = spawn('bash', ['-c', `set -euo pipefail\n${script}`], { cwd, env, detached: true });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const endGroup = () => {
    try {
      process.kill(-(child.pid ?? Number.NaN), 'SIGKILL');
    } catch {
      // Nobody is left in it.
    }
  };
  const timer = setTimeout(endGroup, limitMs);
  child.once('exit', endGroup);
  const [code] = (await once(child, 'close')) as [number | null];
  clearTimeout(timer);
  rmSync(own, { recursive: true, force: true });
  return { code, out, err };
}

/** @returns standard output. @throws if the script fails, with all that it said. */
export async function succeed(script: string, options: ShellOptions): Promise<string> {
  const { code, out, err } = await shell(script, options);
  if (code !== 0) throw new Error(`code ${code}\n${script}\n${out}\n${err}`);
  return out;
}
