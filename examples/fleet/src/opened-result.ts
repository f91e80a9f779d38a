/** The result file that the coordinator writes: the parts that the demo reads. */
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RoundError, parseHex } from '@onlysum/crypto';
import { decodeBitmap } from '@onlysum/protocol';

export interface OpenedResult {
  readonly devices: number;
  readonly survivors: number;
  readonly dropped: readonly { readonly stage: string; readonly count: number }[];
  readonly silentAfterMasked: number;
  /** One that is withheld in the file is 0 here. */
  readonly lanes: readonly number[];
  readonly roundMs: number;
  /** Of the coordinator's process. */
  readonly cpuMs: number;
  readonly attested: {
    /** Shares that a recovery needs. */
    readonly t: number;
    /** U3 as a bitmap over places, hex. */
    readonly survivorSet: string;
  };
}

const POLL_MS = 50;

/** Waits for a result file; it appears whole, since the coordinator renames it into its place. */
export async function firstResult(directory: string, signal: AbortSignal): Promise<OpenedResult> {
  while (!signal.aborted) {
    const name = (await readdir(directory).catch(() => [])).find((file) => file.endsWith('.json'));
    if (name !== undefined) return parseResult(await readFile(join(directory, name), 'utf8'));
    await sleep(POLL_MS);
  }
  throw signal.reason;
}

/** @throws {RoundError} `demo-failed` if a part is missing, naming it. */
export function parseResult(text: string): OpenedResult {
  const file = JSON.parse(text) as Partial<OpenedResult> & { lanes?: readonly (number | null)[] };
  const { attested, dropped } = file;
  // What a single device gives is shown in the demo, so a sum that is withheld is one that nobody gave.
  const lanes = file.lanes?.map((sum) => sum ?? 0);
  const result = { ...file, lanes };
  const parts: [string, boolean][] = [
    ...(['devices', 'survivors', 'silentAfterMasked', 'roundMs', 'cpuMs'] as const).map(
      (name): [string, boolean] => [name, Number.isFinite(result[name])],
    ),
    ['lanes', lanes?.every(Number.isSafeInteger) ?? false],
    ['dropped', dropped?.every(({ count }) => Number.isSafeInteger(count)) ?? false],
    ['attested.t', Number.isSafeInteger(attested?.t)],
    ['attested.survivorSet', typeof attested?.survivorSet === 'string'],
  ];
  const missing = parts.filter(([, isThere]) => !isThere).map(([name]) => name);
  if (missing.length === 0) return result as OpenedResult;
  const detail = `the coordinator's result file lacks ${missing.join(', ')}`;
  throw new RoundError('demo-failed', detail, { got: missing.join(', ') });
}

/** U3: places in the attested roster, ascending. */
export function survivorPlaces({ attested, devices }: OpenedResult): number[] {
  const bitmap = parseHex('survivorSet', attested.survivorSet, Math.ceil(devices / 8));
  return decodeBitmap(bitmap, devices, 'survivorSet');
}
