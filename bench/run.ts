/**
 * `npm run bench`: measures, shows progress and figures, and keeps them in a file with what they were
 * measured on. Nothing here fails because something was slow.
 */
import { parseArgs } from 'node:util';
import { BENCHES, NOT_QUICK } from './benches.js';
import { type Figure, describe, isMet, targetText } from './figure.js';
import { keepRun } from './kept-run.js';
import { COMMON_FLEETS, recordTogether } from './recordings.js';

const USAGE = `usage: npm run bench -- [--quick] [--only NAME]… [--json]

  --quick      every target but the complete graph, the 30 % row and n = 10,000, and no
               comparison with WebCrypto or Prio3 unless asked for; under 2 minutes
  --only NAME  one of ${Object.keys(BENCHES).join(', ')};
               may be repeated
  --json       an array of {bench, figure, value, unit, target?} on standard output, nothing else
`;

interface Flags {
  readonly quick: boolean;
  readonly json: boolean;
  readonly only: readonly string[];
}

const startedAt = performance.now();
const flags = readFlags();
const figures: Figure[] = [];
if (flags.only.length === 0) {
  progress('recording the rounds that most benches need');
  await recordTogether(COMMON_FLEETS);
}
for (const [name, bench] of Object.entries(BENCHES)) {
  const isWanted =
    flags.only.length === 0 ? !flags.quick || !NOT_QUICK.has(name) : flags.only.includes(name);
  if (!isWanted) continue;
  progress(name);
  const run = { isQuick: flags.quick, progress: (text: string) => progress(`  ${text}`) };
  const found = await bench(run);
  if (!flags.json) for (const figure of found) show(figure);
  figures.push(...found);
}
const { quick, only } = flags;
progress(`kept in ${keepRun({ seconds: Math.round(seconds()), quick, only, figures })}`);
if (flags.json) {
  const shown = figures.map((figure) => ({
    bench: figure.bench,
    figure: describe(figure),
    value: figure.value,
    unit: figure.unit,
    ...(figure.target === undefined ? {} : { target: figure.target }),
  }));
  process.stdout.write(`${JSON.stringify(shown, undefined, 1)}\n`);
}

function readFlags(): Flags {
  try {
    const { values } = parseArgs({
      options: {
        quick: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        only: { type: 'string', multiple: true, default: [] },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) {
      process.stdout.write(USAGE);
      process.exit(0);
    }
    const unknown = values.only.find((name) => !Object.hasOwn(BENCHES, name));
    if (unknown === undefined) return values;
    const names = Object.keys(BENCHES).join(', ');
    throw new RangeError(`--only: expected one of ${names}, got ${JSON.stringify(unknown)}`);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    process.exit(2);
  }
}

function seconds(): number {
  return (performance.now() - startedAt) / 1000;
}

function progress(text: string): void {
  process.stderr.write(`${seconds().toFixed(1).padStart(6)} s  ${text}\n`);
}

function show(figure: Figure): void {
  const { target, spread } = figure;
  const wanted = target === undefined ? '' : `  ${isMet(figure) ? '✓' : '✗'} ${targetText(target)}`;
  const range =
    spread === undefined ? '' : `  [${spread.min} … ${spread.max}, ${spread.runs} runs]`;
  const value = `${String(figure.value).padStart(10)} ${figure.unit}`;
  process.stdout.write(`    ${describe(figure).padEnd(76)} ${value}${wanted}${range}\n`);
}
