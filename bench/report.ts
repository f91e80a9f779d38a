/**
 * `npm run bench:report`: writes docs/benchmarks.md, its charts and docs/benchmarks/run.json from the newest
 * full run in bench/results, or, where there is none, from the run.json that is there already.
 */
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type KeptRun, newestFullRun } from './kept-run.js';
import { CHART_FOLDER, buildReport } from './report/page.js';

const DOCS = fileURLToPath(new URL('../docs/', import.meta.url));
const CHARTS = `${DOCS}${CHART_FOLDER}/`;
const RUN = `${CHARTS}run.json`;

const measured = newestFullRun();
const run = measured ?? publishedRun();
if (run === undefined) {
  process.stderr.write(
    'bench:report: expected a full run in bench/results, or docs/benchmarks/run.json, found neither.\n' +
      'Run `npm run bench` first, without --quick and --only; it takes up to 20 minutes.\n',
  );
  process.exit(2);
}
const { markdown, charts } = await buildReport(run);
mkdirSync(CHARTS, { recursive: true });
for (const name of readdirSync(CHARTS)) {
  if (name.endsWith('.svg')) rmSync(CHARTS + name);
}
for (const { file, svg } of charts) writeFileSync(CHARTS + file, svg);
writeFileSync(RUN, `${JSON.stringify(run, undefined, 1)}\n`);
writeFileSync(`${DOCS}benchmarks.md`, markdown);
const source = measured === undefined ? 'docs/benchmarks/run.json' : 'bench/results';
process.stderr.write(
  `docs/benchmarks.md and ${charts.length} charts from the run of ${run.at} in ${source}\n`,
);

function publishedRun(): KeptRun | undefined {
  if (!existsSync(RUN)) return undefined;
  return JSON.parse(readFileSync(RUN, 'utf8')) as KeptRun;
}
