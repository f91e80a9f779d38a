/** docs/benchmarks.md cannot be edited by hand and cannot go stale: its run gives it again, byte for byte. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { KeptRun } from '../../bench/kept-run.js';
import { CHART_FOLDER, buildReport } from '../../bench/report/page.js';

const docs = fileURLToPath(new URL('../../docs/', import.meta.url));
const folder = `${docs}${CHART_FOLDER}/`;
const page = `${docs}benchmarks.md`;
const hint = 'run npm run bench:report, and edit nothing by hand';

// Neither of them is there before the first full run.
describe.runIf(existsSync(page) || existsSync(folder))('docs/benchmarks.md', () => {
  const publishedRun = (): KeptRun =>
    JSON.parse(readFileSync(`${folder}run.json`, 'utf8')) as KeptRun;

  it('is what docs/benchmarks/run.json gives, with its charts', async () => {
    const { markdown, charts } = await buildReport(publishedRun());
    expect(readFileSync(page, 'utf8'), hint).toBe(markdown);
    const files = charts.map(({ file }) => file);
    expect(readdirSync(folder).toSorted(), hint).toEqual([...files, 'run.json'].toSorted());
    for (const { file, svg } of charts) {
      expect(readFileSync(folder + file, 'utf8') === svg, `${file}: ${hint}`).toBe(true);
    }
  });

  it('is of a run of all benches in full length', () => {
    expect(publishedRun()).toMatchObject({ quick: false, only: [] });
  });
});
