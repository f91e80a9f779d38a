/**
 * Published figures of other systems beside ours from the same points (n, m, dropout), where this run has
 * such a point. No ratio is formed: machines, decades and languages differ.
 */
import published from '../data/published-results.json' with { type: 'json' };
import type { Figure, Setting } from '../figure.js';
import { find, settingText } from './find.js';
import { type Column, exact, number, table } from './markdown.js';

/** Entries of the vectors of both tables of the paper. */
const BONAWITZ_LANES = 100_000;
const PYTHON_LANES = 1000;
const NOT_MEASURED = 'no such point';

export function publishedSection(figures: readonly Figure[]): string {
  return [
    `The figures of others are quoted, not measured again: other processors, partly of another decade, other
languages, and where nothing else is said one thread. Ours are of the machine above, and say how many threads
they used. So what can be compared is how cost grows from row to row; a quotient of a column of theirs and one
of ours means nothing, and none is given. "${NOT_MEASURED}" stands where this run has no figure for the same
n, m and dropout.`.replaceAll('\n', ' '),
    bonawitz(figures),
    python(figures),
  ].join('\n\n');
}

function bonawitz(figures: readonly Figure[]): string {
  const { client, server, expansion } = published['bonawitz-ccs2017'];
  const clientRows = client.map((row) => [
    exact(row.n),
    exact(row.advertiseKeys),
    exact(row.shareKeys),
    exact(row.maskedInput),
    exact(row.unmasking),
    exact(row.total),
    deviceCpu(figures, row.n, BONAWITZ_LANES, 1),
  ]);
  const serverRows = server.map((row) => {
    const at = { n: row.n, m: BONAWITZ_LANES, dropout: 1000 * row.dropout };
    const ours = (figure: string, graph: string): string =>
      ownTexts(find(figures, 'server-grid', figure, { ...at, graph }), [], 1);
    const [complete, tables] = ['complete', 'tables'].map((graph) => [
      ours('server work', graph),
      ours('server work, CPU', graph),
    ]);
    return [
      exact(row.n),
      percent(row.dropout),
      exact(row.total),
      ...(complete ?? []),
      ...(tables ?? []),
    ];
  });
  const factors = expansion.map(
    ({ n, m, bits, factor }) => `${factor}× at n = ${exact(n)}, m = ${exact(m)}, ${bits} bits`,
  );
  return `### Bonawitz et al., CCS 2017

Complete graph, m = ${exact(BONAWITZ_LANES)} entries, one thread, wall time in ms, as quoted in
\`bench/data/published-results.json\`; check a cell against the paper before relying on it.

Client, nobody drops. Ours is the CPU of a whole round on a device, native suite, Challenge to Closed.

${table(
  numbers('n', 'advertise keys', 'share keys', 'masked input', 'unmasking', 'total', 'ours, ms'),
  clientRows,
)}

Server, in ms. Ours is the work of the same grid, seeds synthetic, dropouts after the keys were shared: wall time
with ${threadsOf(figures)}, and CPU of all threads together.

${table(
  numbers(
    'n',
    'dropped',
    'total',
    'ours, complete graph: wall',
    'CPU',
    'ours, round tables: wall',
    'CPU',
  ),
  serverRows,
)}

A client's communication, against sending its inputs in the clear: ${factors.join('; ')}. ${ownExpansion(figures)}`;
}

function python(figures: readonly Figure[]): string {
  const { rows } = published['fault-tolerant-secure-agg-python'];
  const cells = rows.map(({ n, dropout, client, server }) => {
    const at = { n, m: PYTHON_LANES, dropout: 1000 * dropout };
    const unmasking = (how: string): string =>
      ownTexts(
        find(figures, 'unmasking', 'unmasking', { ...at, unmasking: how }),
        ['threads'],
        1000,
      );
    return [
      exact(n),
      percent(dropout),
      exact(client),
      deviceCpu(figures, n, PYTHON_LANES, 1000),
      exact(server),
      unmasking('direct'),
      unmasking('shares'),
    ];
  });
  const columns = ['n', 'dropped', 'their client', 'our device', 'their server'];
  const unmasking = ['our unmasking, direct reveal', 'our unmasking, shares alone'];
  return `### An implementation in Python

Results in the repository of an open Python implementation of the protocol on the complete graph, m =
${exact(PYTHON_LANES)}, in seconds. Theirs is the whole round; of our
coordinator the table has the unmasking alone.

${table(numbers(...columns, ...unmasking), cells)}`;
}

/** @param per - milliseconds of the unit that is shown. */
function deviceCpu(figures: readonly Figure[], n: number, m: number, per: number): string {
  const growth = find(figures, 'growth', 'device CPU', { n, m });
  const rounds = find(figures, 'device-round', 'whole round', { n, m, suite: 'native' });
  // Either may be missing; a figure without n or m is not of a point.
  const own = [...rounds, ...growth].filter(({ setting = {} }) => 'n' in setting && 'm' in setting);
  return ownTexts(own.slice(0, 1), ['k'], per);
}

function ownTexts(found: readonly Figure[], told: readonly string[], per: number): string {
  if (found.length === 0) return NOT_MEASURED;
  const texts = found.map(({ value, setting = {} }) => {
    const at = settingText(setting, told);
    return `${number(value / per)}${at === '' ? '' : ` (${at})`}`;
  });
  return texts.join('; ');
}

function threadsOf(figures: readonly Figure[]): string {
  const [one] = find(figures, 'server-grid', 'server work');
  return settingText(one?.setting ?? {}, ['threads']) || 'the threads of the machine';
}

/** At the longest vector of the run, where what a round costs beside it weighs least. */
function ownExpansion(figures: readonly Figure[]): string {
  const uploads = find(figures, 'bytes', 'upload per device');
  const longest = uploads.toSorted((a, b) => lanes(b.setting) - lanes(a.setting))[0];
  if (longest === undefined || lanes(longest.setting) === 0) {
    return 'This run has no bytes of ours to put beside it.';
  }
  const m = lanes(longest.setting);
  const factor = number(longest.value / (2 * m));
  const at = settingText(longest.setting ?? {});
  return `Ours, upload alone, is ${factor}× at the longest vector of this run, with inputs of 16 bits (${at}).`;
}

function lanes(setting: Setting | undefined): number {
  const m = setting?.['m'];
  return typeof m === 'number' ? m : 0;
}

function numbers(...titles: readonly string[]): Column[] {
  return titles.map((title) => ({ title, isNumber: true }));
}

function percent(share: number): string {
  return `${exact(100 * share)} %`;
}
