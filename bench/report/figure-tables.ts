/** All figures of a run, a table a bench. */
import type { Figure } from '../figure.js';
import { exact, spreadText, table, valueText } from './markdown.js';

export function figureTables(figures: readonly Figure[]): string {
  const benches = [...new Set(figures.map(({ bench }) => bench))];
  return benches
    .map((bench) => {
      const own = figures.filter((each) => each.bench === bench);
      return `### ${bench}\n\n${figureTable(own)}`;
    })
    .join('\n\n');
}

function figureTable(figures: readonly Figure[]): string {
  const keys = [...new Set(figures.flatMap(({ setting = {} }) => Object.keys(setting)))];
  const columns = [
    { title: 'figure' },
    ...keys.map((title) => ({ title, isNumber: true })),
    { title: 'median', isNumber: true },
    { title: 'least and most, of how many' },
  ];
  const rows = figures.map(({ figure, setting = {}, value, unit, spread }) => [
    figure,
    ...keys.map((key) => {
      const at = setting[key];
      return typeof at === 'number' ? exact(at) : at;
    }),
    valueText(value, unit),
    spreadText(spread),
  ]);
  return table(columns, rows);
}
