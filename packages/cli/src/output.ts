/**
 * Everything a command says. Results go to standard output, all else to standard error.
 * Knows: text, tables, JSON, errors. Doesn't know: what any of it means.
 */
import { OnlysumError, printable, toHex } from '@onlysum/crypto';
import Table from 'cli-table3';
import { CommanderError } from 'commander';
import pico from 'picocolors';
import type { Terminal } from './terminal.js';

const printed = new WeakSet<Terminal>();

/** Bytes become hex. */
export function printJson(terminal: Terminal, value: unknown): void {
  printed.add(terminal);
  terminal.out.write(`${toJson(value)}\n`);
}

/** Whether standard output has its one JSON value. */
export function hasPrintedJson(terminal: Terminal): boolean {
  return printed.has(terminal);
}

export function print(terminal: Terminal, ...lines: readonly string[]): void {
  terminal.out.write(`${lines.join('\n')}\n`);
}

export function note(terminal: Terminal, ...lines: readonly string[]): void {
  terminal.err.write(`${lines.join('\n')}\n`);
}

export function warn(terminal: Terminal, ...lines: readonly string[]): void {
  const { bold, yellow } = colors(terminal.err);
  note(terminal, ...lines.map((line) => `${bold(yellow('warning:'))} ${line}`));
}

/** @param align - by column; left where it is silent. */
export function table(
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
  align: readonly ('left' | 'right')[] = [],
): string {
  const grid = new Table({
    head: [...head],
    colAligns: head.map((_, i) => align[i] ?? 'left'),
    style: { head: [], border: [], compact: true },
  });
  grid.push(...rows.map((row) => row.map(String)));
  return grid.toString();
}

/** A title for what follows, on standard output. */
export function title(terminal: Terminal, text: string): string {
  return colors(terminal.out).bold(text);
}

function toJson(value: unknown): string {
  return JSON.stringify(value, (_, field: unknown) => {
    return field instanceof Uint8Array ? toHex(field) : field;
  });
}

/**
 * An error as plain data: what a program reads from standard output with `--json`. What a peer said may be
 * quoted in any of its texts.
 */
export function errorRecord(error: unknown): Record<string, unknown> {
  const entries = Object.entries(errorFields(error)).map(([name, value]) => {
    return [name, typeof value === 'string' ? printable(value) : value] as const;
  });
  return Object.fromEntries(entries);
}

function errorFields(error: unknown): Record<string, unknown> {
  if (error instanceof OnlysumError) {
    const { code, message, field, expected, got, retryable } = error;
    return { code, message, field, expected, got, retryable };
  }
  if (error instanceof CommanderError) return { code: 'flag-invalid', message: flagMessage(error) };
  return { code: 'internal', message: error instanceof Error ? error.message : String(error) };
}

/** An error in one line: what happened, then its code for docs/errors.md. */
export function errorLine(terminal: Terminal, error: unknown): string {
  const { code, message } = errorRecord(error);
  const { bold, red, dim } = colors(terminal.err);
  const text = String(message).replace(/ {2,}/g, ' ');
  return `${bold(red('error:'))} ${text} ${dim(`[${String(code)}]`)}`;
}

function flagMessage(error: CommanderError): string {
  return error.message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ');
}

function colors(stream: NodeJS.WritableStream): ReturnType<typeof pico.createColors> {
  const isTerminal = 'isTTY' in stream && stream.isTTY === true;
  return pico.createColors(isTerminal && pico.isColorSupported);
}
