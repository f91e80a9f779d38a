/** Tables and numbers of the report. Knows: Markdown. Doesn't know: what is in them. */
import type { Spread } from '../figure.js';

const FORMAT = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 4 });
const NONE = '–';

/** Of a column; numbers stand on the right. */
export interface Column {
  readonly title: string;
  readonly isNumber?: boolean;
}

export function table(
  columns: readonly Column[],
  rows: readonly (readonly (string | undefined)[])[],
): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    line(columns.map(({ title }) => cell(title))),
    line(columns.map(({ isNumber = false }) => (isNumber ? '---:' : '---'))),
    ...rows.map((row) => line(columns.map((_, i) => cell(row[i] ?? NONE)))),
  ].join('\n');
}

/** Of something that was counted or quoted: every digit. */
export function exact(value: number): string {
  return value.toLocaleString('en-US');
}

/** Four significant digits, as figures are kept. */
export function number(value: number): string {
  return FORMAT.format(value);
}

export function valueText(value: number, unit: string): string {
  return `${number(value)} ${unit}`.trim();
}

/** undefined for a single value. */
export function spreadText(spread: Spread | undefined): string | undefined {
  if (spread === undefined) return undefined;
  return `${number(spread.min)} to ${number(spread.max)} in ${number(spread.runs)}`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
