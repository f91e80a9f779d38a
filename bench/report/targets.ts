/** Every figure that has a target: met or not, and if not, why. */
import { type Figure, isMet, targetText } from '../figure.js';
import { settingText } from './find.js';
import { spreadText, table, valueText } from './markdown.js';
import { REASONS } from './reasons.js';

export function targetsSection(figures: readonly Figure[]): string {
  const all = figures.filter(({ target }) => target !== undefined);
  const missed = all.filter((each) => isMet(each) === false);
  if (all.length === 0) return 'No figure of this run has a target.';
  const rows = all.map((each) => [
    each.bench,
    each.figure,
    settingText(each.setting ?? {}),
    valueText(each.value, each.unit),
    wanted(each),
    isMet(each) === true ? 'met' : '**not met**',
    spreadText(each.spread),
  ]);
  const columns = [
    { title: 'bench' },
    { title: 'figure' },
    { title: 'at' },
    { title: 'measured', isNumber: true },
    { title: 'target', isNumber: true },
    { title: 'met' },
    { title: 'least and most, of how many' },
  ];
  const count = `${all.length - missed.length} of ${all.length} targets are met in this run.`;
  const parts = [count, table(columns, rows)];
  if (missed.length > 0) parts.push('### Not met', ...missed.map(missedText));
  return parts.join('\n\n');
}

function missedText(figure: Figure): string {
  const { bench, figure: name, value, unit, spread, setting } = figure;
  const range = spreadText(spread);
  const measured = `${valueText(value, unit)}${range === undefined ? '' : ` (${range})`}`;
  const reason = REASONS[bench]?.[name];
  const why =
    reason === undefined
      ? 'No reason has been found yet (`bench/report/reasons.ts`).'
      : `Why: ${reason}`;
  const at = setting === undefined ? '' : ` (${settingText(setting)})`;
  return `**${bench}: ${name}**${at}. ${measured}; the target is ${wanted(figure)}. ${why}`;
}

function wanted({ target, unit }: Figure): string {
  return target === undefined ? '' : `${targetText(target)} ${unit}`.trim();
}
