/**
 * docs/benchmarks.md from a run, with its charts. Knows: the order of things. Doesn't know: files.
 * Invariant: every number of the page comes from the run or from bench/data; the same run gives the same page.
 */
import type { KeptRun } from '../kept-run.js';
import { altText, chartsOf } from './charts.js';
import { draw } from './draw.js';
import { figureTables } from './figure-tables.js';
import { table } from './markdown.js';
import { peersSection } from './peers-section.js';
import { publishedSection } from './published.js';
import { targetsSection } from './targets.js';

export interface Report {
  readonly markdown: string;
  readonly charts: readonly { readonly file: string; readonly svg: string }[];
}

/** Where charts are, seen from the page. */
export const CHART_FOLDER = 'benchmarks';

export async function buildReport(run: KeptRun): Promise<Report> {
  const { charts, missing } = chartsOf(run.figures);
  const drawn: { file: string; svg: string }[] = [];
  for (const chart of charts) drawn.push({ file: `${chart.file}.svg`, svg: await draw(chart) });
  const images = charts.map(
    (chart) => `![${inAlt(altText(chart))}](${CHART_FOLDER}/${chart.file}.svg)`,
  );
  const undrawn = missing.map((title) => `- ${title}`);
  const absent =
    missing.length === 0
      ? []
      : [`Not drawn, for want of two points of one curve in this run:\n\n${undrawn.join('\n')}`];
  const parts = [
    '# Benchmarks',
    `Made from [run.json](${CHART_FOLDER}/run.json) by \`npm run bench:report\`; a test compares the two, so it is not edited by
hand. \`npm run bench\` makes such a run on another machine. What is measured how, and what is not:
[research.md](research.md). Parameters: n devices, m lanes, k neighbours, t the threshold; γ = 5 % corrupt and
δ = 10 % dropping out where nothing else is said.`,
    '## Machine',
    machine(run),
    '## Targets',
    targetsSection(run.figures),
    '## Charts',
    'Points are medians, bars reach from the least to the most measured.',
    ...images,
    ...absent,
    '## Beside other systems',
    publishedSection(run.figures),
    peersSection(run.figures),
    '## All figures',
    'Ratios divide figures of this run.',
    figureTables(run.figures),
  ];
  return { markdown: `${parts.join('\n\n')}\n`, charts: drawn };
}

function machine(run: KeptRun): string {
  const minutes = Math.round(run.seconds / 6) / 10;
  const what = run.only.length === 0 ? 'all benches' : run.only.join(', ');
  return table(
    [{ title: 'measured' }, { title: run.at }],
    [
      ['CPU', `${run.cpu}, ${run.cores} cores`],
      ['memory', `${run.memoryGiB} GiB`],
      ['Node', run.node],
      ['commit', run.commit ?? 'not in a checkout'],
      ['run', `${what}, ${run.quick ? 'quick' : 'full length'}, ${minutes} minutes`],
    ],
  );
}

function inAlt(text: string): string {
  return text.replaceAll('[', '(').replaceAll(']', ')');
}
