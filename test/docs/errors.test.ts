/** docs/errors.md has a row for every code in the sources, and none for a code that is gone. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { DROP_REASONS } from '@onlysum/protocol';
import { describe, expect, it } from 'vitest';
import { errorCodesIn } from './error-codes.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const page = readFileSync(`${root}docs/errors.md`, 'utf8');
const documented = new Set(
  page
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .flatMap((line) => [...(line.split('|')[1] ?? '').matchAll(/`([a-z-]+)`/g)])
    .map(([, code]) => code ?? ''),
);
const inSources = errorCodesIn(root);

describe('docs/errors.md', () => {
  it('has a row for every code that the sources raise', () => {
    expect(inSources.size).toBeGreaterThan(80);
    expect([...inSources.keys()].filter((code) => !documented.has(code))).toEqual([]);
  });

  it('has every close code with its number and none twice', () => {
    const numbers = Object.entries(DROP_REASONS).map(([code, { closeCode }]) => {
      expect(page).toContain(`| \`${code}\` | ${closeCode} |`);
      expect(closeCode >= 4000 && closeCode <= 4099).toBe(true);
      return closeCode;
    });
    expect(new Set(numbers).size).toBe(numbers.length);
  });

  it('has no row for a code that nothing raises', () => {
    const text = [...inSources.keys(), ...Object.keys(DROP_REASONS)];
    const elsewhere = [
      'coordinator-restarted',
      'dropped',
      'cohort-too-small',
      'too-many-dropped',
      'recovery-failed',
    ];
    const known = new Set([...text, ...elsewhere]);
    expect([...documented].filter((code) => !known.has(code))).toEqual([]);
  });
});
