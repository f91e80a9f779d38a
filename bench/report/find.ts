/** Finds figures in a run by name and by what they were measured at. Doesn't know: what for. */
import type { Figure, Setting } from '../figure.js';
import { exact } from './markdown.js';

/** A figure may say at the end of its name which suite it is of: its setting says so as well. */
const SUITE = /, \w+ suite$/;

/**
 * @param wanted - what the setting has to be, as far as it says anything: a figure without a dropout is of
 *   every dropout.
 */
export function find(
  figures: readonly Figure[],
  bench: string,
  name: string,
  wanted: Setting = {},
): Figure[] {
  return figures.filter(
    (each) =>
      each.bench === bench &&
      each.figure.replace(SUITE, '') === name &&
      Object.entries(wanted).every(([key, value]) => (each.setting?.[key] ?? value) === value),
  );
}

/** Like n = 1,000, m = 256. */
export function settingText(
  setting: Setting,
  keys: readonly string[] = Object.keys(setting),
): string {
  return keys
    .flatMap((key) => {
      const value = setting[key];
      const text = value === undefined ? '' : described(key, value);
      return text === '' ? [] : [text];
    })
    .join(', ');
}

function described(key: string, value: number | string): string {
  switch (key) {
    // Which of two sweeps a figure is of: n, m and k say the rest.
    case 'over':
      return '';
    case 'dropout':
      return `${Number(value) / 10} % dropped`;
    case 'graph':
      return value === 'tables' ? 'round tables' : `${value} graph`;
    case 'unmasking':
      return value === 'direct' ? 'direct reveal' : `${value} alone`;
    case 'suite':
      return `${value} suite`;
    case 'threads':
      return value === 1 ? '1 thread' : `${value} threads`;
    default:
      return `${key} = ${typeof value === 'number' ? exact(value) : value}`;
  }
}
