/** A table whose cells are tinted by their numbers. The numbers stay readable, so colour says nothing alone. */
import type { JSX } from 'preact';
import { Scroller } from '../view/scroller.js';

export interface HeatCell {
  readonly text: string;
  readonly detail: string;
  /** 0 to 1. */
  readonly heat: number;
}

interface Props {
  readonly caption: string;
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  readonly cells: readonly (readonly HeatCell[])[];
}

/** A stronger tint would take the contrast from the text. */
const STRONGEST = 45;

export function HeatTable({ caption, rows, columns, cells }: Props): JSX.Element {
  return (
    <Scroller label={caption}>
      <table class="heat">
        <caption class="unseen">{caption}</caption>
        <thead>
          <tr>
            <td />
            {columns.map((name) => (
              <th key={name} scope="col" class="number">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((name, i) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              {columns.map((column, j) => {
                const cell = cells[i]?.[j];
                return (
                  // Set through the object model, which the policy allows; markup would not be.
                  <td
                    key={column}
                    class="number"
                    style={{ '--heat': `${Math.round((cell?.heat ?? 0) * STRONGEST)}%` }}
                  >
                    {cell?.text}
                    <small>{cell?.detail}</small>
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroller>
  );
}
