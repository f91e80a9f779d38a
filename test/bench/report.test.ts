/** The page that `npm run bench:report` makes of a run: nothing in it is written by hand. */
import { beforeAll, describe, expect, it } from 'vitest';
import { isMet } from '../../bench/figure.js';
import { CHART_FOLDER, type Report, buildReport } from '../../bench/report/page.js';
import { FIXTURE_RUN } from './fixture-run.js';
import { xmlFault } from './xml-fault.js';

let report: Report;
beforeAll(async () => {
  report = await buildReport(FIXTURE_RUN);
});

describe('the targets of a run', () => {
  it('have a row each, with value, target, spread and whether it is met', () => {
    const rows = linesOf(sectionOf('Targets')).filter(
      (line) => line.includes('| ≥ ') || line.includes('| ≤ '),
    );
    const wanted = FIXTURE_RUN.figures.filter(({ target }) => target !== undefined);
    expect(rows).toHaveLength(wanted.length);
    wanted.forEach((figure, i) => {
      const cells = (rows[i] ?? '').split(' | ');
      expect(cells[1]).toBe(figure.figure);
      expect(cells[5]).toBe(isMet(figure) === true ? 'met' : '**not met**');
    });
    expect(rows[0]).toBe(
      '| kernel | 256 B stream, kernel against noble | bytes = 256 | 13.21 × | ≥ 15 × | **not met** | 11.89 to 15.85 in 3 |',
    );
    expect(rows.at(-1)).toBe(
      '| bytes | upload per device | n = 1,000, m = 1,000, k = 44 | 8,150 B | ≤ 8500 B | met | 7,335 to 9,780 in 3 |',
    );
    expect(sectionOf('Targets')).toContain('2 of 4 targets are met in this run.');
  });

  it('that are missed are told with the reason, or that there is none yet', () => {
    const [, missed = ''] = sectionOf('Targets').split('### Not met');
    const paragraphs = missed.trim().split('\n\n');
    expect(paragraphs).toHaveLength(2);
    expect(paragraphs[0]).toMatch(
      /^\*\*kernel: 256 B stream, kernel against noble\*\* \(bytes = 256\)\. 13\.21 × \(11\.89 to 15\.85 in 3\); the target is ≥ 15 ×\. Why: A quarter round/,
    );
    expect(paragraphs[1]).toMatch(
      /^\*\*device-round: whole round against bare primitives\*\* \(n = 1,000, m = 1,000, k = 44, native suite\)\..*No reason has been found yet/,
    );
  });

  it('that are met need no reason', async () => {
    const figures = FIXTURE_RUN.figures.map((figure) =>
      isMet(figure) === false
        ? { ...figure, value: figure.target && 'min' in figure.target ? 1e9 : 0 }
        : figure,
    );
    const { markdown } = await buildReport({ ...FIXTURE_RUN, figures });
    expect(markdown).toContain('4 of 4 targets are met in this run.');
    expect(markdown).not.toContain('Why:');
    expect(markdown).not.toContain('not met');
  });
});

