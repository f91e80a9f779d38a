/**
 * One difference between two versions of a manifest, and which way it goes.
 * Knows: numbers, lists, texts. Doesn't know: fields, and what they mean.
 */
import { checkedDecimal, compareDecimals } from '@onlysum/task';

/** More is asked for, or with less protection; the opposite; neither. */
export type Effect = 'widens' | 'narrows' | 'neutral';

export interface Change {
  /** Path, with names in place of indices, e.g. `metrics.startup_ms.edges`. */
  readonly field: string;
  readonly effect: Effect;
  /** Undefined for what was not there, or is no more. */
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** What fields hold; undefined for one that is not there. */
export type FieldValue = string | number | boolean | readonly string[] | undefined;

export function changed(
  field: string,
  before: FieldValue,
  after: FieldValue,
  effect: Effect,
): Change[] {
  const [was, is] = [shown(before), shown(after)];
  return was === is ? [] : [{ field, effect, before: was, after: is }];
}

/** Widens as it grows. */
export function grown(field: string, before: number | string, after: number | string): Change[] {
  const order = compareDecimals(checkedDecimal(String(after)), checkedDecimal(String(before)));
  return changed(field, before, after, order > 0 ? 'widens' : 'narrows');
}

/** Widens as it becomes less. */
export function shrunk(field: string, before: number | string, after: number | string): Change[] {
  const order = compareDecimals(checkedDecimal(String(after)), checkedDecimal(String(before)));
  return changed(field, before, after, order < 0 ? 'widens' : 'narrows');
}

/** What a list has gained widens, what it has lost narrows; its order does neither. */
export function listed(
  field: string,
  before: readonly string[],
  after: readonly string[],
): Change[] {
  const gained = after.filter((entry) => !before.includes(entry));
  const lost = before.filter((entry) => !after.includes(entry));
  const stayed = (list: readonly string[], other: readonly string[]): readonly string[] =>
    list.filter((entry) => other.includes(entry));
  return [
    ...gained.map(
      (entry): Change => ({ field, effect: 'widens', before: undefined, after: entry }),
    ),
    ...lost.map((entry): Change => ({ field, effect: 'narrows', before: entry, after: undefined })),
    ...changed(`${field}, their order`, stayed(before, after), stayed(after, before), 'neutral'),
  ];
}

function shown(value: FieldValue): string | undefined {
  if (value === undefined) return undefined;
  return typeof value === 'object' ? value.join(', ') : String(value);
}
