/** How two categories go together: a table tinted by its numbers. */
import type { CrossTabulationResult } from '@onlysum/metrics';
import type { JSX } from 'preact';
import { HeatTable } from '../chart/heat-table.js';
import { interval, number } from '../view/format.js';

export function CrossTable({
  title,
  result: { rows, columns, counts },
}: {
  readonly title: string;
  readonly result: CrossTabulationResult;
}): JSX.Element {
  const values = counts.flat().map(({ value }) => value);
  const most = Math.max(1, ...values);
  const cell = rows
    .flatMap((row, i) =>
      columns.map((column, j) => ({ row, column, value: counts[i]?.[j]?.value ?? 0 })),
    )
    .reduce((best, each) => (each.value > best.value ? each : best));
  return (
    <figure class="chart">
      <figcaption>
        Most devices: {cell.row} with {cell.column} ({number(cell.value)}). A deeper tint is more
        devices; every cell has its number{counts.flat().some(isNoisy) ? ' and 95 % interval' : ''}.
      </figcaption>
      <HeatTable
        caption={title}
        rows={rows}
        columns={columns}
        cells={counts.map((row) =>
          row.map(({ value, interval: ends }) => ({
            text: number(value),
            detail: interval(ends),
            heat: Math.max(0, value) / most,
          })),
        )}
      />
    </figure>
  );
}

function isNoisy({ standardError }: { readonly standardError: number }): boolean {
  return standardError > 0;
}
