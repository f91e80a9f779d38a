/**
 * CSV that spreadsheets take for what it is. RFC 4180, with one more rule.
 * Invariant: no cell of text is run as a formula, whatever a manifest or a token says; each is quoted, so
 * that no separator of any locale splits it, and one that could begin a formula has an apostrophe before
 * it. Numbers are never touched.
 */
export type Cell = string | number | boolean | null;

/** Line breaks are CRLF. Null is an empty cell. */
export function csvLine(cells: readonly Cell[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`;
}

const FORMULA = /^[=+\-@|%\t\r\n\uFF1D\uFF0B\uFF0D\uFF20]/;

function csvCell(cell: Cell): string {
  if (cell === null) return '';
  if (typeof cell !== 'string') return String(cell);
  // Spaces before it do not keep a spreadsheet from seeing a formula.
  const safe = FORMULA.test(cell.trimStart()) || FORMULA.test(cell) ? `'${cell}` : cell;
  return `"${safe.replaceAll('"', '""')}"`;
}
