/**
 * Curves out of figures: the same figure at several values of one setting, everything else the same.
 * Knows: settings. Doesn't know: how anything is drawn.
 */
import type { Figure, Setting, Spread } from '../figure.js';
import { settingText } from './find.js';

export interface Curve {
  /** What tells it from the other curves of a chart. */
  readonly name: string;
  /** By x, ascending, two or more. */
  readonly points: readonly Point[];
}

export interface Point {
  readonly x: number;
  readonly y: number;
  readonly spread?: Spread;
  /** k where it is not the same all over the chart. */
  readonly k?: number;
}

export interface Curves {
  readonly curves: readonly Curve[];
  /** What all curves have in common; empty: nothing. */
  readonly common: string;
}

interface Labelled {
  readonly figure: Figure;
  readonly setting: Setting;
  readonly x: number;
}

/** The rule gives k from n; a curve runs over it. */
const FOLLOWS = 'k';

/**
 * @param along - the setting that the curves run over.
 * @param names - what a figure is called beside its setting; empty where all are the same.
 */
export function curvesOf(
  figures: readonly Figure[],
  along: string,
  names: (figure: Figure) => string = () => '',
): Curves {
  const labelled = new Map<string, Labelled>();
  for (const figure of figures) {
    const setting = figure.setting ?? {};
    const x = setting[along];
    // Where two curves cross, both may have measured the point.
    const key = JSON.stringify([names(figure), sorted(setting)]);
    if (typeof x === 'number' && isOfSweep(setting, along) && !labelled.has(key))
      labelled.set(key, { figure, setting, x });
  }
  const groups = groupBy([...labelled.values()], ({ figure, setting }) =>
    identity(names(figure), setting, along),
  );
  const kept = [...groups.values()]
    .flatMap((group) => (hasTwins(group) ? splitByK(group) : [group]))
    .filter((group) => new Set(group.map(({ x }) => x)).size > 1);
  const all = kept.flat();
  const keys = [...new Set(all.flatMap(({ setting }) => Object.keys(setting)))];
  const fixed = keys.filter((key) => new Set(all.map(({ setting }) => setting[key])).size === 1);
  const varying = keys.filter((key) => key !== along && !fixed.includes(key));
  const curves = kept.flatMap((group): Curve[] => {
    const [first] = group;
    if (first === undefined) return [];
    const isKOfCurve = new Set(group.map(({ setting }) => setting[FOLLOWS])).size === 1;
    const told = varying.filter((key) => key !== FOLLOWS || isKOfCurve);
    const parts = [names(first.figure), settingText(first.setting, told)];
    return [
      {
        name: parts.filter((part) => part !== '').join(', '),
        points: group.toSorted((a, b) => a.x - b.x).map((each) => pointOf(each, isKOfCurve)),
      },
    ];
  });
  return { curves, common: settingText(all[0]?.setting ?? {}, fixed) };
}

/** A figure may be of a sweep over one setting, and then is of no curve over another. */
function isOfSweep({ over }: Setting, along: string): boolean {
  return over === undefined || over === along;
}

function pointOf({ figure, setting, x }: Labelled, isKOfCurve: boolean): Point {
  const k = setting[FOLLOWS];
  return {
    x,
    y: figure.value,
    ...(figure.spread === undefined ? {} : { spread: figure.spread }),
    ...(isKOfCurve || typeof k !== 'number' ? {} : { k }),
  };
}

function identity(name: string, setting: Setting, along: string): string {
  const rest = sorted(setting).filter(([key]) => key !== along && key !== FOLLOWS);
  return JSON.stringify([name, rest]);
}

function sorted(setting: Setting): [string, number | string][] {
  return Object.entries(setting).toSorted(([a], [b]) => (a < b ? -1 : 1));
}

/** Two figures at one x: one curve for each k, then. */
function hasTwins(group: readonly Labelled[]): boolean {
  return new Set(group.map(({ x }) => x)).size < group.length;
}

function splitByK(group: readonly Labelled[]): Labelled[][] {
  return [...groupBy(group, ({ setting }) => String(setting[FOLLOWS])).values()];
}

function groupBy<T>(values: readonly T[], key: (value: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const value of values) {
    const group = groups.get(key(value));
    if (group === undefined) groups.set(key(value), [value]);
    else group.push(value);
  }
  return groups;
}
