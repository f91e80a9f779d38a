/**
 * What every chart has around it: a sentence that says what it shows, and a table of its numbers.
 */
import type { ComponentChildren, JSX } from 'preact';
import { type Cell, type Column, DataTable } from '../view/data-table.js';

interface Props {
  readonly title: string;
  /** A sentence or two: read instead of the chart. */
  readonly summary: string;
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly Cell[])[];
  readonly children: ComponentChildren;
}

export function ChartFigure({ title, summary, columns, rows, children }: Props): JSX.Element {
  return (
    <figure class="chart">
      <figcaption>{summary}</figcaption>
      <div role="img" aria-label={`Chart: ${title}. ${summary}`}>
        {children}
      </div>
      <details>
        <summary>Table: {title}</summary>
        <DataTable caption={title} columns={columns} rows={rows} />
      </details>
    </figure>
  );
}