describe('the charts', () => {
  it.each([
    ['device-cost-by-cohort', 'n, devices in the roster', 'device CPU per round, ms'],
    ['device-cost-by-lanes', 'm, lanes of the vector', 'device CPU per round, ms'],
    ['coordinator-cost-by-cohort', 'n, devices in the roster', 'coordinator CPU per device, ms'],
    ['unmasking-by-dropout', 'devices that dropped, %', 'unmasking, ms'],
    ['server-work-by-dropout', 'devices that dropped, %', 'server work, ms'],
    ['bytes-by-lanes', 'm, lanes of the vector', 'bytes of messages per device, B'],
    ['devices-per-second-by-cohort', 'n, devices in the roster', 'devices per second'],
    ['rounds-per-second-by-cohort', 'n, devices in the roster', 'rounds per second'],
  ])('%s is well-formed SVG, with its axes named, and stands in the page', (name, x, y) => {
    const svg = svgOf(name);
    expect(xmlFault(svg)).toBeUndefined();
    expect(svg).toContain(`>${x}</text>`);
    expect(svg).toContain(`>${y}</text>`);
    // Whatever the theme of the page is, the background is white.
    expect(svg).toMatch(/<rect [^>]*fill="white"/);
    const image = linesOf(report.markdown).find((line) =>
      line.endsWith(`(${CHART_FOLDER}/${name}.svg)`),
    );
    expect(image).toMatch(/^!\[.{60,}\]/);
  });

  it('are no more and no fewer', () => expect(report.charts).toHaveLength(8));

  it('have a curve for each graph, with k where it follows from n', () => {
    const svg = svgOf('device-cost-by-cohort');
    for (const text of ['round tables', 'complete graph', 'k = 59', 'k = 99', 'k = 32', 'k = 50']) {
      expect(svg).toContain(`>${text}</text>`);
    }
    expect(report.markdown).toContain(
      "![A device's round, by size of the cohort (m = 256). device CPU per round, ms, against n, devices in the roster. complete graph: 11.8 at 60, 19.8 at 100; round tables: 6.4 at 200, 8.8 at 1,000, 10 at 10,000.]",
    );
  });

  it('of throughput are of what growth measured, unless rates were measured at two sizes', async () => {
    const rates = (devices: string, rounds: string) => (page: string) => {
      expect(page).toContain(`devices per second, against n, devices in the roster. ${devices}.]`);
      expect(page).toContain(`rounds per second, against n, devices in the roster. ${rounds}.]`);
    };
    rates(
      '999 at 60, 999 at 100, 998 at 200, 990.1 at 1,000, 909.1 at 10,000',
      '16.65 at 60, 9.99 at 100, 4.99 at 200, 0.9901 at 1,000, 0.09091 at 10,000',
    )(report.markdown);
    const more = FIXTURE_RUN.figures
      .filter(({ unit }) => unit === '1/s')
      .map((figure) => ({ ...figure, value: 7, setting: { ...figure.setting, n: 100 } }));
    const run = { ...FIXTURE_RUN, figures: [...FIXTURE_RUN.figures, ...more] };
    rates('7 at 100, 480 at 1,000', '7 at 100, 0.48 at 1,000')((await buildReport(run)).markdown);
  });

  it('are the same bytes for the same run', async () => {
    expect(await buildReport(FIXTURE_RUN)).toEqual(report);
  });

  it('that this run has no curve for are named, and nothing breaks', async () => {
    const figures = FIXTURE_RUN.figures.filter(({ bench }) => bench === 'kernel');
    const { markdown, charts } = await buildReport({ ...FIXTURE_RUN, figures });
    expect(charts).toEqual([]);
    expect(markdown).not.toContain('.svg');
    expect(markdown.match(/^- .*$/gm)).toHaveLength(8);
    expect(markdown).toContain('This run has no figures of `peers`.');
    expect((await buildReport({ ...FIXTURE_RUN, figures: [] })).markdown).toContain(
      'No figure of this run has a target.',
    );
  });
});

describe('other systems', () => {
  it('stand beside our figures of the same point, and of no other', () => {
    const page = sectionOf('Beside other systems');
    expect(page).toContain('| 1,000 | 10 % | 180,875 | 15,900 | 30,700 | 2,600 | no such point |');
    expect(page).toContain(
      '| 500 | 10 % | 62,239 | no such point | no such point | no such point | no such point |',
    );
    expect(page).toContain('wall time\nwith 2 threads, and CPU of all threads');
    expect(page).toContain(
      '| 1,000 | 20 % | 10.7 | 0.0094 (k = 44) | 888 | 0.1 (2 threads) | 1.9 (2 threads) |',
    );
    expect(page).toContain('| Sum, 32 bits | 5.5 | 7.25 | – | 2,656 | – | – | – | – |');
    expect(page).toContain('| Sum, 32 bit | 5 | 5.5 | 2,700 | 2,656 |');
  });
});

function sectionOf(title: string): string {
  const [, rest = ''] = report.markdown.split(`\n## ${title}\n`);
  return rest.split('\n## ')[0] ?? '';
}

function linesOf(text: string): string[] {
  return text.split('\n');
}

function svgOf(name: string): string {
  const chart = report.charts.find(({ file }) => file === `${name}.svg`);
  if (chart === undefined) throw new Error(`no chart ${name}`);
  return chart.svg;
}
