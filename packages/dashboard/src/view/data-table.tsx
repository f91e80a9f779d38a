/** A table of rows with headings. */
import type { ComponentChildren, JSX } from 'preact';
import { Scroller } from './scroller.js';

export interface Column {
  readonly label: string;
  /** Right-aligned, in figures of one width. */
  readonly numeric?: boolean;
  /** Never broken over lines. */
  readonly whole?: boolean;
  /** Sentences: not squeezed into one word a line. */
  readonly prose?: boolean;
}

export type Cell = ComponentChildren;

interface Props {
  readonly caption: string;
  /** Whether the caption is for screen readers only, where a heading already says it. */
  readonly hideCaption?: boolean;
  readonly columns: readonly Column[];
  /** The first cell of each heads its row. */
  readonly rows: readonly (readonly Cell[])[];
}

export function DataTable({ caption, hideCaption = true, columns, rows }: Props): JSX.Element {
  return (
    <Scroller label={caption}>
      <table>
        <caption class={hideCaption ? 'unseen' : ''}>{caption}</caption>
        <thead>
          <tr>
            {columns.map((column, i) => (
              <th key={i} scope="col" class={column.numeric ? 'number' : ''}>
                {column.label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, i) => (
            <tr key={i}>
              {row.map((cell, j) =>
                j === 0 ? (
                  <th key={j} scope="row" class={classOf(columns[j])}>
                    {cell}
                  </th>
                ) : (
                  <td key={j} class={classOf(columns[j])}>
                    {cell}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroller>
  );
}

function classOf({ numeric, whole, prose }: Omit<Column, 'label'> = {}): string {
  return numeric ? 'number' : whole ? 'whole' : prose ? 'prose' : '';
}
