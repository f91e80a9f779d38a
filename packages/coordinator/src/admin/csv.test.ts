import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Cell, csvLine } from './csv.js';

/** RFC 4180, for one line. */
function parse(line: string): string[] {
  const cells = [...line.slice(0, -2).matchAll(/("(?:[^"]|"")*"|[^",]*)(,|$)/g)];
  return cells
    .slice(0, cells.findIndex(([, , end]) => end === '') + 1)
    .map(([, cell = '']) =>
      cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell,
    );
}

const texts = fc.oneof(
  fc.string(),
  fc.constantFrom(
    '=1+1',
    '+1',
    '-1',
    '@SUM(A1)',
    ' =1',
    '\t=1',
    '\r=1',
    '\n=1',
    '＝1',
    '|x',
    '"=1',
  ),
);

it('gives back what went in, and no cell of text begins as a formula does', () => {
  fc.assert(
    fc.property(fc.array(texts, { minLength: 1, maxLength: 5 }), (cells) => {
      const parsed = parse(csvLine(cells));
      expect(parsed.map((cell) => cell.replace(/^'/, ''))).toEqual(
        cells.map((cell) => cell.replace(/^'/, '')),
      );
      for (const cell of parsed) expect(cell).not.toMatch(/^\s*[=+\-@|%＝＋－＠]/);
    }),
  );
});

it('leaves numbers as they are, also negative ones', () => {
  const cells: Cell[] = [-1.5, 0, true, null, 'x', 1e21];
  expect(csvLine(cells)).toBe('-1.5,0,true,,"x",1e+21\r\n');
});
