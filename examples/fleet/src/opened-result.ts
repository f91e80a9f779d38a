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
  readonly lanes: readonly number[];
  readonly cost: { readonly roundMs: number; readonly cpuMs: number };
  readonly attested: {
    readonly k: number;
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

/** @throws {RoundError} `demo-failed` if a part is missing. */
export function parseResult(text: string): OpenedResult {
  const value = JSON.parse(text) as OpenedResult;
  const counts = [value.devices, value.survivors, value.silentAfterMasked];
  const drops = value.dropped?.map(({ stage, count }) => typeof stage === 'string' && count);
  const numbers = [...counts, ...(drops ?? [undefined]), ...(value.lanes ?? [undefined])];
  const costs = [value.cost?.roundMs, value.cost?.cpuMs, value.attested?.k, value.attested?.t];
  if (!numbers.every(Number.isSafeInteger) || !costs.every(Number.isFinite)) {
    throw new RoundError('demo-failed', 'the result file of the coordinator lacks a part');
  }
  return value;
}

/** U3: places in the attested roster, ascending. */
export function survivorPlaces({ attested, devices }: OpenedResult): number[] {
  const bitmap = parseHex('survivorSet', attested.survivorSet, Math.ceil(devices / 8));
  return decodeBitmap(bitmap, devices, 'survivorSet');
}
