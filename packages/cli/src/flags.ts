/**
 * Flags and arguments: the text of the command line made into checked values, once for all commands.
 * Knows: forms and ranges. Doesn't know: what a flag is for.
 */
import { resolve } from 'node:path';
import { describe, invalidField, UsageError } from '@onlysum/crypto';
import { REGISTRAR_URL_FORM, registrarBase } from '@onlysum/task';
import { type Command, Option } from 'commander';
import type { Terminal } from './terminal.js';

/** @throws {UsageError} `flag-invalid`. */
export function integerFlag(flag: string, least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^[0-9]{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
    throw invalidFlag(flag, `an integer from ${least} to ${most}`, text);
  };
}

/** A decimal, or one with an exponent; above 0. */
export function positiveFlag(flag: string): (text: string) => number {
  return numberFlag(flag, 'a number above 0, e.g. 0.5 or 1e-6', (value) => value > 0);
}

/** A decimal, or one with an exponent; from 0, below 1. */
export function probabilityFlag(flag: string): (text: string) => number {
  return numberFlag(flag, 'a number from 0, below 1, e.g. 1e-6', (value) => value < 1);
}

export const portFlag = integerFlag('--port', 0, 65_535);

/** Positive, with at most three decimals. @returns milliseconds. */
export function secondsFlag(flag: string, most: number): (text: string) => number {
  return (text) => {
    const value = /^[0-9]{1,9}(\.[0-9]{1,3})?$/.test(text) ? Number(text) : 0;
    if (value > 0 && value <= most) return Math.round(value * 1000);
    throw invalidFlag(flag, `seconds, more than 0 and at most ${most}`, text);
  };
}

/** @returns 64 lower-case hex digits. */
export function keyFlag(flag: string): (text: string) => string {
  return (text) => {
    if (/^[0-9a-f]{64}$/.test(text)) return text;
    throw invalidFlag(flag, 'a key or pseudonym of 64 lower-case hex digits', text);
  };
}

/** @returns an absolute path. */
export function pathFlag(flag: string, cwd: string): (text: string) => string {
  return (text) => {
    if (text !== '') return resolve(cwd, text);
    throw invalidFlag(flag, 'a path', text);
  };
}

/** @returns where a registrar is, without a slash at its end. */
export function registrarUrlFlag(flag: string): (text: string) => string {
  return (text) => {
    const base = registrarBase(text);
    if (base !== undefined) return base;
    // A URL with a user may hold a password.
    const got = text.includes('@') ? `one with a user` : describe(text);
    const expected = REGISTRAR_URL_FORM;
    throw new UsageError('flag-invalid', `${flag}: expected ${expected}, got ${got}`, {
      field: flag,
      expected,
      got,
    });
  };
}

/** Which store a command works on. @param store - help of `--store`: whose, and what it is by default. */
export function addStorePlaceFlags(command: Command, { cwd }: Terminal, store: string): Command {
  return command
    .option('--config <file>', 'configuration (default: onlysum.yaml if there is one)')
    .option('--store <folder>', store, pathFlag('--store', cwd));
}

/** Ends the help of a flag that must be given unless onlysum.yaml has its line. */
export const REQUIRED = '(required, here or in onlysum.yaml)';

/** A flag that may be given several times. */
export function repeated<T>(read: (text: string) => T): (text: string, before?: T[]) => T[] {
  return (text, before = []) => [...before, read(text)];
}

/** `name=value`; the value may be empty or hold further signs of equality. */
export function settingFlag(flag: string): (text: string) => readonly [string, string] {
  return (text) => {
    const at = text.indexOf('=');
    if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
    throw invalidFlag(flag, 'name=value', text);
  };
}

export const JSON_FLAG = '--json';

/** `--json`, the same for every command that prints a result. */
export function jsonOption(what = 'print the result as one JSON value'): Option {
  return new Option(JSON_FLAG, what);
}

/** Removes what was not given, so that what was can overwrite a configuration's lines. */
export function given<T extends object>(flags: T): Partial<T> {
  const entries = Object.entries(flags).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Partial<T>;
}

/**
 * A value that a flag or a line of the configuration must give.
 *
 * @param flag - undefined if only the configuration can give it.
 * @throws {UsageError} `setting-missing`.
 */
export function required<T>(value: T | undefined, flag: string | undefined, line: string): T {
  if (value !== undefined) return value;
  const inFlag = flag === undefined ? '' : `the flag ${flag} or `;
  const expected = `${inFlag}the line ${line} of onlysum.yaml`;
  throw new UsageError('setting-missing', `${line}: expected ${expected}, got nothing`, {
    field: flag ?? line,
    expected,
    got: 'nothing',
  });
}

export function invalidFlag(flag: string, expected: string, got: unknown): UsageError {
  return invalidField(UsageError, 'flag-invalid', flag, expected, got);
}

function numberFlag(
  flag: string,
  expected: string,
  isWithin: (value: number) => boolean,
): (text: string) => number {
  return (text) => {
    const isNumber = /^([0-9]+(\.[0-9]*)?|\.[0-9]+)(e[+-]?[0-9]{1,3})?$/i.test(text);
    const value = isNumber ? Number(text) : Number.NaN;
    if (Number.isFinite(value) && isWithin(value)) return value;
    throw invalidFlag(flag, expected, text);
  };
}
