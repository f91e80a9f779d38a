/**
 * Every attack of the threat model, tried: against the sources as they are, where the side that stops it
 * says why, and against the same sources with that one check removed, where it succeeds.
 */
import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { attacks } from './all-attacks.js';
import { isStopped, tryAttack } from './attack.js';
import { intactBuild, removeBuilds, weakenedBuild } from './weakened-build.js';

const intact = intactBuild('src');
afterAll(removeBuilds);

describe('attacks', () => {
  for (const attack of attacks) {
    it(`${attack.name} (${attack.stoppedBy})`, async () => {
      const shipped = await tryAttack(attack, await intact);
      expect(isStopped(attack, shipped), JSON.stringify(shipped)).toBe(true);
      const weakened = await tryAttack(attack, await weakenedBuild(attack.name, attack.weaken));
      expect(weakened).toMatchObject({ succeeded: true });
    });
  }

  it('cannot weaken what is not there exactly once', async () => {
    const file = 'protocol/src/bitmap.ts';
    await expect(weakenedBuild('absent', { file, find: 'no such', replace: '' })).rejects.toThrow(
      'exactly one',
    );
    await expect(weakenedBuild('twice', { file, find: 'n', replace: '' })).rejects.toThrow(
      'exactly one',
    );
  });

  it('are all named in the threat model, and nothing there is without one', () => {
    const text = readFileSync(new URL('../../docs/threat-model.md', import.meta.url), 'utf8');
    const rows = new Set(attacks.map(({ designRow }) => designRow));
    for (const row of rows) expect(text).toContain(`| ${row} |`);
    const table = text.slice(text.indexOf('## Attacks'));
    const listed = [...table.matchAll(/^\| (?!attack |---)(.*?) \|/gm)].map(([, row]) => row);
    expect(listed.filter((row) => !rows.has(row ?? ''))).toEqual([]);
  });
});
